"""Whole UTC days, half-open; from days to intervals and back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl

ONE_DAY = timedelta(days=1)
HOURS_A_DAY = 24


@dataclass(frozen=True, order=True)
class Interval:
    """The UTC days from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"expected an end not before {self.start}, found {self.end}")

    @classmethod
    def of_days(cls, first: date, last: date) -> "Interval":
        """The days from first to last, both included."""
        return cls(first, last + ONE_DAY)

    @property
    def last(self) -> date:
        """The last day that belongs to the interval."""
        return self.end - ONE_DAY

    @property
    def starts_at(self) -> datetime:
        """The first instant of the first day."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant after the last day."""
        return datetime(self.end.year, self.end.month, self.end.day, tzinfo=UTC)

    def __len__(self) -> int:
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __iter__(self) -> Iterator[date]:
        return (self.start + timedelta(days=offset) for offset in range(len(self)))

    def widened(self, days: int) -> "Interval":
        """The same days with this many before and after them."""
        return Interval(self.start - timedelta(days=days), self.end + timedelta(days=days))

    def split(self, days: int) -> Iterator["Interval"]:
        """Consecutive pieces of at most this many days."""
        start = self.start
        while start < self.end:
            end = min(start + timedelta(days=days), self.end)
            yield Interval(start, end)
            start = end


def intervals(days: Iterable[date], value: Callable[[date], object] = lambda _: None) -> Iterator[Interval]:
    """Days as the fewest intervals of consecutive ones, in order.

    Args:
        days: The days, each once, in any order.
        value: A fact about a day; all days of an interval have an equal one.
    """
    ordered = sorted(days)
    if not ordered:
        return
    start = ordered[0]
    for before, day in pairwise(ordered):
        if day - before != ONE_DAY or value(day) != value(before):
            yield Interval.of_days(start, before)
            start = day
    yield Interval.of_days(start, ordered[-1])


def each_day(ranges: pl.DataFrame) -> pl.DataFrame:
    """Ranges of days as one row per day.

    Args:
        ranges: `start` (day), `end` (day, exclusive), and other columns.

    Returns:
        The other columns, and `date`.
    """
    days = pl.date_ranges("start", "end", closed="left")
    return ranges.with_columns(date=days).drop("start", "end").explode("date", empty_as_null=False)


def day_start(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def next_month(day: date) -> date:
    """The first day of the month after this day's."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1)


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, the format of most exchanges' request bounds."""
    return round(instant.timestamp() * 1000)
