"""What is known about every series-day, every run, every check and every row held back.

Append-only events, one JSON line each, in `ledger/YYYY.jsonl`. Everything that people query in `ops` is folded from
them. Every line ends with its own CRC-32. A cut-off last line, which a killed run leaves, is ignored.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import orjson
import polars as pl

from expectations.contract import polars_schema
from expectations.errors import HomeRefused, PayloadChanged, StorageDamaged
from expectations.interval import ONE_DAY, each_day, intervals
from warehouse.store.files import flush_folder

# How the reason of a day that an answer should have had begins, after the error's class.
NOT_GIVEN = "expected a value for each of the days asked for"
# How the reason of a loaded day that its rows do not fully cover begins, until a second answer confirms it.
SEEN_ONCE = "one answer so far, which covers"
# Used in place of a partition's hash: there may be no file.
ABSENT = ""
_SUM = b',"crc32":'

State = Literal["missing", "not_yet", "failed", "failed_check", "verified_empty", "loaded", "perished"]
SETTLED: tuple[State, ...] = ("loaded", "verified_empty")

DAY_KEY = ("dataset", "source", "series", "date")
LEDGER_COLUMNS = (
    *DAY_KEY,
    "state",
    "rows",
    "observed_at",
    "recorded_at",
    "run_id",
    "reason",
    "last_attempt",
    "last_error",
)
_SERIES = ("dataset", "source", "series")
# The columns of a calendar of series-days.
EXPECTED = pl.Schema(
    {
        **dict.fromkeys(_SERIES, pl.String()),
        "date": pl.Date(),
        "expected": pl.Boolean(),
        "due_at": pl.Datetime("us", "UTC"),
        "perishes_at": pl.Datetime("us", "UTC"),
    }
)
# The columns of `ranges`: whose days, the fields of a DayRange, when and by which run it was written.
_RANGES = (
    *_SERIES,
    "start",
    "end",
    "state",
    "rows",
    "reason",
    "observed_at",
    "recorded_at",
    "run_id",
)
# The format of instants as orjson writes them; a fraction of zero is left out.
_ISO = "%Y-%m-%dT%H:%M:%S%.f%z"


@dataclass(frozen=True)
class DayRange:
    """One outcome for consecutive days of a series.

    Attributes:
        series: The series.
        start: First day.
        end: The day after the last.
        state: What is known now.
        rows: Rows per day.
        reason: The error or rule behind it.
        observed_at: When the answer arrived.
    """

    series: str
    start: date
    end: date
    state: State
    rows: int
    reason: str | None
    observed_at: datetime | None


@dataclass(frozen=True)
class SeenAgain:
    """Consecutive days of a series for which another answer confirmed what was known; only the time of seeing is new.

    Attributes:
        series: The series.
        start: First day.
        end: The day after the last.
        observed_at: When the answer arrived.
    """

    series: str
    start: date
    end: date
    observed_at: datetime | None


@dataclass(frozen=True)
class Collection:
    """The answers that were collected for one request plan, so that they can be replayed.

    Attributes:
        series: The series.
        start: First requested day.
        end: The day after the last.
        snapshots: Places of the answers in the archive.
        complete: Whether the plan was completed.
        observed_at: When the last answer arrived.
    """

    series: str
    start: date
    end: date
    snapshots: tuple[str, ...]
    complete: bool
    observed_at: datetime | None


@dataclass(frozen=True)
class CheckResult:
    """The result of one rule for one batch."""

    check: str
    severity: str
    success: bool
    rows: int
    expected: str
    failing_rows: int


@dataclass(frozen=True)
class HeldRow:
    """A row that broke a blocking rule."""

    key: str
    date: date
    rule: str
    row: str
    snapshot: str


Event = dict[str, Any]


def days_event(
    *,
    run_id: str,
    at: datetime,
    dataset: str,
    source: str,
    ranges: Sequence[DayRange],
    collections: Sequence[Collection] = (),
    checks: Sequence[CheckResult] = (),
    held: Sequence[HeldRow] = (),
    partitions: Mapping[str, str] | None = None,
    again: Sequence[SeenAgain] = (),
) -> Event:
    """The outcome of one batch, in one line, so that either all of it is recorded or nothing."""
    return {
        "event": "days",
        "run_id": run_id,
        "at": at,
        "dataset": dataset,
        "source": source,
        "ranges": [list(vars(day_range).values()) for day_range in ranges],
        "again": [list(vars(seen).values()) for seen in again],
        # Most commands never read these: they stay text until they are needed.
        "collections": _text([list(vars(taken).values()) for taken in collections]),
        "checks": _text([asdict(result) for result in checks]),
        "held": _text([asdict(row) for row in held]),
        "partitions": dict(partitions or {}),
    }


def partitions_event(run_id: str, at: datetime, hashes: Mapping[str, str]) -> Event:
    """Partitions that are about to be moved in, with the hashes that they will have."""
    return {"event": "partitions", "run_id": run_id, "at": at, "hashes": dict(hashes)}


def found_event(run_id: str, at: datetime, hashes: Mapping[str, str]) -> Event:
    """Partitions that a killed run left undecided, with the hash of the file in place (`ABSENT`: no file)."""
    return {"event": "found", "run_id": run_id, "at": at, "hashes": dict(hashes)}


def rewound_event(run_id: str, at: datetime, runs: Mapping[str, float | None]) -> Event:
    """Runs that wrote with a clock that ran ahead, and are rewound.

    Args:
        run_id: The run that rewinds them.
        at: When.
        runs: Run to the seconds by which its clock was ahead of the providers'; none if no answer shows it.
    """
    return {"event": "rewound", "run_id": run_id, "at": at, "runs": dict(runs)}


def _without_rewound(events: Sequence[Event]) -> Iterator[Event]:
    """The events; of rewound runs only the fact that they ran, and their answers with corrected instants."""
    back = {run_id: event for event in events if event["event"] == "rewound" for run_id in event["runs"]}
    for event in events:
        by = back.get(event["run_id"])
        if by is None:
            yield event
            continue
        seconds, latest = by["runs"][event["run_id"]], by["at"]
        if event["event"] in {"run", "run_end"}:
            state = {"state": "rewound"} if event["event"] == "run_end" else {}
            yield {**event, **state, "at": _earlier(event["at"], seconds, latest) or latest}
        elif event["event"] == "days":
            taken = [
                [*facts, complete and instant is not None, instant]
                for *facts, complete, observed in orjson.loads(event["collections"])
                for instant in [_earlier(observed, seconds, latest) if observed else None]
            ]
            nothing = {"ranges": [], "again": [], "checks": "[]", "held": "[]", "partitions": {}}
            yield {**event, **nothing, "at": latest, "collections": _text(taken)}


def _earlier(instant: str, seconds: float | None, latest: str) -> str | None:
    """An instant by the providers' clocks; none if it is not known, or if it would lie in the future."""
    if seconds is None:
        return None
    true = _instant(instant) - timedelta(seconds=seconds)
    return true.isoformat() if true <= _instant(latest) else None


def _text(value: list[Any]) -> str:
    return orjson.dumps(value).decode()


class Ledger:
    """The events of a home."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self) -> "Books":
        """Everything that has been written.

        Raises:
            StorageDamaged: A line is not what was written; the message names it.
        """
        events = list(self._events())
        if any(event["event"] == "rewound" for event in events):
            # Sorted by run: after a clock was set back, events are written into the file of an earlier year.
            events = list(_without_rewound(sorted(events, key=lambda event: str(event["run_id"]))))
        return Books(events)

    def _events(self) -> Iterator[Event]:
        for path in sorted(self.root.glob("*.jsonl")):
            lines = path.read_bytes().split(b"\n")
            for number, line in enumerate(lines[:-1], start=1):
                try:
                    yield _parsed(line)
                except ValueError as broken:
                    raise StorageDamaged(
                        f"ledger line {number} of {path} is damaged ({broken}): restore the file from a backup"
                    ) from broken

    def append(self, events: Iterable[Event], at: datetime) -> None:
        """Append events durably; a line cut off by a kill is removed first."""
        path = self.root / f"{at:%Y}.jsonl"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            is_new = not path.exists()
            with path.open("ab+") as book:
                _drop_torn_line(book.fileno())
                book.write(b"".join(_line(event) for event in events))
                book.flush()
                os.fsync(book.fileno())
            if is_new:
                flush_folder(self.root)
                flush_folder(self.root.parent)
        except OSError as refused:
            raise HomeRefused(
                f"cannot write to {path} ({refused.strerror}): free space or correct its rights"
            ) from refused


def _line(event: Event) -> bytes:
    text = orjson.dumps(event)[:-1]
    return b"%b%b%d}\n" % (text, _SUM, zlib.crc32(text))


def _parsed(line: bytes) -> Event:
    text, _, check = line.rpartition(_SUM)
    if check != b"%d}" % zlib.crc32(text):
        raise ValueError("its CRC-32 is another one")
    event: Event = orjson.loads(text + b"}")
    return event


def _drop_torn_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    end, block = size, 1 << 16
    while end:
        start = max(0, end - block)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != size:
        os.ftruncate(descriptor, end)


@dataclass(frozen=True)
class Books:
    """The ledger as it was read: facts folded from the events."""

    events: list[Event]

    def as_of(self, instant: datetime) -> "Books":
        """The books as they stood at an instant."""
        if all(_instant(event["at"]) <= instant for event in self.events):
            return self
        return Books([event for event in self.events if _instant(event["at"]) <= instant])

    def of(self, kind: str) -> Iterator[Event]:
        """Events of one kind, in the order in which they were written."""
        return (event for event in self.events if event["event"] == kind)

    @cached_property
    def next_run(self) -> int:
        """The number of the next run."""
        return 1 + sum(1 for _ in self.of("run"))

    @cached_property
    def last_recorded_at(self) -> datetime | None:
        """The latest instant at which anything was published; the begin and end of runs do not count."""
        published = (event for event in self.events if event["event"] not in {"run", "run_end"})
        return max((_instant(event["at"]) for event in published), default=None)

    @cached_property
    def partitions(self) -> dict[str, frozenset[str]]:
        """Partition name to the hashes that it may have: the confirmed one, and those announced since.

        `ABSENT` is among them until the partition is known to have been moved in.
        """
        known: dict[str, frozenset[str]] = {}
        for event in self.events:
            if event["event"] == "partitions":
                for name, announced in event["hashes"].items():
                    known[name] = known.get(name, frozenset({ABSENT})) | {announced}
            elif event["event"] in {"days", "found"}:
                decided = event["partitions"] if event["event"] == "days" else event["hashes"]
                known |= {name: frozenset({digest}) for name, digest in decided.items()}
        return known

    @cached_property
    def confirmed(self) -> frozenset[str]:
        """Partitions that are known to have been moved in."""
        return frozenset(name for name, hashes in self.partitions.items() if ABSENT not in hashes)

    @cached_property
    def first_days(self) -> dict[tuple[str, str, str], date]:
        """The first loaded day of each series."""
        loaded = self.days.filter(pl.col("state") == "loaded").group_by("dataset", "source", "series")
        firsts = loaded.agg(pl.col("date").min()).iter_rows()
        return {(dataset, source, series): day for dataset, source, series, day in firsts}

    def vain_looks(self, dataset: str, source: str) -> pl.DataFrame:
        """When each day of a feed was last requested in vain, before it was first loaded.

        Returns:
            series, date, looked_at: the instant of the answer. An answer that could not be read does not count.
        """
        mine = self.ranges.filter(
            pl.col("dataset") == dataset, pl.col("source") == source, pl.col("observed_at").is_not_null()
        )
        missed = pl.col("reason").str.contains(NOT_GIVEN, literal=True).fill_null(value=False)
        without = pl.col("state").is_in(["not_yet", "verified_empty"]) | ((pl.col("state") == "failed") & missed)
        seen = ["series", "start", "end", "observed_at"]
        looks = each_day(mine.filter(without).select(seen)).rename({"observed_at": "looked_at"})
        loaded = each_day(mine.filter(pl.col("state") == "loaded").select(seen))
        first = loaded.group_by("series", "date").agg(first_there=pl.col("observed_at").min())
        return (
            looks.join(first, on=["series", "date"], how="left")
            .filter((pl.col("looked_at") < pl.col("first_there")).fill_null(value=True))
            .group_by("series", "date")
            .agg(pl.col("looked_at").max())
        )

    @cached_property
    def first_day(self) -> date | None:
        """The first day for which anything is recorded."""
        starts = (date.fromisoformat(day_range[1]) for event in self.of("days") for day_range in event["ranges"])
        return min(starts, default=None)

    @cached_property
    def last_run(self) -> str:
        """The run that wrote last; empty if there is none."""
        return max((event["run_id"] for event in self.of("run")), default="")

    @cached_property
    def ranges(self) -> pl.DataFrame:
        """Every outcome as it was written: ranges of days, oldest first; days that were seen again have no state."""
        newest = self._newest_again
        lines = [
            (event["dataset"], event["source"], *day_range, event["at"], event["run_id"])
            for number, event in enumerate(self.events)
            if event["event"] == "days"
            for day_range in (*event["ranges"], *newest.get(number, ()))
        ]
        texts = {name: pl.Int64() if name == "rows" else pl.String() for name in _RANGES}
        return pl.DataFrame(lines, schema=texts, orient="row").with_columns(
            pl.col("start", "end").str.to_date("%Y-%m-%d"),
            pl.col("observed_at", "recorded_at").str.to_datetime(_ISO, time_unit="us", time_zone="UTC"),
        )

    @cached_property
    def _newest_again(self) -> dict[int, list[list[Any]]]:
        """The last time each day was seen again, as ranges without a state, by the event's number.

        A whole history is seen again every day, so only the newest of these lines matter.
        """
        covered_by: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        ranges: dict[int, list[list[Any]]] = {}
        for number in range(len(self.events) - 1, -1, -1):
            event = self.events[number]
            for series, start, end, observed_at in event.get("again", ()):
                covered = covered_by.setdefault((event["dataset"], event["source"], series), [])
                parts = _without((start, end), covered)
                covered += parts
                ranges.setdefault(number, []).extend([series, *part, None, None, None, observed_at] for part in parts)
        return ranges

    @cached_property
    def days(self) -> pl.DataFrame:
        """One row per recorded series-day, in the columns of `ops.ledger`.

        A settled state (loaded, verified_empty) is only replaced by another settled one: a failed refetch leaves it
        and shows as the last error.
        """
        # Integers instead of four texts per day, because every command folds this.
        ranges = self.ranges.with_columns(
            seq=pl.int_range(pl.len(), dtype=pl.Int64), series_number=pl.struct(_SERIES).rank("dense"),
            settled=pl.col("state").is_in(SETTLED).fill_null(value=False), again=pl.col("state").is_null(),
        )  # fmt: skip
        days = each_day(ranges.select("seq", "series_number", "settled", "again", "start", "end"))
        folded = days.group_by("series_number", "date").agg(
            last=pl.col("seq").max(),
            stated=pl.col("seq").filter(~pl.col("again")).max(),
            settled=pl.col("seq").filter(pl.col("settled")).max(),
            again=pl.col("seq").filter(pl.col("again")).max(),
        )
        said = ranges.select("seq", *_SERIES, "state", "rows", "reason")
        seen = ranges.select("observed_at", "recorded_at", "run_id", seen="seq")
        attempts = ranges.filter(pl.col("state").ne_missing("missing")).select(
            last="seq",
            last_attempt="recorded_at",
            last_error=pl.when(~pl.col("settled")).then(pl.col("reason")),
        )
        return (
            folded.with_columns(seq=pl.coalesce("settled", "stated"))
            .with_columns(seen=pl.max_horizontal("seq", "again"))
            .join(said, on="seq", how="left")
            .join(seen, on="seen", how="left")
            .join(attempts, on="last", how="left")
            .select(LEDGER_COLUMNS)
            .cast(polars_schema(LEDGER_COLUMNS))
            .sort(DAY_KEY)
        )

    def ledger(self, expected: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """One row per series-day: what is recorded, and what is due or not yet out.

        Args:
            expected: The calendar, in the columns of `EXPECTED`, of every day that the home covers.
            now: The instant as of which days are due.

        Returns:
            The columns of `ops.ledger`, sorted by key.
        """
        due = pl.col("due_at") <= now
        begun = expected.filter(pl.col("date") <= now.date())
        blank = begun.join(self.days.select(DAY_KEY), on=DAY_KEY, how="anti").select(
            *DAY_KEY,
            state=pl.when(due).then(pl.lit("missing")).otherwise(pl.lit("not_yet")),
            rows=pl.lit(0, pl.Int64),
        )
        known = pl.concat([self.days, blank], how="diagonal").select(LEDGER_COLUMNS).sort(DAY_KEY)
        gone = expected.filter(pl.col("perishes_at") <= now).select(*DAY_KEY, gone=pl.lit(value=True))
        if gone.is_empty():
            return known
        # An answer that could not be read is still in the archive: a corrected transform may read it.
        unread = pl.col("reason").str.starts_with(f"{PayloadChanged.__name__}:").fill_null(value=False)
        lost = pl.col("gone") & pl.col("state").is_in(["missing", "not_yet", "failed"]) & ~unread
        return (
            known.join(gone, on=DAY_KEY, how="left", maintain_order="left")
            .with_columns(state=pl.when(lost).then(pl.lit("perished")).otherwise("state"))
            .select(LEDGER_COLUMNS)
        )

    def collections(self, dataset: str, source: str) -> list[Collection]:
        """All answers collected for a feed, oldest first."""
        return self._collections.get((dataset, source), [])

    @cached_property
    def _collections(self) -> dict[tuple[str, str], list[Collection]]:
        taken: dict[tuple[str, str], list[Collection]] = {}
        for event in self.of("days"):
            feed = taken.setdefault((event["dataset"], event["source"]), [])
            feed += [
                Collection(
                    series,
                    date.fromisoformat(start),
                    date.fromisoformat(end),
                    tuple(snapshots),
                    complete,
                    _instant(observed) if observed else None,
                )
                for series, start, end, snapshots, complete, observed in orjson.loads(event["collections"])
            ]
        return taken

    @cached_property
    def used_snapshots(self) -> frozenset[str]:
        """Places of all answers whose outcome is recorded."""
        taken = (collection for feed in self._collections.values() for collection in feed)
        return frozenset(place for collection in taken for place in collection.snapshots)

    @cached_property
    def interrupted_runs(self) -> tuple[str, ...]:
        """Runs that began and never ended, since the last one that ended."""
        ends = (event for event in self.of("run_end") if event["state"] != "failed")
        last_end = max((event["run_id"] for event in ends), default="")
        return tuple(event["run_id"] for event in self.of("run") if event["run_id"] > last_end)

    @cached_property
    def until(self) -> dict[str, datetime]:
        """When the last run expected its slow sources to be done; empty once it has ended."""
        runs = {event["run_id"]: event for event in self.of("run")}
        over = {event["run_id"] for event in self.of("run_end")}
        expected = {} if self.last_run in over else runs.get(self.last_run, {}).get("until", {})
        return {source: _instant(at) for source, at in expected.items()}

    def run_table(self) -> list[dict[str, Any]]:
        """The rows of `ops.runs`; runs do not overlap, so a run without an end before another one was cut off."""
        ends = {event["run_id"]: event for event in self.of("run_end")}
        rows = []
        for run in self.of("run"):
            end = ends.get(run["run_id"], {})
            cut_off = run["run_id"] < self.last_run
            rows.append(
                {
                    "run_id": run["run_id"],
                    "kind": run["kind"],
                    "started_at": _instant(run["at"]),
                    "ended_at": _instant(end["at"]) if end else None,
                    "state": end.get("state", "cut_off" if cut_off else "running"),
                    **{name: end.get(name, 0) for name in ("requests", "bytes", "rows")},
                    "message": end.get("message", "cut off" if cut_off else run["message"]),
                }
            )
        return rows

    def check_table(self) -> list[dict[str, Any]]:
        """The rows of `ops.checks`: one for each rule that a run checked for a feed, over all of its batches."""
        table: dict[tuple[str, ...], dict[str, Any]] = {}
        for event in self.of("days"):
            origin = self._origin(event)
            for result in orjson.loads(event["checks"]):
                row = table.setdefault(
                    (*origin.values(), result["check"]), {**origin, **result, "rows": 0, "failing_rows": 0}
                )
                row["success"] = row["success"] and result["success"]
                row["rows"] += result["rows"]
                row["failing_rows"] += result["failing_rows"]
                row["checked_at"] = _instant(event["at"])
        for row in table.values():
            row["observed"] = f"{row['failing_rows']:,} of {row.pop('rows'):,} rows"
        return list(table.values())

    def quarantine_table(self) -> list[dict[str, Any]]:
        """The rows of `ops.quarantine`; if two runs have the same instant, the later run's rows count."""
        table: dict[tuple[str, ...], dict[str, Any]] = {}
        for event in self.of("days"):
            origin = self._origin(event)
            for row in orjson.loads(event["held"]):
                table[event["dataset"], event["source"], row["key"], event["at"]] = {
                    **origin,
                    **row,
                    "date": date.fromisoformat(row["date"]),
                    "recorded_at": _instant(event["at"]),
                }
        return list(table.values())

    @staticmethod
    def _origin(event: Event) -> dict[str, str]:
        return {name: event[name] for name in ("run_id", "dataset", "source")}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def in_ranges(series: str, days: Mapping[date, tuple[State, int, str | None, datetime | None]]) -> list[DayRange]:
    """Consecutive days with the same outcome, as ranges."""
    return [DayRange(series, span.start, span.end, *days[span.start]) for span in intervals(days, days.get)]


Known = Mapping[tuple[str, date], tuple[State, int, str | None]]


def seen_again(ranges: Iterable[DayRange], known: Known) -> tuple[list[DayRange], list[SeenAgain]]:
    """Separate the days whose outcome was already known: in a history these are nearly all, and take one line.

    Args:
        ranges: Outcomes, those of a series in the order of its days.
        known: Series and day to the state, rows and reason in the ledger.

    Returns:
        What is new, and what was seen again.
    """
    new: list[DayRange] = []
    again: list[SeenAgain] = []
    for day_range in ranges:
        outcome = (day_range.state, day_range.rows, day_range.reason)
        start = day_range.start
        while start < day_range.end:
            same = known.get((day_range.series, start)) == outcome
            end = start + ONE_DAY
            while end < day_range.end and (known.get((day_range.series, end)) == outcome) is same:
                end += ONE_DAY
            if not same:
                new.append(replace(day_range, start=start, end=end))
            elif again and (again[-1].series, again[-1].end, again[-1].observed_at) == (
                day_range.series,
                start,
                day_range.observed_at,
            ):
                again[-1] = replace(again[-1], end=end)
            else:
                again.append(SeenAgain(day_range.series, start, end, day_range.observed_at))
            start = end
    return new, again


def _without(span: tuple[str, str], covered: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parts of a half-open span of days, as ISO texts, that none of the other spans covers."""
    parts = [span]
    for start, end in covered:
        if start >= span[1] or end <= span[0]:
            continue
        parts = [
            part
            for first, last in parts
            for part in ((first, min(last, start)), (max(first, end), last))
            if part[0] < part[1]
        ]
    return parts
