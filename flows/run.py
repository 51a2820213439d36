"""One writing session on a home: what is to be done, what has been done, and the answers at hand."""

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, cast

import polars as pl

from expectations.errors import FAULTS, ClockWrong, RunStopped, StorageDamaged
from flows.http import OK, Budgets, Earlier, Fetcher, Traffic, judge
from flows.normalize import readable
from flows.planning import Batch
from flows.plans import Answer, Ask, Gathered, Request, Source
from flows.settings import Settings
from warehouse.archive import Archive, Recorder, Snapshot
from warehouse.home import Home
from warehouse.lake import Lake
from warehouse.ledger import Books, Ledger

if TYPE_CHECKING:
    from transforms.payload import Form

CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class BatchOutcome:
    """What became of a batch.

    Attributes:
        name: The batch.
        states: State to number of series-days.
        problems: Series, reason and days of what was tried and is not there.
        rows: Rows normalised.
        checked: Rows judged.
        versions: New versions published.
        partitions: Partitions written.
        snapshots: Answers parsed.
        restated: New versions of values that had been published before.
    """

    name: str
    dataset: str
    source: str
    states: dict[str, int]
    problems: tuple[tuple[str, str, int], ...]
    rows: int = 0
    checked: int = 0
    versions: int = 0
    partitions: int = 0
    snapshots: int = 0
    restated: int = 0

    @property
    def failed_days(self) -> int:
        """Series-days that were tried and are not there."""
        return sum(days for *_, days in self.problems)


@dataclass
class Run:
    """One writing session on a home: what is to be done, and what has been done so far.

    `notices` are what went wrong beside the data, a sentence each: people are told, the run has not failed.
    """

    settings: Settings
    home: Home
    run_id: str
    kind: str
    books: Books
    batches: list[Batch]
    sources: list[Source]
    recorder: Recorder
    traffic: Traffic = field(default_factory=Traffic)
    outcomes: list[BatchOutcome] = field(default_factory=list)
    replayed: dict[int, list[Gathered]] = field(default_factory=dict)
    announced: dict[str, frozenset[str]] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    notices: list[str] = field(default_factory=list)
    closed: bool = False
    _fetchers: dict[str, Fetcher] = field(default_factory=dict)
    _shared: dict[tuple[str, str, str | None], Answer] = field(default_factory=dict)
    _turns: dict[tuple[str, str, str | None], threading.Lock] = field(default_factory=dict)
    _kept: dict[tuple[str, str, str | None], Answer] = field(default_factory=dict)
    _first_days: dict[tuple[str, str, str], date] = field(default_factory=dict)
    _vain_looks: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    _latest: datetime | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def ledger(self) -> Ledger:
        """Where outcomes are written."""
        return Ledger(self.home.ledger)

    @property
    def archive(self) -> Archive:
        """Where answers are kept."""
        return Archive(self.home.raw)

    @property
    def lake(self) -> Lake:
        """Where rows are published."""
        return Lake(self.home.lake, self.home.staging)

    @property
    def states(self) -> dict[str, int]:
        """State to number of series-days, over all outcomes so far."""
        counts: Counter[str] = Counter()
        for outcome in self.outcomes:
            counts.update(outcome.states)
        return dict(counts)

    def now(self) -> datetime:
        """The instant; never earlier than one that this run has told before."""
        with self._lock:
            now = self.settings.clock.now()
            self._latest = now if self._latest is None else max(now, self._latest)
            return self._latest

    def write(self, events: Iterable[dict[str, object]]) -> None:
        """Append to the ledger, one writer at a time."""
        with self._lock:
            self.ledger.append(events, self.now())

    def stop_if_asked(self) -> None:
        """Leave between two steps when the run is to end.

        Raises:
            RunStopped: It is.
        """
        if self.stopping.is_set():
            raise RunStopped(f"run {self.run_id} was stopped: what it had published stays, the rest is asked for again")

    def require_true_clock(self) -> None:
        """Hold the clock against what the answers so far say of the time, before anything is judged by it.

        An instant that was set with TIDEMARK_NOW may lie in the past: then less is due, and nothing is taken for over.

        Raises:
            ClockWrong: It is more than ten minutes from their median.
        """
        offsets = list(self.traffic.clock_offsets)
        if not offsets:
            return
        ahead = timedelta(seconds=round(median(offsets)))
        set_back = self.settings.now is not None and ahead < timedelta(0)
        if abs(ahead) > CLOCK_TOLERANCE and not set_back:
            named = "TIDEMARK_NOW" if self.settings.now is not None else "this machine's clock"
            away = f"{abs(ahead)} {'ahead of' if ahead > timedelta(0) else 'behind'}"
            raise ClockWrong(
                f"expected {named} within {CLOCK_TOLERANCE} of the providers', found it {away} the median of "
                f"{len(offsets)} answers: what is due cannot be judged, so nothing was published; set the clock"
            )

    @cached_property
    def _budgets(self) -> Budgets:
        return Budgets(self.sources, self.settings.clock, enforced=not self.home.simulated)

    def fetcher(self, source: Source) -> Fetcher:
        """The one fetcher of a source."""
        with self._lock:
            if source.name not in self._fetchers:
                self._fetchers[source.name] = Fetcher(
                    source,
                    gateway=self.settings.gateway,
                    recorder=self.recorder,
                    clock=self.settings.clock,
                    traffic=self.traffic,
                    budgets=self._budgets,
                    key=self.settings.key(source.key),
                )
            return self._fetchers[source.name]

    def answer(self, batch: Batch, ask: Ask, request: Request) -> Answer:
        """An answer: one that serves the whole run, one that an interrupted run left, or a new one."""
        if request.shared:
            # A lock of its own: nobody else waits while it is asked for.
            with self._lock:
                turn = self._turns.setdefault(request.identity, threading.Lock())
            with turn:
                if request.identity not in self._shared:
                    self._shared[request.identity] = self._fetch(batch, ask, request)
                return self._shared[request.identity]
        kept = self._kept.get(request.identity)
        if kept is not None and kept.observed_at >= ask.series.release.public_at(ask.days.last):
            return replace(kept, request=request)
        return self._fetch(batch, ask, request)

    def _fetch(self, batch: Batch, ask: Ask, request: Request) -> Answer:
        self.stop_if_asked()
        dataset, series = batch.feed.dataset.name, ask.series.name
        earlier = self._earlier(batch, request, series) if batch.feed.whole_history else None
        return self.fetcher(batch.source).fetch(request, dataset=dataset, series=series, earlier=earlier)

    def _earlier(self, batch: Batch, request: Request, series: str) -> Earlier | None:
        """The last whole answer to the same question, where its provider gave it a mark to ask for it by."""
        collections = self.books.collections(batch.feed.dataset.name, batch.source.name)
        newest = next((one for one in reversed(collections) if one.complete and one.series == series), None)
        for place in () if newest is None else newest.snapshots:
            try:
                found = Earlier(self.archive.read(place), place)
            except StorageDamaged:
                continue  # then it is asked for again, whole
            if found.snapshot.identity == request.identity and found.conditions:
                return found
        return None

    def keep_answers(self, archive: Archive) -> None:
        """Find usable answers that interrupted runs archived and never came to read."""
        asked = {source.name: source for source in self.sources}
        for run_id in self.books.interrupted_runs:
            for place, snapshot in archive.scan(run_id):
                source = asked.get(snapshot.source)
                if source is None or place in self.books.used_snapshots or snapshot.status not in OK:
                    continue
                answer = archived_answer(place, snapshot)
                if usable(answer, source, snapshot.dataset, self.settings):
                    self._kept[snapshot.identity] = answer

    def first_loaded(self, batch: Batch, series: str) -> date | None:
        """The first day of a series that was ever loaded, by an earlier run or by this one."""
        key = (batch.feed.dataset.name, batch.source.name, series)
        known = [days[key] for days in (self.books.first_days, self._first_days) if key in days]
        return min(known, default=None)

    def vain_looks(self, batch: Batch) -> pl.DataFrame:
        """The last answers without a day, before it was first there: series, date, looked_at."""
        feed = (batch.feed.dataset.name, batch.source.name)
        with self._lock:
            if feed not in self._vain_looks:
                self._vain_looks[feed] = self.books.vain_looks(*feed)
            return self._vain_looks[feed]

    def remember_loaded(self, batch: Batch, series: str, day: date) -> None:
        """Note that a day of a series was loaded by this run."""
        key = (batch.feed.dataset.name, batch.source.name, series)
        with self._lock:
            self._first_days[key] = min(day, self._first_days.get(key, day))


def usable(answer: Answer, source: Source, dataset: str, settings: Settings) -> bool:
    """Whether an archived answer is one that can be read, and no error of the provider."""
    try:
        problem = judge(answer, {}, source.refusal, settings.clock)
    except FAULTS:
        return False
    return problem is None and readable(answer, dataset, source.name)


def archived_answer(place: str, snapshot: Snapshot) -> Answer:
    """An archived answer, as if it had just come back."""
    request = Request(
        snapshot.url,
        method="POST" if snapshot.method == "POST" else "GET",
        body=snapshot.request_body,
        form=cast("Form", snapshot.form),
        labels=snapshot.labels,
        transform=snapshot.transform,
    )
    return Answer(request, snapshot.status, snapshot.body, snapshot.observed_at, place)
