"""What an answer proves about each day that was wanted of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from expectations.errors import NotYetPublished, PayloadChanged, PipelineError
from expectations.interval import Interval
from flows.plans import Series
from warehouse.ledger import NOT_GIVEN, SETTLED, State

# A history that begins later than we thought is believed when so many of its days are there, and as many before it are
# not: one that lacks a day or two at its edge has rather lost them.
ENOUGH_DAYS = 7
# A published day is believed to be gone when the answer spans so many days and hardly another one is missing. One hole
# in 40 days and 2 in 100 are fewer than an answer has that lost every k-th row, for any k up to 20.
LONG_ANSWER_DAYS = 40
SMALL_SHARE = 0.02
# Blank days are believed where valued ones are at least so many times as many; else it is the answer that is blank.
VALUED_PER_BLANK = 2


class DayOutcome(NamedTuple):
    """The state of one day, the rows it has, and why."""

    state: State
    rows: int
    reason: str | None
    observed_at: datetime | None


class Wanted(NamedTuple):
    """A day that was asked for: whether it has a value at all, when that is public, and what the ledger said before."""

    date: date
    expected: bool
    due_at: datetime
    state: str | None


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
        quiet: Whether days may well pass without a row. Then only a day that is listed without a value is empty, and
            it is however many there are; a day that is not listed is never taken for one.
        problems: Days that a row or a file speaks for that cannot be read, and why. The others are judged without them.
    """

    series: Series
    rows: Mapping[date, int]
    empty: Collection[date]
    error: PipelineError | None
    observed_at: datetime | None
    now: datetime
    quiet: bool = False
    problems: Mapping[date, PipelineError] = field(default_factory=dict)


def named(error: BaseException) -> str:
    """An error as the ledger keeps it: the class, then the sentence."""
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class Answered:
    """What an answer holds, seen as a stretch of days.

    Attributes:
        series: The series that was asked for.
        days: The days that it has a value for, or believably lists without one, in order.
        known: The same days, to look one up.
    """

    series: Series
    days: tuple[date, ...]
    known: frozenset[date]

    @classmethod
    def of(cls, evidence: Evidence) -> "Answered":
        """Read the evidence; days listed without a value count as answered unless the whole answer is blank."""
        expects = evidence.series.release.expects
        blank = {day for day in evidence.empty if expects(day)} - set(evidence.rows)
        few = len(blank) * VALUED_PER_BLANK <= len(evidence.rows)
        believed = blank if few or evidence.quiet else set()
        known = frozenset({*evidence.rows, *believed})
        return cls(evidence.series, tuple(sorted(known)), known)

    def leads(self, day: date) -> bool:
        """Whether a day lies before everything that was answered."""
        return bool(self.days) and day < self.days[0]

    def trails(self, day: date) -> bool:
        """Whether a day lies after everything that was answered."""
        return bool(self.days) and day > self.days[-1]

    def inside(self, day: date) -> bool:
        """Whether a day lies between days that were answered."""
        return bool(self.days) and self.days[0] < day < self.days[-1]

    def nearly_whole(self) -> bool:
        """Whether the answer is long and all but a few of the days that it spans are there."""
        if not self.days:
            return False
        span = [day for day in Interval.of_days(self.days[0], self.days[-1]) if self.series.release.expects(day)]
        holes = len(set(span) - self.known)
        return len(span) >= LONG_ANSWER_DAYS and holes <= max(1, SMALL_SHARE * len(span))

    def __str__(self) -> str:
        if not self.days:
            return "an answer without values"
        return f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}"


def judge_days(evidence: Evidence, wanted: pl.DataFrame, *, loaded_before: date | None) -> dict[date, DayOutcome]:
    """Decide the state of every wanted day of one ask.

    A day without a row is `verified_empty` only with evidence:

    - the answer lists the day and gives no value, as it does for few of its days;
    - the series has no value on such days (a weekend), and the answer has its neighbour;
    - the history begins later: a week or more of it is there without holes, a week or more before it is not, and no
      earlier day was ever loaded;
    - a day that was published has gone from a long answer that has all but a few of its days.

    Of what may well have no row on a day, such as liquidations, only the first is evidence: transforms list the days
    that the answers wholly cover, and however many of them are blank, they are believed.

    Otherwise it is `failed`, or `not_yet` while the series is known to be late now and then.

    Three things cannot be known from one answer. A provider that cuts off the older part of it looks like one whose
    history begins later, unless an earlier day was loaded. One that loses less than a row in forty looks like one that
    took a published day back; the withdrawn version stays visible, and the next good answer brings the row again. And
    one that lists a day without its value is taken at its word, unless it does so for a third of its days.

    Args:
        evidence: What came back.
        wanted: date, expected, due_at, state of the days; state is what the ledger said before.
        loaded_before: The first day that was ever loaded of the series, by this run too.

    Returns:
        Day to outcome.
    """
    days = [Wanted(*day) for day in wanted.select(Wanted._fields).sort("date").iter_rows()]
    if evidence.error is not None:
        return {day.date: _unanswered(evidence, day, evidence.error) for day in days}
    loaded = {rows: DayOutcome("loaded", rows, None, evidence.observed_at) for rows in set(evidence.rows.values())}
    found = {day.date: loaded[evidence.rows[day.date]] for day in days if day.date in evidence.rows}
    if len(found) == len(days):
        return found
    answered = Answered.of(evidence)
    for day in days:
        if day.date in found:
            continue
        if day.date in evidence.problems:
            found[day.date] = _unanswered(evidence, day, evidence.problems[day.date])
            continue
        if not day.expected:
            found[day.date] = _quiet_day(evidence, answered, day.date)
        elif day.date in answered.known:
            found[day.date] = _verified(evidence, "listed without a value")
    absent = [day for day in days if day.date not in found]
    return found | _absent_days(evidence, answered, absent, loaded_before)


def _verified(evidence: Evidence, reason: str) -> DayOutcome:
    return DayOutcome("verified_empty", 0, reason, evidence.observed_at)


def _failed(evidence: Evidence, error: PipelineError) -> DayOutcome:
    return DayOutcome("failed", 0, named(error), evidence.observed_at)


def _unanswered(evidence: Evidence, day: Wanted, error: PipelineError) -> DayOutcome:
    """Something went wrong; only a day that may still be late can be said not to be out."""
    if isinstance(error, NotYetPublished) and _may_be_late(evidence, day):
        return DayOutcome("not_yet", 0, named(error), evidence.observed_at)
    return _failed(evidence, error)


def _may_be_late(evidence: Evidence, day: Wanted) -> bool:
    return evidence.now < day.due_at + evidence.series.release.grace


def _quiet_day(evidence: Evidence, answered: Answered, day: date) -> DayOutcome:
    """A day on which the series has no value: proved by the expected day before or after it."""
    if any(_neighbour(evidence.series, day, step) in answered.known for step in (-1, 1)):
        return _verified(evidence, f"no value on this day: published for {evidence.series.release.name}")
    return _failed(evidence, PayloadChanged(f"expected the values around {day}, found {answered}"))


def _neighbour(series: Series, day: date, step: int) -> date:
    other = date.fromordinal(day.toordinal() + step)
    while not series.release.expects(other):
        other = date.fromordinal(other.toordinal() + step)
    return other


def _absent_days(
    evidence: Evidence, answered: Answered, absent: Sequence[Wanted], loaded_before: date | None
) -> dict[date, DayOutcome]:
    """Expected days that the answer does not have."""
    leading = sum(1 for day in absent if answered.leads(day.date))
    holes = any(answered.inside(day.date) for day in absent)
    begins = not (holes or evidence.quiet) and min(leading, len(answered.days)) >= ENOUGH_DAYS
    was_there = holes and any(day.state in SETTLED for day in absent)
    gone = was_there and not evidence.quiet and answered.nearly_whole()
    outcomes = {}
    for day in absent:
        if answered.leads(day.date) and begins and (loaded_before is None or day.date < loaded_before):
            outcome = _verified(evidence, f"the provider's history begins on {answered.days[0]}")
        elif answered.inside(day.date) and gone and day.state in SETTLED:
            outcome = _verified(evidence, "gone from the provider's answer")
        elif answered.trails(day.date) and _may_be_late(evidence, day):
            late = NotYetPublished(
                f"expected a value for {day.date} by {day.due_at:%Y-%m-%d %H:%M} UTC, found none yet"
            )
            outcome = _unanswered(evidence, day, late)
        else:
            problem = PayloadChanged(f"{NOT_GIVEN}, found {answered}")
            outcome = _failed(evidence, problem)
        outcomes[day.date] = outcome
    return outcomes
