"""What an answer proves about each day that was wanted of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from expectations.errors import NotYetPublished, PayloadChanged, PipelineError
from flows.plans import Series
from warehouse.ledger import SETTLED, State

# How much of a long answer may be missing before it is the answer that is doubted, not the days.
LONG_ANSWER_DAYS = 30
SMALL_SHARE = 0.02
# A history that begins later than we thought is believed when this many of its days are there.
ENOUGH_DAYS = 7


class DayOutcome(NamedTuple):
    """The state of one day, the rows it has, and why."""

    state: State
    rows: int
    reason: str | None
    observed_at: datetime | None


@dataclass(frozen=True)
class Evidence:
    """What came back for one ask.

    Attributes:
        series: The series that was asked for.
        rows: Rows that the answer holds, by day; days outside the ask too.
        empty: Days that the answer lists without a value.
        error: What went wrong, where something did.
        observed_at: When the last answer arrived.
        now: The instant to judge by.
    """

    series: Series
    rows: Mapping[date, int]
    empty: Collection[date]
    error: PipelineError | None
    observed_at: datetime | None
    now: datetime


def named(error: PipelineError) -> str:
    """An error as the ledger keeps it: the class, then the sentence."""
    return f"{type(error).__name__}: {error}"


def judge_days(evidence: Evidence, wanted: pl.DataFrame, *, loaded_before: date | None) -> dict[date, DayOutcome]:
    """Decide the state of every wanted day of one ask.

    A day without a row is `verified_empty` only with evidence:

    - the answer lists the day and gives no value;
    - the series has no value on such days (a weekend), and the answer has its neighbour;
    - the history begins later: the answer has enough days, no holes, and no earlier day was ever loaded;
    - a day that was published has gone from a long answer that has all but a few of its days.

    Otherwise it is `failed`, or `not_yet` while the series is known to be late now and then.

    Args:
        evidence: What came back.
        wanted: date, expected, due_at, state of the days; state is what the ledger said before.
        loaded_before: The first day that was ever loaded of the series.

    Returns:
        Day to outcome.
    """
    days = list(wanted.select("date", "expected", "due_at", "state").sort("date").iter_rows())
    if evidence.error is not None:
        outcome = DayOutcome("failed", 0, named(evidence.error), evidence.observed_at)
        return {day: outcome for day, *_ in days}
    found: dict[date, DayOutcome] = {}
    absent: list[tuple[date, datetime, str | None]] = []
    for day, expected, due_at, before in days:
        if day in evidence.rows:
            found[day] = DayOutcome("loaded", evidence.rows[day], None, evidence.observed_at)
        elif day in evidence.empty:
            found[day] = DayOutcome("verified_empty", 0, "listed without a value", evidence.observed_at)
        elif expected:
            absent.append((day, due_at, before))
    quiet = [day for day, expected, *_ in days if not expected and day not in found]
    found |= _quiet_days(evidence, quiet)
    found |= _absent_days(evidence, absent, days, loaded_before)
    return found


def _quiet_days(evidence: Evidence, quiet: list[date]) -> dict[date, DayOutcome]:
    """Days on which the series has no value: proved by the expected day before or after them."""
    answered = set(evidence.rows) | set(evidence.empty)
    outcomes = {}
    for day in quiet:
        if _neighbour(evidence.series, day, -1) in answered or _neighbour(evidence.series, day, 1) in answered:
            reason = f"no value on this day: published for {evidence.series.release.name}"
            outcomes[day] = DayOutcome("verified_empty", 0, reason, evidence.observed_at)
        else:
            problem = PayloadChanged(f"expected the values around {day}, found none of them")
            outcomes[day] = DayOutcome("failed", 0, named(problem), evidence.observed_at)
    return outcomes


def _neighbour(series: Series, day: date, step: int) -> date:
    other = date.fromordinal(day.toordinal() + step)
    while not series.release.expects(other):
        other = date.fromordinal(other.toordinal() + step)
    return other


def _absent_days(
    evidence: Evidence,
    absent: list[tuple[date, datetime, str | None]],
    days: list[tuple[date, bool, datetime, str | None]],
    loaded_before: date | None,
) -> dict[date, DayOutcome]:
    """Expected days that the answer does not have."""
    if not absent:
        return {}
    present = sorted(set(evidence.rows) | set(evidence.empty))
    expected = sum(1 for _, is_expected, *_ in days if is_expected)
    first, last = (present[0], present[-1]) if present else (None, None)
    holes = sum(1 for day, *_ in absent if first and last and first < day < last)
    small = expected >= LONG_ANSWER_DAYS and len(absent) <= max(1, SMALL_SHARE * expected)
    begins = first is not None and not holes and len(present) >= ENOUGH_DAYS
    outcomes = {}
    for day, due_at, before in absent:
        leading = first is not None and day < first
        inside = first is not None and last is not None and first < day < last
        if leading and begins and (loaded_before is None or day < loaded_before):
            outcome = DayOutcome("verified_empty", 0, f"the provider's history begins on {first}", evidence.observed_at)
        elif inside and small and before in SETTLED:
            outcome = DayOutcome("verified_empty", 0, "gone from the provider's answer", evidence.observed_at)
        elif present and not inside and not leading and evidence.now < due_at + evidence.series.release.grace:
            late = NotYetPublished(f"expected a value for {day} by {due_at:%Y-%m-%d %H:%M} UTC, found none yet")
            outcome = DayOutcome("not_yet", 0, named(late), evidence.observed_at)
        else:
            held = f"{len(present)} days from {first} to {last}" if present else "an answer without rows"
            problem = PayloadChanged(f"expected a value for each of the days asked for, found {held}")
            outcome = DayOutcome("failed", 0, named(problem), evidence.observed_at)
        outcomes[day] = outcome
    return outcomes
