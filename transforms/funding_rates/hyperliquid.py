"""Hyperliquid's hourly funding, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import rows
from transforms.payments import hour_of, payments
from transforms.units import decimal_text, epoch_to_instant

EVERY_HOUR = 1


def normalize(payload: Any, *, asset: str, coin: str) -> pl.DataFrame:
    """Turn one page of funding history into one payment per hour.

    Hyperliquid pays at every full hour, for the hour before; the stamp is that of the block, some milliseconds late, so
    a payment is named by its hour. We read `fundingRate`, which is what was paid for the hour: the documentation counts
    it as an eighth of a rate over eight hours. `premium` is one of the inputs of the rate, not a payment.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        coin: Hyperliquid's name of the perpetual; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per hour; positive means that longs paid shorts.
    """
    page = rows(payload, coin=pl.String, fundingRate=pl.String, time=pl.Int64)
    others = page.filter(pl.col("coin").ne_missing(coin))
    if others.height:
        raise PayloadChanged(f"expected payments of {coin}, found {others['coin'][0]}")
    stamped = page.with_columns(stamped_at=epoch_to_instant(pl.col("time")))
    return payments(
        stamped.select(
            "stamped_at",
            settled_at=hour_of(stamped, "stamped_at"),
            funding_rate=decimal_text(pl.col("fundingRate")),
            interval_hours=pl.lit(EVERY_HOUR),
        ),
        asset=asset,
        venue="hyperliquid",
    )
