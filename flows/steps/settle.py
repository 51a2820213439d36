"""Settle: decide what the answers prove about each wanted day."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

import polars as pl

from expectations.errors import FAULTS, NotYetPublished, PayloadChanged, PipelineError, unforeseen
from expectations.interval import HOURS_A_DAY, Interval, each_day
from flows.source import Feed, Gathered, Lost, Series
from flows.steps.check import Checked
from flows.steps.normalize import INSTANT, normalize_by_day, nothing
from flows.steps.plan import Batch
from transforms.conform import said_empty
from warehouse.store.ledger import NOT_GIVEN, SEEN_ONCE, SETTLED, DayRange, State, in_ranges
from warehouse.text import instant

# An answer proves the start of a history only with this many days present without a gap, and at least as many before
# them absent: a gap of a day or two at the edge is more likely a lost row.
ENOUGH_DAYS = 7


class DayOutcome(NamedTuple):
    """The state of one day, its number of rows, the reason, and the instant of the answer."""

    state: State
    rows: int
    reason: str | None
    observed_at: datetime | None


class Wanted(NamedTuple):
    """A wanted day: whether it should have a value, when that is public, and its state in the ledger before."""

    date: date
    expected: bool
    due_at: datetime
    state: str | None


@dataclass(frozen=True)
class Evidence:
    """The evidence from the answers of one ask.

    Attributes:
        series: The series.
        rows: The number of rows by day, including days outside the ask.
        empty: Days that the answer lists without a value.
        error: The error, if there was one.
        observed_at: When the last answer arrived.
        now: The instant to judge by.
        quiet: Whether days without a row are normal. Then a day listed without a value is empty, because transforms
            list only days that an answer provably covers. For any other series the value of such a day is missing.
        begins: Whether the answers show that the provider has nothing older than their first day.
        problems: Days with an unreadable row or file, and the error. Other days are judged without them.
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
    """An error as text for the ledger: the class, then the message."""
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class Answered:
    """The days that an answer covers.

    Attributes:
        days: The days with a value, in order; for a quiet series also covered days without one.
        known: The same days as a set.
    """

    days: tuple[date, ...]
    known: frozenset[date]

    @classmethod
    def of(cls, evidence: Evidence) -> "Answered":
        """The covered days of some evidence; a day listed without a value counts only for a quiet series."""
        known = frozenset({*evidence.rows, *(evidence.empty if evidence.quiet else ())})
        return cls(tuple(sorted(known)), known)

    def leads(self, day: date) -> bool:
        """Whether a day lies before all covered days."""
        return bool(self.days) and day < self.days[0]

    def trails(self, day: date) -> bool:
        """Whether a day lies after all covered days."""
        return bool(self.days) and day > self.days[-1]

    def inside(self, day: date) -> bool:
        """Whether a day lies between the first and the last covered day."""
        return bool(self.days) and self.days[0] < day < self.days[-1]

    def __str__(self) -> str:
        if not self.days:
            return "an answer without values"
        return f"{len(self.days)} days from {self.days[0]} to {self.days[-1]}"


def judge_days(evidence: Evidence, wanted: pl.DataFrame, *, loaded_before: date | None) -> dict[date, DayOutcome]:
    """Decide the state of every wanted day of one ask.

    A day without a row is `verified_empty` only with positive proof in the same answer:

    - the series has no value on such days (a weekend), and the answer has the expected day before or after;
    - the answer shows that the provider has nothing older than its first day (`begins`): it has a week or more without
      gaps, a week or more of wanted days before it is absent, and no day that early was ever loaded;
    - for a quiet series, such as liquidations: the answer covers the day, as its transform proves.

    Nothing else is proof. An expected day that is listed without a value is `not_yet` while it may be late, then
    `failed`. A published day that is missing from the answer is `failed` too, because an answer that lost a row looks
    the same: the published rows stay, and the ledger records the failed attempt. Any other missing day is `not_yet`
    while the series may be late, else `failed`.

    Args:
        evidence: The evidence from the answers.
        wanted: date, expected, due_at, state of the days; state is the state in the ledger before.
        loaded_before: The first day of the series that was ever loaded, including by this run.

    Returns:
        Day to outcome.
    """
    days = [Wanted(*day) for day in wanted.select(Wanted._fields).sort("date").iter_rows()]
    if evidence.error is not None:
        return {day.date: _unanswered(evidence, day, evidence.error) for day in days}
    loaded = {rows: DayOutcome("loaded", rows, None, evidence.observed_at) for rows in set(evidence.rows.values())}
    outcomes = {day.date: loaded[evidence.rows[day.date]] for day in days if day.date in evidence.rows}
    if len(outcomes) == len(days):
        return outcomes
    answered = Answered.of(evidence)
    for day in days:
        if day.date in outcomes:
            continue
        if day.date in evidence.problems:
            outcomes[day.date] = _unanswered(evidence, day, evidence.problems[day.date])
            continue
        if not day.expected:
            outcomes[day.date] = _quiet_day(evidence, answered, day.date)
        elif day.date in answered.known:
            outcomes[day.date] = _verified(evidence, "covered by the answer, which has none")
        elif day.date in evidence.empty:
            outcomes[day.date] = _unanswered(evidence, day, _without_value(evidence, day))
    absent = [day for day in days if day.date not in outcomes]
    return outcomes | _absent_days(evidence, answered, absent, loaded_before)


def partly_covered(
    hours: Mapping[date, int], wanted: pl.DataFrame, observed_at: datetime | None
) -> Iterator[tuple[date, str]]:
    """The days that are covered only in part, each with the reason for the ledger.

    An answer that lost a row looks like a venue without data for that hour; a second answer distinguishes them.

    Args:
        hours: Day to the number of hours that the rows of an answer cover.
        wanted: date, and from the ledger: reason, observed_at.
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
    """The error for an expected day that is listed without a value."""
    if _may_be_late(evidence, day):
        return NotYetPublished(f"expected a value for {day.date} by {instant(day.due_at)}, found it listed without one")
    return PayloadChanged(f"expected a value for {day.date}, found it listed without a value")


def _failed(evidence: Evidence, error: PipelineError) -> DayOutcome:
    return DayOutcome("failed", 0, named(error), evidence.observed_at)


def _unanswered(evidence: Evidence, day: Wanted, error: PipelineError) -> DayOutcome:
    """The outcome of a day with an error; only a day that may still be late can be `not_yet`."""
    if isinstance(error, NotYetPublished) and _may_be_late(evidence, day):
        return DayOutcome("not_yet", 0, named(error), evidence.observed_at)
    return _failed(evidence, error)


def _may_be_late(evidence: Evidence, day: Wanted) -> bool:
    return evidence.now < day.due_at + evidence.series.release.grace


def _quiet_day(evidence: Evidence, answered: Answered, day: date) -> DayOutcome:
    """The outcome of a day on which the series has no value: proved by the expected day before or after it."""
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
    """The outcomes of expected days that the answer does not have."""
    leading = sum(1 for day in absent if answered.leads(day.date))
    gaps = any(answered.inside(day.date) for day in absent)
    begins = evidence.begins and not gaps and min(leading, len(answered.days)) >= ENOUGH_DAYS
    outcomes = {}
    for day in absent:
        if answered.leads(day.date) and begins and (loaded_before is None or day.date < loaded_before):
            outcome = _verified(evidence, f"the provider's history begins on {answered.days[0]}")
        elif answered.trails(day.date) and _may_be_late(evidence, day):
            late = NotYetPublished(f"expected a value for {day.date} by {instant(day.due_at)}, found none yet")
            outcome = _unanswered(evidence, day, late)
        elif day.state in SETTLED:
            problem = PayloadChanged(f"expected {day.date}, which was answered before, found {answered} without it")
            outcome = _failed(evidence, problem)
        else:
            problem = PayloadChanged(f"{NOT_GIVEN}, found {answered}")
            outcome = _failed(evidence, problem)
        outcomes[day.date] = outcome
    return outcomes


def _mine(rows: pl.DataFrame, feed: Feed, series: Series) -> pl.DataFrame:
    """The rows of one series, from an answer that may serve several."""
    labels = {name: series.labels[name] for name in feed.told_apart_by}
    if "series" in rows.columns:
        labels["series"] = series.name
    return rows.filter(**labels) if labels else rows


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known when the answers of a batch are read.

    Attributes:
        now: The instant to judge by.
        first_loaded: Series to its first day that was ever loaded.
        vain_looks: series, date, looked_at: the last answer without the day, before the day was first loaded.
    """

    now: datetime
    first_loaded: Mapping[str, date] = field(default_factory=dict)
    vain_looks: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True, eq=False)
class Read:
    """The rows and the day outcomes of one ask, before the checks, with notices for the user."""

    gathered: Gathered
    rows: pl.DataFrame
    days: dict[date, DayOutcome]
    notices: tuple[str, ...] = ()


def read_all(batch: Batch, gathered: Sequence[Gathered], known: Knowledge) -> list[Read]:
    """Read the answers of each ask of a batch; days loaded by one ask are known when the next is read."""
    per_series = batch.wanted.partition_by("series", as_dict=True)
    first_loaded = dict(known.first_loaded)
    readings = []
    for collected in gathered:
        name = collected.ask.series.name
        wanted = _within(per_series.get((name,)), collected.ask.days)
        if wanted is None:
            continue
        try:
            reading = read(batch, collected, wanted, replace(known, first_loaded=first_loaded))
        except FAULTS as fault:
            broken = replace(collected, error=unforeseen(fault, f"the reading of {name}"))
            reading = read(batch, broken, wanted, replace(known, first_loaded=first_loaded))
        loaded = [day for day, outcome in reading.days.items() if outcome.state == "loaded"]
        if loaded:
            first_loaded[name] = min(*loaded, first_loaded.get(name, date.max))
        readings.append(reading)
    return readings


def read(batch: Batch, gathered: Gathered, wanted: pl.DataFrame, known: Knowledge) -> Read:
    """Normalize the answers of one ask, and decide what they prove about each wanted day."""
    dataset, series = batch.feed.dataset, gathered.ask.series
    error = gathered.error
    normalized = nothing(dataset)
    if error is None:
        try:
            normalized = normalize_by_day(dataset, batch.source.name, gathered)
        except PayloadChanged as changed:
            error = changed
    rows = _mine(normalized.rows, batch.feed, series)
    blank = said_empty(dataset)
    empty = set(rows.filter(blank)["date"].to_list())
    rows = rows.filter(~blank)
    counts = dict(rows.group_by("date").len().iter_rows())
    evidence = Evidence(
        series,
        counts,
        empty - set(counts),
        error,
        gathered.observed_at,
        known.now,
        quiet=batch.feed.quiet,
        begins=error is None and not normalized.lost and _begins(batch.feed, gathered),
        problems=normalized.problems,
    )
    days = judge_days(evidence, wanted, loaded_before=known.first_loaded.get(series.name))
    if dataset.hours is not None:
        covered = dict(rows.group_by("date").agg(dataset.hours).iter_rows())
        for day, reason in partly_covered(covered, wanted, gathered.observed_at):
            if days[day].state == "loaded":
                days[day] = days[day]._replace(reason=reason)
    mine = rows.join(wanted.select("date"), on="date", how="semi")
    mine = mine.with_columns(series=pl.lit(series.name), source=pl.lit(batch.source.name))
    if series.by_rule:
        mine = not_before_seen_missing(mine, wanted, known.vain_looks)
    return Read(gathered, mine, days, tuple(_healed(batch, series, normalized.lost, days)))


def _healed(batch: Batch, series: Series, lost: Iterable[Lost], days: Mapping[date, DayOutcome]) -> list[str]:
    """Notices about files and pages that could not be fetched or read, but whose days came from another place."""
    about = f"{batch.feed.dataset.name} {series.name} from {batch.source.name}"
    return [
        f"{about}, {piece.days.start} to {piece.days.last}: {piece.problem}; another place had these days"
        for piece in lost
        if all(days[day].state == "loaded" for day in piece.days if day in days)
    ]


def not_before_seen_missing(rows: pl.DataFrame, wanted: pl.DataFrame, vain: pl.DataFrame) -> pl.DataFrame:
    """Correct the publication time of rows that a rule dates: they were not public at the last fetch without them.

    Args:
        rows: The rows of one series; `available_at` is the instant of the rule, or the provider's stamp.
        wanted: The days, with `due_at`, the instant of the rule.
        vain: series, date, looked_at: the last answer without the day, before the day was first loaded.

    Returns:
        The same rows; for rows later than their rule, `available_at` becomes the time of that fetch. A fetch that is
        not older than the answer of the row proves nothing: a corrected transform found the row in that answer.
    """
    if vain.is_empty() or rows.is_empty():
        return rows
    late = (pl.col("available_at") == pl.col("due_at")) & pl.col("looked_at").is_between(
        pl.col("available_at"), pl.col("observed_at"), closed="none"
    )
    return (
        rows.join(vain, on=["series", "date"], how="left", maintain_order="left")
        .join(wanted.select("date", "due_at"), on="date", how="left", maintain_order="left")
        .with_columns(available_at=pl.when(late).then("looked_at").otherwise("available_at"))
        .drop("looked_at", "due_at")
    )


def _begins(feed: Feed, gathered: Gathered) -> bool:
    """Whether the answers show where the provider's history begins; unreadable answers do not."""
    try:
        return feed.begins is not None and feed.begins(gathered.answers)
    except FAULTS:
        return False


def _within(wanted: pl.DataFrame | None, days: Interval) -> pl.DataFrame | None:
    if wanted is None:
        return None
    mine = wanted.filter(pl.col("date") >= days.start, pl.col("date") < days.end)
    return mine if mine.height else None


def settle(readings: Sequence[Read], checked: Checked, batch: Batch) -> tuple[list[DayRange], pl.DataFrame]:
    """The outcome of every day after the checks, and the series-days to publish."""
    held_back = {(series, day): rule for series, day, rule in checked.held.iter_rows()}
    ranges: list[DayRange] = []
    settled: list[tuple[str, date, date, datetime | None, str]] = []
    for reading in readings:
        series = reading.gathered.ask.series.name
        days = reading.days
        answers = reading.gathered.answers
        snapshot = answers[-1].snapshot if answers else ""
        for day, outcome in list(days.items()) if checked.batch_rule or held_back else ():
            rule = checked.batch_rule or held_back.get((series, day))
            if rule is not None and outcome.state in SETTLED:
                days[day] = DayOutcome("failed_check", 0, f"ContractViolated: {rule}", outcome.observed_at)
        spans = in_ranges(series, days)
        settled += [
            (series, span.start, span.end, span.observed_at, snapshot) for span in spans if span.state in SETTLED
        ]
        ranges += spans
    texts, dates = pl.String(), pl.Date()
    schema = pl.Schema({"series": texts, "start": dates, "end": dates, "observed_at": INSTANT, "snapshot": texts})
    scope = each_day(pl.DataFrame(settled, schema=schema, orient="row")).join(
        batch.wanted.select("series", "date", settled=pl.col("state").is_in(SETTLED).fill_null(value=False)),
        on=["series", "date"],
        how="left",
    )
    return ranges, scope
