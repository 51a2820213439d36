"""Funding payments in the columns of `funding_rates`, whoever paid them."""

import polars as pl

from expectations.errors import PayloadChanged
from transforms.units import day_of

LATE = pl.duration(minutes=1)


def hour_of(frame: pl.DataFrame, stamp: str) -> pl.Expr:
    """The full hour that a stamp names; stamps may be late by seconds, never by more than a minute."""
    hour = pl.col(stamp).dt.truncate("1h")
    odd = frame.filter(pl.col(stamp) - hour > LATE)
    if odd.height:
        raise PayloadChanged(f"expected payments stamped at full hours, found {odd[stamp][0]}")
    return hour


def payments(frame: pl.DataFrame, *, asset: str, venue: str) -> pl.DataFrame:
    """Rows of `funding_rates`.

    A payment at 00:00 belongs to the day that begins then, at every venue: a day holds the payments from 00:00 up to,
    not including, the next 00:00.

    Args:
        frame: settled_at (the instant of the payment), funding_rate (fraction per interval, longs to shorts),
            interval_hours, stamped_at.
        asset: Our name of the asset.
        venue: Our name of the venue.

    Returns:
        One row per payment, public when it was settled.
    """
    return frame.select(
        "settled_at",
        "funding_rate",
        "stamped_at",
        date=day_of(pl.col("settled_at")),
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        interval_hours=pl.col("interval_hours").cast(pl.Int64),
        available_at=pl.col("settled_at"),
    )
