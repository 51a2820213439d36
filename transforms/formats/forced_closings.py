"""Liquidations as rows of `liquidation_events`, and the days that are known to have none."""

from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.errors import PayloadChanged
from expectations.interval import ONE_DAY, Interval
from transforms.units import day_of, start_of

SLACK = timedelta(minutes=1)
LONGEST_SILENCE = timedelta(days=8)  # from one day with a row to the next, a whole week between them


def events(closings: pl.DataFrame, *, venue: str) -> pl.DataFrame:
    """Rows of `liquidation_events`.

    Args:
        closings: asset, event, side, amount_usd, price_usd, account and stamped_at of each; a column that is left out
            is unknown.
        venue: Our name of the venue.

    Returns:
        A row per liquidation, on the day of its stamp, public at once.
    """
    schema = LIQUIDATION_EVENTS.schema()
    given = closings.with_columns(
        date=day_of(pl.col("stamped_at")), venue=pl.lit(venue), available_at=pl.col("stamped_at")
    )
    unknown = {name: pl.lit(None, kind) for name, kind in schema.items() if name not in given.columns}
    return given.with_columns(**unknown).select(*schema)


def without_events(days: Iterable[date], *, venue: str) -> pl.DataFrame:
    """Rows that list days without a value, their amounts unknown: days that an answer covers completely.

    A day that also has events keeps them, and is no longer listed.
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


def days_within(stamps: pl.Series) -> list[date]:
    """The whole UTC days between the first and the last instant of an answer, which come newest first.

    The answer covers these days completely, whatever rows they have: before its first row and after its last one it may
    have been cut off. A silence of more than a week is not believed: it means a strange stamp or lost rows, and its
    days are not covered.

    Args:
        stamps: The instants of the answer's rows, in its order.

    Raises:
        PayloadChanged: The stamps are not newest first, give or take a minute.
    """
    late = stamps.filter((stamps.diff() > SLACK).fill_null(value=False))
    if late.len():
        raise PayloadChanged(
            f"expected rows newest first, found {late.dt.to_string('%Y-%m-%d %H:%M:%S')[0]} after an older one"
        )
    days = stamps.dt.date().unique().sort()
    silent = (days.diff() > LONGEST_SILENCE).fill_null(value=False).cum_sum()
    spans = pl.DataFrame({"day": days, "span": silent}).group_by("span", maintain_order=True)
    covered = spans.agg(first=pl.col("day").min(), last=pl.col("day").max()).filter(pl.col("last") > pl.col("first"))
    return [
        day for first, last in covered.select("first", "last").iter_rows() for day in Interval(first + ONE_DAY, last)
    ]
