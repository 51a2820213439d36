"""Invariants and findings: how to verify an assumption about a provider. Nothing here does I/O.

An invariant is an assumption about a provider that one small request can verify. It is defined in
`flows/invariants/<source>.py`; `tidemark doctor` sends the requests and hands it the answers.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from expectations.errors import PayloadChanged
from expectations.interval import ONE_DAY, day_start, milliseconds
from flows.source import Answer, Plan, Request

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
SEOUL_MIDNIGHT_MS = 54_000_000  # 15:00 UTC


@dataclass(frozen=True)
class Finding:
    """The result of checking an invariant.

    Attributes:
        holds: Whether the assumption is true; None if the answers do not show it.
        found: What was found, as one sentence with figures.
    """

    holds: bool | None
    found: str


@dataclass(frozen=True)
class Invariant:
    """An assumption about a provider, and how to verify it.

    Attributes:
        name: Its name; unique within its source.
        sentence: The assumption.
        plan: Yields the requests that verify it, at an instant; does no I/O.
        holds: Judges the answers, in the order of the requests; does no I/O.
    """

    name: str
    sentence: str
    plan: Callable[[datetime], Plan]
    holds: Callable[[Sequence[Answer]], Finding]


def question(url: str, **params: str | int) -> Request:
    """A request whose answer has no rows for any table."""
    return Request(url, params=params, transform=None)


def near(found: float, expected: float, tolerance: float) -> bool:
    """Whether two numbers agree to within a fraction of the expected one."""
    return abs(found - expected) <= tolerance * abs(expected)


def number(value: Any) -> float:
    """A number in an answer; some providers send it as text.

    Raises:
        PayloadChanged: The value is no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise PayloadChanged(f"expected a number, found {value!r}")
    try:
        return float(value)
    except ValueError:
        raise PayloadChanged(f"expected a number, found {value!r}") from None


def clock_time(millis: float) -> str:
    """An instant in milliseconds since 1970, as text."""
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def last_whole_day(now: datetime) -> date:
    """The newest UTC day that was over two hours ago."""
    return (now - timedelta(hours=2)).date() - ONE_DAY


def starts(days: Iterable[date]) -> list[int]:
    """The first instant of each day, in milliseconds since 1970."""
    return [milliseconds(day_start(day)) for day in days]


def day_begins(stamps: Sequence[int], after_midnight_ms: int) -> Finding:
    """Whether daily candles begin at the expected offset from 00:00 UTC.

    Args:
        stamps: The time stamps of the candles, in milliseconds since 1970.
        after_midnight_ms: The expected start of the day, in milliseconds after 00:00 UTC.
    """
    if not stamps:
        return Finding(None, "no candle was answered")
    odd = [stamp for stamp in stamps if stamp % DAY_MS != after_midnight_ms]
    if odd:
        return Finding(holds=False, found=f"a day that begins at {clock_time(odd[0])}")
    return Finding(holds=True, found=f"{len(stamps)} days, the newest begins at {clock_time(max(stamps))}")


def evenly_spaced(stamps: Sequence[int], step_ms: int, slack_ms: int = 60_000) -> Finding:
    """Whether payments follow each other at one interval, each at a full hour or shortly after it.

    Args:
        stamps: The time stamps of the payments, in milliseconds since 1970.
        step_ms: The expected interval.
        slack_ms: How late after the hour a payment may be stamped.
    """
    ordered = sorted(stamps)
    if len(ordered) < 2:  # noqa: PLR2004  an interval has two ends
        return Finding(None, f"{len(ordered)} payments were answered")
    late = [stamp for stamp in ordered if stamp % HOUR_MS > slack_ms]
    if late:
        return Finding(holds=False, found=f"a payment at {clock_time(late[0])}, not at a full hour")
    hours = [stamp // HOUR_MS for stamp in ordered]
    gaps = sorted({after - before for before, after in itertools.pairwise(hours)})
    words = f"{len(ordered)} payments, {', '.join(str(gap) for gap in gaps)} hours apart"
    return Finding(holds=gaps == [step_ms // HOUR_MS], found=words)


# Periods per year.
PERIODS = {"hour": 8760, "day": 365, "year": 1}
RATE_FACTOR = 4  # rates of two markets of one coin differ by less than rates per hour, day and year


def period_of(rate: float, yearly: float) -> str | None:
    """The period of a rate: the only one for which it is near the yearly rate of another market; None if unclear."""
    fits = [
        period
        for period, a_year in PERIODS.items()
        if yearly / RATE_FACTOR <= rate * a_year <= yearly * RATE_FACTOR and rate > 0
    ]
    return fits[0] if len(fits) == 1 else None
