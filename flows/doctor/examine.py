"""Examine: compare the current answers of one source with its transforms and its invariants.

The requests use the same fetcher, limits and archive as those of a run; nothing is published.
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

LOOK_BACK = timedelta(days=400)  # longer than the gap between two values of any series plus the publication delay
KNOWN_BEST = ("BTC", "USDT")  # old and liquid, so that a day without a value is suspicious
NOT_ALLOWED = {401, 402, 403, 407, 451}  # about our key or region, not about the request
# Headers in which providers report how much of their limit is used or left.
COUNTED_BY = {"x-mbx-used-weight-1m", "remaining-req"}
INVARIANT = "invariant"  # the dataset of such a request in the archive


class Outcome(StrEnum):
    """The outcome of a request, in ascending order of urgency."""

    as_known = "as_known"
    skipped = "skipped"
    untold = "untold"
    changed = "changed"


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The most urgent outcome."""
    order = list(Outcome)
    return max(outcomes, key=order.index, default=Outcome.untold)


class Witness(Recorder):
    """A recorder that also remembers the answers, without their bodies."""

    def __init__(self, archive: Archive, run_id: str, now: datetime) -> None:
        super().__init__(archive, run_id, now)
        self._heard: list[Snapshot] = []
        self._noting = threading.Lock()

    def archive(self, snapshot: Snapshot) -> str:
        """Store an answer, and remember it without its body."""
        place = super().archive(snapshot)
        with self._noting:
            self._heard.append(replace(snapshot, body=b""))
        return place

    def heard(self) -> list[Snapshot]:
        """The answers so far, without bodies."""
        with self._noting:
            return list(self._heard)


@dataclass(frozen=True)
class FeedFinding:
    """The findings of one request for one dataset; None if the answers do not show it.

    Attributes:
        dataset: The dataset.
        series: Our name of the series.
        outcome: The outcome.
        reachable: Whether the source answered.
        authorised: Whether the source allows access.
        shape: Whether the transform reads the answer and finds the day that must be there.
        units: Whether the rows pass the blocking checks of the dataset.
        due_day: The newest day that is due.
        freshest_day: The newest day that has a value.
        reason: What is not as known.
        remarks: What deserves a look but is no change: warnings, a late day.
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
    """The finding about one invariant.

    Attributes:
        name: Its name.
        sentence: The assumption.
        outcome: The outcome.
        found: What the answers show; None without answers.
        error: Why there are no answers.
    """

    name: str
    sentence: str
    outcome: Outcome
    found: str | None
    error: str | None = None


@dataclass(frozen=True)
class LimitUse:
    """How much of a rate limit the requests used.

    Attributes:
        bound: The host or endpoint.
        requests: The answers that count towards it.
        of: The number of requests that the limit allows.
        seconds: The period of the limit.
        told: The provider's own count, by header.
    """

    bound: str
    requests: int
    of: int
    seconds: float
    told: dict[str, str]


@dataclass(frozen=True)
class Examination:
    """All findings about one source."""

    source: str
    outcome: Outcome
    reason: str | None = None
    feeds: tuple[FeedFinding, ...] = ()
    invariants: tuple[InvariantFinding, ...] = ()
    limits: tuple[LimitUse, ...] = field(default=())


def examine(collector: Collector, source: Source, invariants: Sequence[Invariant], witness: Witness) -> Examination:
    """Send a source one small request for each feed, and the requests of its invariants."""
    feeds = tuple(_examine_feed(collector, source, feed, witness) for feed in source.feeds)
    fetch = _once_each(collector, source)
    settled = tuple(_settle(collector, source, invariant, fetch, witness) for invariant in invariants)
    outcome = worst([*(feed.outcome for feed in feeds), *(invariant.outcome for invariant in settled)])
    return Examination(source.name, outcome, None, feeds, settled, _use(collector, source, witness))


def asked_days(source: Source, feed: Feed, now: datetime) -> tuple[Series, pl.DataFrame] | None:
    """The series to request, with the newest day that must be there and the newest that is due.

    Returns:
        The series and its days in the form of a plan; None if nothing can be fetched.
    """
    days = Interval((now - LOOK_BACK).date(), now.date() + 2 * ONE_DAY)
    for series in sorted(feed.series, key=lambda candidate: (_has_ended(candidate, now), _preference(candidate.name))):
        alone = replace(source, feeds=(replace(feed, series=(series,)),))
        due = due_days([alone], days, Books([]), now).filter("expected")
        # Nothing is published here, so a reading may be taken at any hour.
        due = due if feed.reading else due.filter("to_be_had")
        if due.is_empty():
            continue
        newest = due.filter(pl.col("date") == pl.col("date").max())
        certain = due.filter(pl.col("due_at") + series.release.grace <= now)
        must = certain.filter(pl.col("date") == pl.col("date").max())
        return series, pl.concat([must, newest]).unique("date", maintain_order=True)
    return None


def _has_ended(series: Series, now: datetime) -> bool:
    """Whether a series has ended and gets no new values, such as the market of a meeting that is over."""
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
    findings = [
        _judge(collector, batch, blank, witness)
        for batch in batches([replace(source, feeds=(alone,))], wanted.drop("to_be_had"), now)
    ]
    return max(findings, key=lambda finding: list(Outcome).index(finding.outcome))


def _judge(collector: Collector, batch: Batch, blank: FeedFinding, witness: Witness) -> FeedFinding:
    """Collect, read and check one batch."""
    # The request is small, so any lost part counts as an error of all of it.
    gathered = [
        replace(collected, error=collected.error or (collected.lost[0].problem if collected.lost else None))
        for collected in collect(collector, batch)
    ]
    key = (batch.source.name, blank.dataset)
    mine = [snapshot for snapshot in witness.heard() if (snapshot.source, snapshot.dataset) == key]
    finding = replace(blank, reachable=bool(mine), authorised=_authorised(mine))
    errors = [collected.error for collected in gathered if collected.error is not None]
    if errors:
        return _failed(finding, errors[0])
    try:
        readings = read_all(batch, gathered, Knowledge(collector.clock.now()))
        rows = pl.concat([reading.rows for reading in readings], how="diagonal")
        checked = check(batch.feed.dataset, rows)
    except HomeRefused:
        raise
    except PipelineError as broken:
        return _failed(finding, broken)
    days = [(day, outcome) for reading in readings for day, outcome in reading.days.items()]
    failures = [outcome.reason for _, outcome in days if outcome.state == "failed"]
    late = tuple(f"{day} is not out yet" for day, outcome in days if outcome.state == "not_yet")
    if failures:
        return replace(finding, shape=False, outcome=Outcome.changed, reason=failures[0])
    broken_rules = [result for result in checked.results if not result.success]
    blocking = [result.check for result in broken_rules if result.severity == "blocking"]
    return replace(
        finding,
        shape=True,
        units=not blocking if rows.height else None,
        freshest_day=max(date_of(rows), default=None),
        outcome=Outcome.changed if blocking else Outcome.as_known,
        reason=f"expected {blocking[0]}, found rows that break it" if blocking else None,
        remarks=late + tuple(f"warning: {result.check}" for result in broken_rules if result.severity != "blocking"),
    )


def _authorised(heard: Sequence[Snapshot]) -> bool | None:
    return not any(snapshot.status in NOT_ALLOWED for snapshot in heard) if heard else None


def _failed(finding: FeedFinding, error: PipelineError) -> FeedFinding:
    """The finding for an error: a change, unless the error only says that the source could not be asked."""
    outcome = _outcome_of(error, authorised=finding.authorised)
    shape = False if isinstance(error, PayloadChanged) else None
    return replace(finding, shape=shape, outcome=outcome, reason=named(error))


def _outcome_of(error: PipelineError, *, authorised: bool | None) -> Outcome:
    """A refused request is a change; a refusal of our key or region, or no answer, shows nothing about the shape."""
    if isinstance(error, PayloadChanged) or (isinstance(error, SourceRefused) and authorised is not False):
        return Outcome.changed
    return Outcome.untold


def _owner(collector: Collector, source: Source, host: str) -> Source:
    """The source of a host: an invariant may also ask a second source, which has its own error format."""
    candidates = (source, *collector.sources)
    return next((owner for owner in candidates if host in {bound.partition("/")[0] for bound in owner.limits}), source)


def _once_each(collector: Collector, source: Source) -> Callable[[str, Request], Answer]:
    """A fetch function for the invariants of a source that sends each request only once."""
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
    """Send the requests of an invariant, and let it judge the answers."""
    followed = follow(
        invariant.plan(collector.clock.now()), lambda request: fetch(invariant.name, request), invariant.name
    )
    if followed.error is not None:
        key = (INVARIANT, f"{source.name}: {invariant.name}")
        mine = [snapshot for snapshot in witness.heard() if (snapshot.dataset, snapshot.series) == key]
        outcome = _outcome_of(followed.error, authorised=_authorised(mine))
        return InvariantFinding(invariant.name, invariant.sentence, outcome, None, named(followed.error))
    finding = judged(invariant, followed.answers)
    outcome = {True: Outcome.as_known, False: Outcome.changed, None: Outcome.untold}[finding.holds]
    return InvariantFinding(invariant.name, invariant.sentence, outcome, finding.found)


def judged(invariant: Invariant, answers: Sequence[Answer]) -> Finding:
    """The finding of an invariant; answers of an unexpected shape mean that it does not hold."""
    try:
        return invariant.holds(answers)
    except PayloadChanged as changed:
        return Finding(holds=False, found=named(changed))
    except FAULTS as fault:
        return Finding(holds=False, found=f"expected the shape that the invariant reads, found {described(fault)}")


def _use(collector: Collector, source: Source, witness: Witness) -> tuple[LimitUse, ...]:
    """How much of each limit the requests about a source used; a host without a limit has the default one."""
    limits = dict(source.limits)
    counts: dict[str, int] = dict.fromkeys(limits, 0)
    reported: dict[str, dict[str, str]] = {bound: {} for bound in limits}
    for snapshot in witness.heard():
        about = snapshot.series.partition(": ")[0] if snapshot.dataset == INVARIANT else snapshot.source
        if about != source.name:
            continue
        parts = urlsplit(snapshot.url)
        theirs = _owner(collector, source, parts.netloc).limits
        for bound in bound_by(theirs, parts.netloc + parts.path) or [parts.netloc]:
            limits.setdefault(bound, theirs.get(bound, Budgets.DEFAULT_LIMIT))
            counts[bound] = counts.get(bound, 0) + 1
            counted = {name: value for name, value in snapshot.headers.items() if name in COUNTED_BY}
            reported[bound] = reported.get(bound, {}) | counted
    return tuple(
        LimitUse(bound, counts[bound], limit.requests, limit.seconds, reported[bound])
        for bound, limit in limits.items()
    )
