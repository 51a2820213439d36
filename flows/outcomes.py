"""What an answer proves about each day that was wanted of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from expectations.errors import NotYetPublished, PayloadChanged, PipelineError
from expectations.interval import HOURS_A_DAY
from flows.plans import Series
from warehouse.ledger import NOT_GIVEN, SEEN_ONCE, SETTLED, State

# An answer that shows that nothing is older than its first day is believed when so many of its days are there, without
# a hole, and as many before it are not: one that lacks a day or two at its edge has rather lost them.
ENOUGH_DAYS = 7


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
        quiet: Whether days may well pass without a row. Then a day that is listed without a value is empty, because
            transforms list the days that an answer provably covers; of any other series such a day lacks its value.
        begins: Whether the answers show that the provider has nothing older than the first day in them.
        problems: Days that a row or a file speaks for that cannot be read, and why. The others are judged without them.
    """

    series: Series
    rows: Mapping[date, int]
    empty: Collection[date]
    error: PipelineError | None
    observed_at: datetime | None
    now: datetime
    quiet: bool = False
    begins: bool = False
    problems: Mapping[date, PipelineError] = field(default_factory=dict)


def named(error: BaseException) -> str:
    """An error as the ledger keeps it: the class, then the sentence."""
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class Answered:
    """What an answer holds, seen as a stretch of days.

    Attributes:
        days: The days that it has a value for, in order; of a quiet series those that it covers without one too.
        known: The same days, to look one up.
    """

    days: tuple[date, ...]
    known: frozenset[date]

    @classmethod
    def of(cls, evidence: Evidence) -> "Answered":
        """Read the evidence; a day that is listed without a value is only answered where days may be quiet."""
        known = frozenset({*evidence.rows, *(evidence.empty if evidence.quiet else ())})
        return cls(tuple(sorted(known)), known)

    def leads(self, day: date) -> bool:
        """Whether a day lies before everything that was answered."""
        return bool(self.days) and day < self.days[0]

    def trails(self, day: date) -> bool:
        """Whether a day lies after everything that was answered."""
        return bool(self.days) and day > self.days[-1]

    def inside(self, day: date) -> bool:
        """Whether a day lies between days that were answered."""
        return bool(self.days) and self.days[0] < day < self.days[-1]

    def __str__(self) -> str:
        if not self.days:
            return "an answer without values"
        return f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}"


def judge_days(evidence: Evidence, wanted: pl.DataFrame, *, loaded_before: date | None) -> dict[date, DayOutcome]:
    """Decide the state of every wanted day of one ask.

    A day without a row is `verified_empty` only with a positive sign in the same answer:

    - the series has no value on such days (a weekend), and the answer has a value of the expected day before or after;
    - the answer shows that the provider has nothing older than its first day (`begins`), of which a week or more is
      there without holes, a week or more before it is not, and no earlier day was ever loaded;
    - of what may well have no row on a day, such as liquidations: the answer covers the day, as its transform proves.

    Nothing else is one. A day that has a value and is listed without it is `not_yet` while it may be late, then
    `failed`. One that was published and is no longer there is `failed` too, because an answer that lost a row looks
    the same: what was published stays, and the ledger tells of the vain attempt. A day that is missing is `not_yet`
    while the series is known to be late now and then, else `failed`.

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
            found[day.date] = _verified(evidence, "covered by the answer, which has none")
        elif day.date in evidence.empty:
            found[day.date] = _unanswered(evidence, day, _without_value(evidence, day))
    absent = [day for day in days if day.date not in found]
    return found | _absent_days(evidence, answered, absent, loaded_before)


def partly_covered(
    hours: Mapping[date, int], wanted: pl.DataFrame, observed_at: datetime | None
) -> Iterator[tuple[date, str]]:
    """Tell the days that are covered only in part, each with the reason that the ledger keeps.

    An answer that lost a row looks like a venue that has none for that hour; a second answer tells them apart.

    Args:
        hours: Day to the hours that the rows of an answer cover.
        wanted: date, and what the ledger has of it: reason, observed_at.
        observed_at: When the answer arrived.
    """
    for day, reason, seen_at in wanted.select("date", "reason", "observed_at").iter_rows():
        if hours.get(day, HOURS_A_DAY) >= HOURS_A_DAY:
            continue
        covered = f" {hours[day]} of {HOURS_A_DAY} hours"
        by_another = reason and covered in reason and (reason != SEEN_ONCE + covered or seen_at != observed_at)
        yield day, f"two answers cover{covered}" if by_another else SEEN_ONCE + covered


def _verified(evidence: Evidence, reason: str) -> DayOutcome:
    return DayOutcome("verified_empty", 0, reason, evidence.observed_at)


def _without_value(evidence: Evidence, day: Wanted) -> PipelineError:
    """Why a day that is listed without its value is not there."""
    if _may_be_late(evidence, day):
        return NotYetPublished(
            f"expected a value for {day.date} by {day.due_at:%Y-%m-%d %H:%M} UTC, found it listed without one"
        )
    return PayloadChanged(f"expected a value for {day.date}, found it listed without a value")


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
    begins = evidence.begins and not holes and min(leading, len(answered.days)) >= ENOUGH_DAYS
    outcomes = {}
    for day in absent:
        if answered.leads(day.date) and begins and (loaded_before is None or day.date < loaded_before):
            outcome = _verified(evidence, f"the provider's history begins on {answered.days[0]}")
        elif answered.trails(day.date) and _may_be_late(evidence, day):
            late = NotYetPublished(
                f"expected a value for {day.date} by {day.due_at:%Y-%m-%d %H:%M} UTC, found none yet"
            )
            outcome = _unanswered(evidence, day, late)
        elif day.state in SETTLED:
            problem = PayloadChanged(f"expected {day.date}, which was answered before, found {answered} without it")
            outcome = _failed(evidence, problem)
        else:
            problem = PayloadChanged(f"{NOT_GIVEN}, found {answered}")
            outcome = _failed(evidence, problem)
        outcomes[day.date] = outcome
    return outcomes
