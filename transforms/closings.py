"""Forced closings as rows of `liquidation_events`, and the days that are known to have none."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import polars as pl

from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.interval import ONE_DAY, Interval
from transforms.units import day_of, start_of


def events(closings: pl.DataFrame, *, venue: str) -> pl.DataFrame:
    """Rows of `liquidation_events`.

    Args:
        closings: asset, event, side, amount_usd, price_usd, account and stamped_at of each; a column that is left out
            is unknown.
        venue: Our name of the venue.

    Returns:
        A row per closing, on the day of its stamp, public at once.
    """
    schema = LIQUIDATION_EVENTS.schema()
    given = closings.with_columns(
        date=day_of(pl.col("stamped_at")), venue=pl.lit(venue), available_at=pl.col("stamped_at")
    )
    unknown = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in given.columns}
    return given.with_columns(**unknown).select(*schema)


def without_events(days: Iterable[date], *, venue: str) -> pl.DataFrame:
    """Rows that list days without a value, their amounts unknown: those that an answer wholly covers.

    A day that has events as well keeps them, and is not listed any more.
    """
    listed = pl.DataFrame({"date": list(days)}, schema={"date": pl.Date()})
    schema = LIQUIDATION_EVENTS.schema()
    unknown = {name: pl.lit(None, kind) for name, kind in schema.items() if name != "date"}
    return listed.with_columns(**unknown).with_columns(
        asset=pl.lit("ALL"),
        venue=pl.lit(venue),
        event=pl.format("none on {}", "date"),
        available_at=start_of(pl.col("date")),
    )


def days_within(stamps: Iterable[datetime]) -> list[date]:
    """The whole UTC days between the first and the last of the instants that one answer tells of.

    The answer covers these days wholly, whatever rows they have: before its first row and after its last one it may
    have been cut off.
    """
    days = [stamp.astimezone(UTC).date() for stamp in stamps]
    return list(Interval(min(days) + ONE_DAY, max(days))) if days and max(days) > min(days) else []
