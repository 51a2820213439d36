"""Funding payments in the columns of `funding_rates`, for every venue."""

import polars as pl

from transforms.refused import marks, refuse
from transforms.units import day_of

LATE = pl.duration(minutes=1)


def named(frame: pl.DataFrame, hour: pl.Expr) -> pl.DataFrame:
    """Give each payment its full hour.

    Args:
        frame: stamped_at, as the provider stamped it.
        hour: The hour that a stamp stands for; stamps may be off by seconds, never by more than a minute.

    Returns:
        The same rows with `settled_at`. A payment that is further off is marked as unreadable: its hour is unknown, and
        it costs the day of the hour that it was given.
    """
    reason = pl.format("expected payments stamped at full hours, found {}", told_at(pl.col("stamped_at")))
    off = (pl.col("stamped_at") - pl.col("settled_at")).abs() > LATE
    return refuse(frame.with_columns(settled_at=hour), off, reason)


def told_at(instant: pl.Expr) -> pl.Expr:
    """An instant as the reason of a refusal states it, in UTC."""
    return instant.dt.strftime("%Y-%m-%d %H:%M:%S")


def ended_hour() -> pl.Expr:
    """The full hour of a stamp, where stamps are late and never early."""
    return pl.col("stamped_at").dt.truncate("1h")


def nearest_hour() -> pl.Expr:
    """The full hour of a stamp that may be on either side of it."""
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
    """The payments of the wanted days, out of payments requested with some of the days beside.

    Args:
        rows: Rows of `funding_rates`.
        first: The first day, YYYY-MM-DD; empty where all are wanted.
        last: The last day, included; empty where all are wanted.
    """
    if first:
        rows = rows.filter(pl.col("date") >= pl.lit(first).str.to_date())
    return rows.filter(pl.col("date") <= pl.lit(last).str.to_date()) if last else rows
