"""Rewind: undo what was written while the clock was ahead, and read the answers again by their true time.

The answers are correct and stay in the archive; the provider's `Date` says when they were really sent. The rows made
from them are wrong: an open candle was taken for a finished day, and every version is stamped with a future instant. So
the rows of such runs leave the lake, their days become `missing`, and what the answers really prove is published again,
stamped now. It can be killed at any point: until the last step the newest record of the ledger lies in the future,
every writer refuses the home, and another rewind finishes the work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from statistics import median

import polars as pl

from expectations.contract import datasets
from expectations.errors import FAULTS
from expectations.interval import Interval
from flows.jobs import Job, enabled, fill_job, home_start
from flows.settings import Settings
from flows.steps.plan import Mode
from warehouse.store.archive import Archive, Snapshot
from warehouse.store.home import Home, rewrite_start
from warehouse.store.lake import Lake
from warehouse.store.ledger import ABSENT, Books, Ledger, found_event, partitions_event, rewound_event
from warehouse.text import counted


@dataclass(frozen=True)
class Ahead:
    """What was written while the clock was ahead.

    Attributes:
        runs: Run to the seconds by which its clock was ahead of the providers'; None if no answer shows it.
        partitions: The partitions that these runs wrote.
        pages: The briefs of days that are not over.
    """

    runs: Mapping[str, float | None]
    partitions: tuple[str, ...]
    pages: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """A summary in one sentence."""
        offsets = [seconds for seconds in self.runs.values() if seconds is not None]
        by = f", by a clock {timedelta(seconds=round(max(offsets)))} ahead" if offsets else ""
        return (
            f"{counted(len(self.runs), 'run')} wrote in the future{by}: their rows in "
            f"{counted(len(self.partitions), 'partition')} and {counted(len(self.pages), 'page')} are taken back, "
            "their answers are read again"
        )


def look_ahead(home: Home, books: Books, now: datetime) -> Ahead:
    """What a home contains that was recorded later than now."""
    late = [str(event["run_id"]) for event in books.events if _instant(event["at"]) > now]
    runs = sorted({run for run in late if run in {event["run_id"] for event in books.of("run")}})
    names = sorted({name for event in books.of("partitions") if event["run_id"] in runs for name in event["hashes"]})
    pages = sorted(page.name for page in home.reports.glob("*") if _day_of(page.name) >= now.date())
    archive = Archive(home.raw)
    by = {run: seconds_ahead(snapshot for _, snapshot in archive.scan(run)) for run in runs}
    return Ahead(by, (*names,), (*pages,))


def _day_of(name: str) -> date:
    try:
        return date.fromisoformat(name[:10])
    except ValueError:
        return date.min


def seconds_ahead(snapshots: Iterable[Snapshot]) -> float | None:
    """By how much the clock was ahead of the providers': the median over the answers with a usable `Date`."""
    offsets = []
    for snapshot in snapshots:
        at = sent_at(snapshot.headers)
        if at is not None:
            offsets.append((snapshot.observed_at - at).total_seconds())
    return median(offsets) if offsets else None


def sent_at(headers: Mapping[str, str]) -> datetime | None:
    """When an answer was sent, by the provider's clock; None if its `Date` is absent or invalid."""
    try:
        stamp = parsedate_to_datetime(headers["date"])
    except FAULTS:
        return None
    return stamp.replace(tzinfo=stamp.tzinfo or UTC)


def take_back(home: Home, ahead: Ahead, settings: Settings, now: datetime) -> None:
    """Remove the rows of the runs from the lake, then record that in the ledger; their days are missing again.

    Raises:
        HomeRefused: The home is not writable.
        StorageDamaged: A partition is not one that a run wrote.
    """
    ledger = Ledger(home.ledger)
    books = ledger.read()
    run_id = f"{books.next_run:06d}"
    begun = {"event": "run", "run_id": run_id, "kind": "rewind", "at": now, "message": "cut off, or still running"}
    ledger.append([begun], now)
    for name in ahead.partitions:
        _take_out(Lake(home.lake, home.staging), ledger, books, name, ahead.runs, run_id, now)
    for page in ahead.pages:
        (home.reports / page).unlink(missing_ok=True)
    every_run = {str(event["run_id"]) for event in books.of("run")}
    if every_run <= {*ahead.runs}:
        rewrite_start(home, home_start(settings))
    ended = {"event": "run_end", "run_id": run_id, "at": now, "state": "done", "requests": 0, "bytes": 0, "rows": 0}
    ledger.append(
        [rewound_event(run_id, now, ahead.runs), {**ended, "message": ahead.sentence}],
        now,
    )


def _take_out(
    lake: Lake, ledger: Ledger, books: Books, name: str, runs: Mapping[str, float | None], run_id: str, now: datetime
) -> None:
    """Rewrite a partition without the versions of some runs."""
    place = lake.root / name
    dataset = datasets()[name.partition("/")[0]]
    if not place.exists():
        return
    # A rewind that was killed may have written it already: any content that was ever announced is valid.
    announced = {hashed for event in books.of("partitions") for hashed in [event["hashes"].get(name)] if hashed}
    held = lake.read(place, dataset, {name: frozenset(announced)})
    kept = held.filter(~pl.col("run_id").is_in([*runs]))
    if kept.height == held.height:
        return
    staged, hashed = lake.stage(kept, dataset) if kept.height else (None, ABSENT)
    ledger.append([partitions_event(run_id, now, {name: hashed})], now)
    if staged is None:
        place.unlink()
    else:
        lake.move_in(staged, place)
    ledger.append([found_event(run_id, now, {name: hashed})], now)


def again(settings: Settings, books: Books) -> Job:
    """The job that replays the archived answers and builds the warehouse."""
    chosen = list(enabled(settings).values())
    feeds = ((feed.dataset.name, source.name) for source in chosen for feed in source.feeds)
    yesterday = settings.clock.yesterday()
    starts = [taken.start for feed in feeds for taken in books.collections(*feed) if taken.start <= yesterday]
    return fill_job(settings, chosen, Interval.of_days(min(starts, default=yesterday), yesterday), Mode.replay)


def _instant(at: object) -> datetime:
    return datetime.fromisoformat(str(at)).astimezone(UTC)
