"""Funding payments in the columns of `funding_rates`, whoever paid them."""

import polars as pl

from transforms.refused import marks, refuse
from transforms.units import day_of

LATE = pl.duration(minutes=1)


def named(frame: pl.DataFrame, hour: pl.Expr) -> pl.DataFrame:
    """Name each payment by its full hour.

    Args:
        frame: stamped_at, as the provider stamped it.
        hour: The hour that a stamp names; stamps may be off by seconds, never by more than a minute.

    Returns:
        The same rows with `settled_at`. A payment that is further off is marked as one that cannot be read: nothing
        tells which hour it is of, and it costs the day of the one that it was named by.
    """
    found = pl.format("expected payments stamped at full hours, found {}", told_at(pl.col("stamped_at")))
    off = (pl.col("stamped_at") - pl.col("settled_at")).abs() > LATE
    return refuse(frame.with_columns(settled_at=hour), off, found)


def told_at(instant: pl.Expr) -> pl.Expr:
    """An instant as the reason of a refusal says it, in UTC."""
    return instant.dt.strftime("%Y-%m-%d %H:%M:%S")


def ended_hour() -> pl.Expr:
    """The full hour that a stamp names where stamps are late and never early."""
    return pl.col("stamped_at").dt.truncate("1h")


def nearest_hour() -> pl.Expr:
    """The full hour that a stamp names where it may be on either side."""
    return pl.col("stamped_at").dt.round("1h")


def payments(frame: pl.DataFrame, *, asset: str, venue: str) -> pl.DataFrame:
    """Rows of `funding_rates`.

    A payment at 00:00 belongs to the day that begins then, at every venue: a day holds the payments from 00:00 up to,
    not including, the next 00:00.

    Args:
        frame: settled_at (the instant of the payment), funding_rate (fraction per interval, longs to shorts),
            interval_hours, stamped_at; rows that cannot be read may be marked.
        asset: Our name of the asset.
        venue: Our name of the venue.

    Returns:
        One row per payment, public when it was settled.
    """
    return frame.select(
        "settled_at",
        "funding_rate",
        "stamped_at",
        *marks(frame),
        date=day_of(pl.col("settled_at")),
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        interval_hours=pl.col("interval_hours").cast(pl.Int64),
        available_at=pl.col("settled_at"),
    )


def of_days(rows: pl.DataFrame, first: str, last: str) -> pl.DataFrame:
    """Of payments that were asked for with some of the days beside, those of the days that are wanted.

    Args:
        rows: Rows of `funding_rates`.
        first: The first day, YYYY-MM-DD; empty where all are wanted.
        last: The last day, included; empty where all are wanted.
    """
    if first:
        rows = rows.filter(pl.col("date") >= pl.lit(first).str.to_date())
    return rows.filter(pl.col("date") <= pl.lit(last).str.to_date()) if last else rows
