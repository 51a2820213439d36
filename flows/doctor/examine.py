"""Examine: what one source answers now, held against what its transforms expect and what is believed of it.

The questions go through the same fetcher, limits and archive as a run's; nothing is published.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

import polars as pl

from expectations.errors import FAULTS, HomeRefused, PayloadChanged, PipelineError, SourceRefused, described
from expectations.interval import ONE_DAY, Interval
from flows.http import Budgets
from flows.invariant import Finding, Invariant
from flows.source import Answer, Feed, Request, Series, Source, bound_by
from flows.steps.check import check
from flows.steps.collect import Collector, collect, follow
from flows.steps.plan import Batch, batches, date_of, due_days
from flows.steps.settle import Knowledge, named, read_all
from warehouse.store.archive import Archive, Recorder, Snapshot
from warehouse.store.ledger import Books

LOOK_BACK = timedelta(days=400)  # further than between two values of any series and their publication
KNOWN_BEST = ("BTC", "USDT")  # old and busy, so that a day without a value means something
NOT_ALLOWED = {401, 402, 403, 407, 451}  # who or where we are, not what we asked
# Where providers tell how much of their limit is used, or left.
COUNTED_BY = {"x-mbx-used-weight-1m", "remaining-req"}
INVARIANT = "invariant"  # what the archive calls the dataset of such a question


class Outcome(StrEnum):
    """What came of asking; the later, the more a person should look."""

    as_known = "as_known"
    skipped = "skipped"
    untold = "untold"
    changed = "changed"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The one that a person should look at."""
    order = list(Outcome)
    return max(outcomes, key=order.index, default=Outcome.untold)


class Witness(Recorder):
    """Archives answers like its parent, and remembers who answered how."""

    def __init__(self, archive: Archive, run_id: str, now: datetime) -> None:
        super().__init__(archive, run_id, now)
        self._heard: list[Snapshot] = []
        self._noting = threading.Lock()

    def append(self, snapshot: Snapshot) -> str:
        """Store an answer, and remember all of it but its body."""
        place = super().append(snapshot)
        with self._noting:
            self._heard.append(replace(snapshot, body=b""))
        return place

    def heard(self) -> list[Snapshot]:
        """What the questions so far were answered with, bodies left out."""
        with self._noting:
            return list(self._heard)


@dataclass(frozen=True)
class FeedFinding:
    """What one question for one dataset showed; what the answers do not tell is unknown.

    Attributes:
        dataset: What was asked for.
        series: Our name of what was asked for.
        outcome: What came of it.
        reachable: Whether anybody answered.
        authorised: Whether we may ask.
        shape: Whether the transform reads the answer, and finds the day that must be there.
        units: Whether the rows keep the dataset's blocking checks.
        due_day: The newest day that is due.
        freshest_day: The newest day that has a value.
        reason: What is not as known.
        remarks: What deserves a look and is no change: warnings, a day that is late.
    """

    dataset: str
    series: str | None
    outcome: Outcome
    reachable: bool | None = None
    authorised: bool | None = None
    shape: bool | None = None
    units: bool | None = None
    due_day: date | None = None
    freshest_day: date | None = None
    reason: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class InvariantFinding:
    """What became of one invariant.

    Attributes:
        name: Its name.
        sentence: What is believed.
        outcome: What came of it.
        found: What the answers say; nothing where there are none.
        error: Why there are none.
    """

    name: str
    sentence: str
    outcome: Outcome
    found: str | None
    error: str | None = None


@dataclass(frozen=True)
class LimitUse:
    """How much of a limit the questions took.

    Attributes:
        bound: The host or endpoint.
        requests: Answers that counted towards it.
        of: How many requests we allow ourselves.
        seconds: Within how many seconds.
        told: What the provider itself counts, by header.
    """

    bound: str
    requests: int
    of: int
    seconds: float
    told: dict[str, str]


@dataclass(frozen=True)
class Examination:
    """What one source showed of itself."""

    source: str
    outcome: Outcome
    reason: str | None = None
    feeds: tuple[FeedFinding, ...] = ()
    invariants: tuple[InvariantFinding, ...] = ()
    limits: tuple[LimitUse, ...] = field(default=())


def examine(collector: Collector, source: Source, invariants: Sequence[Invariant], witness: Witness) -> Examination:
    """Ask a source one small question for each feed, and what settles its invariants."""
    feeds = tuple(_examine_feed(collector, source, feed, witness) for feed in source.feeds)
    fetch = _once_each(collector, source)
    settled = tuple(_settle(collector, source, one, fetch, witness) for one in invariants)
    outcome = worst([*(one.outcome for one in feeds), *(one.outcome for one in settled)])
    return Examination(source.name, outcome, None, feeds, settled, _use(collector, source, witness))


def asked_days(source: Source, feed: Feed, now: datetime) -> tuple[Series, pl.DataFrame] | None:
    """The series to ask for, with the newest day that must be there and the newest that is due.

    Returns:
        The series and its days as a plan knows them; none where nothing can be had.
    """
    days = Interval((now - LOOK_BACK).date(), now.date() + 2 * ONE_DAY)
    for series in sorted(feed.series, key=lambda one: (_has_ended(one, now), _preference(one.name))):
        alone = replace(source, feeds=(replace(feed, series=(series,)),))
        due = due_days([alone], days, Books([]), now).filter("expected")
        # Of a reading nothing is published here, so that it may be taken at any hour.
        due = due if feed.reading else due.filter("to_be_had")
        if due.is_empty():
            continue
        newest = due.filter(pl.col("date") == pl.col("date").max())
        certain = due.filter(pl.col("due_at") + series.release.grace <= now)
        must = certain.filter(pl.col("date") == pl.col("date").max())
        return series, pl.concat([must, newest]).unique("date", maintain_order=True)
    return None


def _has_ended(series: Series, now: datetime) -> bool:
    """Whether nothing new can come of it, such as the market of a meeting that is over."""
    return series.until is not None and series.until < now.date()


def _preference(name: str) -> int:
    return KNOWN_BEST.index(name) if name in KNOWN_BEST else len(KNOWN_BEST)


def _examine_feed(collector: Collector, source: Source, feed: Feed, witness: Witness) -> FeedFinding:
    dataset, now = feed.dataset.name, collector.clock.now()
    chosen = asked_days(source, feed, now)
    if chosen is None:
        return FeedFinding(dataset, None, Outcome.untold, reason="no day of any of its series can be had")
    series, wanted = chosen
    alone = replace(feed, series=(series,))
    blank = FeedFinding(dataset, series.name, Outcome.as_known, due_day=max(date_of(wanted)))
    found = [
        _judge(collector, batch, blank, witness)
        for batch in batches([replace(source, feeds=(alone,))], wanted.drop("to_be_had"), now)
    ]
    return max(found, key=lambda one: list(Outcome).index(one.outcome))


def _judge(collector: Collector, batch: Batch, blank: FeedFinding, witness: Witness) -> FeedFinding:
    """Ask, read and check one batch."""
    # A question is small: what is lost of it is all of it.
    gathered = [
        replace(each, error=each.error or (each.lost[0].problem if each.lost else None))
        for each in collect(collector, batch)
    ]
    asked = (batch.source.name, blank.dataset)
    mine = [one for one in witness.heard() if (one.source, one.dataset) == asked]
    finding = replace(blank, reachable=bool(mine), authorised=_authorised(mine))
    errors = [one.error for one in gathered if one.error is not None]
    if errors:
        return _failed(finding, errors[0])
    try:
        readings = read_all(batch, gathered, Knowledge(collector.clock.now()))
        rows = pl.concat([one.rows for one in readings], how="diagonal")
        checked = check(batch.feed.dataset, rows)
    except HomeRefused:
        raise
    except PipelineError as broken:
        return _failed(finding, broken)
    days = [(day, outcome) for one in readings for day, outcome in one.days.items()]
    failures = [outcome.reason for _, outcome in days if outcome.state == "failed"]
    late = tuple(f"{day} is not out yet" for day, outcome in days if outcome.state == "not_yet")
    if failures:
        return replace(finding, shape=False, outcome=Outcome.changed, reason=failures[0])
    broken_rules = [one for one in checked.results if not one.success]
    blocking = [one.check for one in broken_rules if one.severity == "blocking"]
    return replace(
        finding,
        shape=True,
        units=not blocking if rows.height else None,
        freshest_day=max(date_of(rows), default=None),
        outcome=Outcome.changed if blocking else Outcome.as_known,
        reason=f"expected {blocking[0]}, found rows that break it" if blocking else None,
        remarks=late + tuple(f"warning: {one.check}" for one in broken_rules if one.severity != "blocking"),
    )


def _authorised(heard: Sequence[Snapshot]) -> bool | None:
    return not any(one.status in NOT_ALLOWED for one in heard) if heard else None


def _failed(finding: FeedFinding, error: PipelineError) -> FeedFinding:
    """An error in place of rows: a change, unless it only says that nobody could be asked."""
    outcome = _outcome_of(error, authorised=finding.authorised)
    shape = False if isinstance(error, PayloadChanged) else None
    return replace(finding, shape=shape, outcome=outcome, reason=named(error))


def _outcome_of(error: PipelineError, *, authorised: bool | None) -> Outcome:
    """A refusal of what we ask is a change; one of who or where we are, and silence, tell nothing of the shape."""
    if isinstance(error, PayloadChanged) or (isinstance(error, SourceRefused) and authorised is not False):
        return Outcome.changed
    return Outcome.untold


def _owner(collector: Collector, source: Source, host: str) -> Source:
    """The source that a host belongs to: an invariant may ask a second source, which refuses in its own way."""
    asked = (source, *collector.sources)
    return next((one for one in asked if host in {bound.partition("/")[0] for bound in one.limits}), source)


def _once_each(collector: Collector, source: Source) -> Callable[[str, Request], Answer]:
    """Asks a question of a source's invariants, each only once."""
    answers: dict[tuple[str, str, str | None], Answer] = {}

    def fetch(name: str, request: Request) -> Answer:
        if request.identity not in answers:
            fetcher = collector.fetcher(_owner(collector, source, request.host))
            answers[request.identity] = fetcher.fetch(request, dataset=INVARIANT, series=f"{source.name}: {name}")
        return replace(answers[request.identity], request=request)

    return fetch


def _settle(
    collector: Collector,
    source: Source,
    invariant: Invariant,
    fetch: Callable[[str, Request], Answer],
    witness: Witness,
) -> InvariantFinding:
    """Ask what settles an invariant, and let it judge."""
    asked = follow(
        invariant.plan(collector.clock.now()), lambda request: fetch(invariant.name, request), invariant.name
    )
    if asked.error is not None:
        series = f"{source.name}: {invariant.name}"
        mine = [one for one in witness.heard() if (one.dataset, one.series) == (INVARIANT, series)]
        outcome = _outcome_of(asked.error, authorised=_authorised(mine))
        return InvariantFinding(invariant.name, invariant.sentence, outcome, None, named(asked.error))
    finding = judged(invariant, asked.answers)
    outcome = {True: Outcome.as_known, False: Outcome.changed, None: Outcome.untold}[finding.holds]
    return InvariantFinding(invariant.name, invariant.sentence, outcome, finding.found)


def judged(invariant: Invariant, answers: Sequence[Answer]) -> Finding:
    """What answers say of an invariant; answers of another shape say that it does not hold."""
    try:
        return invariant.holds(answers)
    except PayloadChanged as changed:
        return Finding(holds=False, found=named(changed))
    except FAULTS as fault:
        return Finding(holds=False, found=f"expected the shape that the invariant reads, found {described(fault)}")


def _use(collector: Collector, source: Source, witness: Witness) -> tuple[LimitUse, ...]:
    """How much of each limit the questions about a source took; a host without one has the default one."""
    limits = dict(source.limits)
    counts: dict[str, int] = dict.fromkeys(limits, 0)
    told: dict[str, dict[str, str]] = {bound: {} for bound in limits}
    for one in witness.heard():
        about = one.series.partition(": ")[0] if one.dataset == INVARIANT else one.source
        if about != source.name:
            continue
        parts = urlsplit(one.url)
        theirs = _owner(collector, source, parts.netloc).limits
        for bound in bound_by(theirs, parts.netloc + parts.path) or [parts.netloc]:
            limits.setdefault(bound, theirs.get(bound, Budgets.DEFAULT_LIMIT))
            counts[bound] = counts.get(bound, 0) + 1
            counted = {name: value for name, value in one.headers.items() if name in COUNTED_BY}
            told[bound] = told.get(bound, {}) | counted
    return tuple(
        LimitUse(bound, counts[bound], limit.requests, limit.seconds, told[bound]) for bound, limit in limits.items()
    )
