"""Our assets: the basket each belongs to, with the dates between which that holds.

A provider's own symbols, and since when it lists them, are stated in its source file. The sector baskets are ours:
fixed, equal-weighted, and no other firm's index.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl


@dataclass(frozen=True)
class Membership:
    """An asset in a basket, from one day to another (unknown while it lasts)."""

    asset: str
    sector: str
    valid_from: date
    valid_to: date | None = None


FOREVER = date(2009, 1, 3)

MEMBERSHIPS = (
    *(
        Membership(asset, "major", FOREVER)
        for asset in ("BTC", "ETH", "BNB", "XRP", "ADA", "AVAX", "LINK", "TRX", "DOT", "LTC", "BCH", "XLM")
    ),
    *(Membership(asset, "l1", FOREVER) for asset in ("SOL", "SUI", "APT", "SEI")),
    *(Membership(asset, "l2", FOREVER) for asset in ("OP", "ARB")),
    *(Membership(asset, "ai", FOREVER) for asset in ("WLD", "ARKM", "IO")),
    *(Membership(asset, "defi", FOREVER) for asset in ("UNI", "AAVE")),
    *(Membership(asset, "meme", FOREVER) for asset in ("DOGE", "SHIB", "PEPE")),
)


def memberships() -> pl.DataFrame:
    """The baskets as a table: asset, sector, valid_from, valid_to."""
    return pl.DataFrame(
        [(m.asset, m.sector, m.valid_from, m.valid_to) for m in MEMBERSHIPS],
        schema={"asset": pl.String, "sector": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
        orient="row",
    )
