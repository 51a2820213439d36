"""The run: one writing session on a home, with its plan and its outcomes."""

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
from flows.steps.interim import Gate, Interim
from flows.steps.plan import Batch
from flows.steps.settle import Knowledge
from warehouse.store.archive import Archive, Recorder
from warehouse.store.home import Home
from warehouse.store.lake import Lake
from warehouse.store.ledger import Books, Ledger

CLOCK_TOLERANCE = timedelta(minutes=10)


@dataclass(frozen=True)
class BatchOutcome:
    """The outcome of a batch.

    Attributes:
        name: The name of the batch.
        states: State to number of series-days.
        problems: Series, reason and number of days that were tried and could not be loaded.
        rows: Normalized rows.
        checked: Checked rows.
        versions: New published versions.
        partitions: Written partitions.
        snapshots: Answers read.
        restated: New versions of values that were published before.
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
        """Series-days that were tried and could not be loaded."""
        return sum(days for *_, days in self.problems)


@dataclass
class Run:
    """One writing session on a home: its plan, and its outcomes so far.

    `notices` are warnings that are not about the data, one sentence each; they are shown, but do not fail the run.
    `interim` decides when the warehouse is built before the end, and `gate` keeps the lake and the ledger still then.
    `until` is when each slow source will be done if nothing hinders it.
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
    interim: Interim = field(default_factory=lambda: Interim({}))
    until: dict[str, datetime] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    _first_days: dict[tuple[str, str, str], date] = field(default_factory=dict)
    _vain_looks: dict[tuple[str, str], pl.DataFrame] = field(default_factory=dict)
    _latest: datetime | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def ledger(self) -> Ledger:
        """The ledger, for outcomes."""
        return Ledger(self.home.ledger)

    @property
    def archive(self) -> Archive:
        """The archive, for answers."""
        return Archive(self.home.raw)

    @property
    def lake(self) -> Lake:
        """The lake, for published rows."""
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
        """The current instant; never earlier than one that this run returned before."""
        with self._lock:
            now = self.settings.clock.now()
            self._latest = now if self._latest is None else max(now, self._latest)
            return self._latest

    def write(self, events: Iterable[dict[str, object]]) -> None:
        """Append to the ledger, one writer at a time."""
        with self._lock:
            self.ledger.append(events, self.now())

    def require_true_clock(self) -> None:
        """Compare the clock with the `Date` of the answers so far, before anything is judged by it.

        TIDEMARK_NOW may lie in the past: then fewer days are due, and no open day is taken for finished.

        Raises:
            ClockWrong: The clock is more than ten minutes from their median.
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
        """The last complete answer to the same request, if it has an ETag or Last-Modified."""
        if not batch.feed.whole_history:
            return None
        collections = self.books.collections(batch.feed.dataset.name, batch.source.name)
        mine = (past for past in reversed(collections) if past.complete and past.series == ask.series.name)
        newest = next(mine, None)
        for place in () if newest is None else newest.snapshots:
            try:
                earlier = Earlier(self.archive.read(place), place)
            except StorageDamaged:
                continue  # then it is fetched again without conditions
            if earlier.snapshot.identity == request.identity and earlier.conditions:
                return earlier
        return None

    def knowledge(self, batch: Batch) -> Knowledge:
        """The knowledge with which the answers of a batch are read."""
        feed = (batch.feed.dataset.name, batch.source.name)
        with self._lock:
            first = {
                ask.series.name: min(loaded)
                for ask in batch.asks
                if (loaded := [days[key] for key in [(*feed, ask.series.name)] for days in self._loaded if key in days])
            }
            if feed not in self._vain_looks and any(ask.series.by_rule for ask in batch.asks):
                self._vain_looks[feed] = self.books.vain_looks(*feed)
            return Knowledge(self.now(), first, self._vain_looks.get(feed, pl.DataFrame()))

    @property
    def _loaded(self) -> tuple[Mapping[tuple[str, str, str], date], ...]:
        """The first loaded day of each series: of earlier runs, and of this run."""
        return self.books.first_days, self._first_days

    def remember_loaded(self, batch: Batch, series: str, day: date) -> None:
        """Record that this run loaded a day of a series."""
        key = (batch.feed.dataset.name, batch.source.name, series)
        with self._lock:
            self._first_days[key] = min(day, self._first_days.get(key, day))
