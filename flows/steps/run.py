"""One writing session on a home: what is to be done, what has been done, and the answers at hand."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

import polars as pl

from expectations.errors import ClockWrong, StorageDamaged
from flows.http import Earlier, Traffic
from flows.settings import Settings
from flows.source import Ask, Request
from flows.steps.collect import Collector
from flows.steps.plan import Batch
from flows.steps.settle import Knowledge
from warehouse.store.archive import Archive, Recorder
from warehouse.store.home import Home
from warehouse.store.lake import Lake
from warehouse.store.ledger import Books, Ledger

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
    collector: Collector
    recorder: Recorder
    outcomes: list[BatchOutcome] = field(default_factory=list)
    announced: dict[str, frozenset[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    closed: bool = False
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
    def traffic(self) -> Traffic:
        """What was sent and received."""
        return self.collector.traffic

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

    def previous(self, batch: Batch, ask: Ask, request: Request) -> Earlier | None:
        """The last whole answer to the same request, where its provider gave it a mark to ask for it by."""
        if not batch.feed.whole_history:
            return None
        collections = self.books.collections(batch.feed.dataset.name, batch.source.name)
        newest = next((one for one in reversed(collections) if one.complete and one.series == ask.series.name), None)
        for place in () if newest is None else newest.snapshots:
            try:
                found = Earlier(self.archive.read(place), place)
            except StorageDamaged:
                continue  # then it is asked for again, whole
            if found.snapshot.identity == request.identity and found.conditions:
                return found
        return None

    def knowledge(self, batch: Batch) -> Knowledge:
        """What is known when the answers of a batch are read."""
        feed = (batch.feed.dataset.name, batch.source.name)
        with self._lock:
            first = {
                ask.series.name: min(found)
                for ask in batch.asks
                if (found := [days[key] for key in [(*feed, ask.series.name)] for days in self._loaded if key in days])
            }
            if feed not in self._vain_looks and any(ask.series.by_rule for ask in batch.asks):
                self._vain_looks[feed] = self.books.vain_looks(*feed)
            return Knowledge(self.now(), first, self._vain_looks.get(feed, pl.DataFrame()))

    @property
    def _loaded(self) -> tuple[Mapping[tuple[str, str, str], date], ...]:
        """The first loaded day of each series: by earlier runs, and by this one."""
        return self.books.first_days, self._first_days

    def remember_loaded(self, batch: Batch, series: str, day: date) -> None:
        """Note that a day of a series was loaded by this run."""
        key = (batch.feed.dataset.name, batch.source.name, series)
        with self._lock:
            self._first_days[key] = min(day, self._first_days.get(key, day))
