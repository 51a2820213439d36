"""Gate's daily statistics of a perpetual, as rows of `liquidations`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import NUMBER_OR_TEXT, rows
from transforms.refused import marks
from transforms.units import day_of, end_of, require_midnights, seconds_to_instant

# Among the days with at least so many dollars on a side, the median one must be worth its coins, at a price within a
# factor of two of the day's: another unit is off on all days, a rounded coin or a strange price on some.
WORTH_A_LOOK_USD = 1_000
FACTOR = 2


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn daily statistics into rows.

    A row is stamped with the start of its day, 00:00 UTC; the newest one is the current day, and is never wanted.
    `long_liq_usd` is the value of the liquidated longs, in the quote currency, USDT, taken at par. `long_liq_size`
    counts contracts, of a ten-thousandth of a bitcoin for example, and `long_liq_amount` coins: neither is money. The
    coins are read too, because dollars that are not worth them, by and large, are in another unit. Prices, amounts and
    dollars come as numbers or as text. Since 2026 there is a `long_liq_usd_new` as well, contracts at the bar's mark
    price; the older field is older than that.

    Args:
        payload: The decoded answer: a list of objects, oldest first.
        asset: Our name of the asset; the answer does not say which contract it is about.

    Returns:
        Rows of `liquidations`; 0 is a day without liquidations. The largest one and the accounts are not published.
    """
    stats = rows(
        payload,
        time=pl.Int64,
        mark_price=NUMBER_OR_TEXT,
        long_liq_usd=NUMBER_OR_TEXT,
        long_liq_amount=NUMBER_OR_TEXT,
        short_liq_usd=NUMBER_OR_TEXT,
        short_liq_amount=NUMBER_OR_TEXT,
    )
    for side in ("long", "short"):
        _require_worth(stats, f"{side}_liq_usd", f"{side}_liq_amount")
    stamped = stats.with_columns(stamped_at=seconds_to_instant(pl.col("time")))
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(stamped, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("gate"),
        long_usd=pl.col("long_liq_usd"),
        short_usd=pl.col("short_liq_usd"),
        total_usd=pl.col("long_liq_usd") + pl.col("short_liq_usd"),
        largest_usd=pl.lit(None, pl.Float64),
        accounts=pl.lit(None, pl.Int64),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )


def _require_worth(stats: pl.DataFrame, dollars: str, coins: str) -> None:
    """Refuse dollars that are not the value of the coins, by the median of the days that have both and a price."""
    days = stats.filter(pl.col(dollars) >= WORTH_A_LOOK_USD, pl.col(coins) > 0, pl.col("mark_price") > 0)
    off = days.select((pl.col(dollars) / pl.col(coins) / pl.col("mark_price")).median()).item()
    if off is not None and not 1 / FACTOR <= off <= FACTOR:
        found = (
            f"{off:.3g} times as much in the median of {days.height} days, {days.select(dollars, coins).row(0)} first"
        )
        raise PayloadChanged(f"expected {dollars} to be worth {coins} at about the mark price, found {found}")
