"""What is known about every series-day, every run, every check and every row held back.

Append-only events, one JSON line each, in `ledger/YYYY.jsonl`. Everything that people query in `ops` is folded from
them. Every line ends with its own CRC-32. A cut-off last line is what a kill leaves; it never happened.
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
from expectations.interval import ONE_DAY
from warehouse.store.files import flush_folder

# How the reason begins of a day that an answer should have had, after the error's class.
NOT_GIVEN = "expected a value for each of the days asked for"
# How the reason begins of a loaded day that its rows do not cover, until a second answer says the same.
SEEN_ONCE = "one answer so far, which covers"
# In the place of a partition's hash: there may be no file.
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
# What a calendar of series-days says of each.
EXPECTED = pl.Schema(
    {
        **dict.fromkeys(_SERIES, pl.String()),
        "date": pl.Date(),
        "expected": pl.Boolean(),
        "due_at": pl.Datetime("us", "UTC"),
        "perishes_at": pl.Datetime("us", "UTC"),
    }
)
# What `ranges` holds: whose days, the fields of a DayRange, when and by whom it was written.
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
# Instants as orjson writes them; the fraction is left out where it is none.
_ISO = "%Y-%m-%dT%H:%M:%S%.f%z"


@dataclass(frozen=True)
class DayRange:
    """One outcome for consecutive days of a series.

    Attributes:
        series: The series.
        start: First day.
        end: The day after the last.
        state: What is known now.
        rows: Rows a day.
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
    """Consecutive days of a series of which another answer said what was known: only when it was seen is new.

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
    """The answers that were taken for one ask, so that they can be replayed.

    Attributes:
        series: The series.
        start: First day asked for.
        end: The day after the last.
        snapshots: Places of the answers in the archive.
        complete: Whether the plan came to its end.
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
    """How one rule fared on one batch of so many rows."""

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
    """The outcome of one batch, in one line: all of it is known, or none."""
    return {
        "event": "days",
        "run_id": run_id,
        "at": at,
        "dataset": dataset,
        "source": source,
        "ranges": [list(vars(found).values()) for found in ranges],
        "again": [list(vars(seen).values()) for seen in again],
        # Most commands never look at these: they stay text until they are asked for.
        "collections": _text([list(vars(taken).values()) for taken in collections]),
        "checks": _text([asdict(result) for result in checks]),
        "held": _text([asdict(row) for row in held]),
        "partitions": dict(partitions or {}),
    }


def partitions_event(run_id: str, at: datetime, hashes: Mapping[str, str]) -> Event:
    """Partitions that are about to be moved in, with the hashes that they will have."""
    return {"event": "partitions", "run_id": run_id, "at": at, "hashes": dict(hashes)}


def found_event(run_id: str, at: datetime, hashes: Mapping[str, str]) -> Event:
    """Partitions that a killed run left undecided, with the hash of what is in place (`ABSENT`: nothing is)."""
    return {"event": "found", "run_id": run_id, "at": at, "hashes": dict(hashes)}


def rewound_event(run_id: str, at: datetime, runs: Mapping[str, float | None]) -> Event:
    """Runs that wrote by a clock that ran ahead, and are taken back.

    Args:
        run_id: The run that takes them back.
        at: When.
        runs: Run to the seconds by which its clock was ahead of the providers'; none where no answer tells.
    """
    return {"event": "rewound", "run_id": run_id, "at": at, "runs": dict(runs)}


def _without_rewound(events: Sequence[Event]) -> Iterator[Event]:
    """The events, of runs that were taken back only that they were, and their answers with the true instants."""
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
    """An instant by the providers' clocks; none where they do not tell it, or tell one that has not come."""
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
            # By run: a clock that was set back writes into the file of an earlier year.
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
        """Write events for good; a line that a kill cut off is removed first."""
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
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != size:
        os.ftruncate(descriptor, end)


def _each_day(ranges: pl.DataFrame) -> pl.DataFrame:
    """One row for each day of some ranges: series, date, observed_at."""
    days = pl.date_ranges("start", "end", interval="1d", closed="left")
    return ranges.select("series", "observed_at", date=days).explode("date", empty_as_null=False)


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
        """The latest instant at which anything was published; that a run began or ended publishes nothing."""
        published = (event for event in self.events if event["event"] not in {"run", "run_end"})
        return max((_instant(event["at"]) for event in published), default=None)

    @cached_property
    def partitions(self) -> dict[str, frozenset[str]]:
        """Partition name to the hashes that it may have: the confirmed one, and what was announced since.

        `ABSENT` is among them until the partition is known to have been moved in.
        """
        known: dict[str, frozenset[str]] = {}
        for event in self.events:
            if event["event"] == "partitions":
                for name, announced in event["hashes"].items():
                    known[name] = known.get(name, frozenset({ABSENT})) | {announced}
            elif event["event"] in {"days", "found"}:
                decided = event["partitions"] if event["event"] == "days" else event["hashes"]
                known |= {name: frozenset({one}) for name, one in decided.items()}
        return known

    @cached_property
    def confirmed(self) -> frozenset[str]:
        """Partitions that are known to have been moved in."""
        return frozenset(name for name, hashes in self.partitions.items() if ABSENT not in hashes)

    @cached_property
    def first_days(self) -> dict[tuple[str, str, str], date]:
        """The first loaded day of each series."""
        loaded = self.days.filter(pl.col("state") == "loaded").group_by("dataset", "source", "series")
        return {(one, two, three): day for one, two, three, day in loaded.agg(pl.col("date").min()).iter_rows()}

    def vain_looks(self, dataset: str, source: str) -> pl.DataFrame:
        """When each day of a feed was last asked for and not given, before it was first there.

        Returns:
            series, date, looked_at: the instant of the answer. An answer that nobody could read is no look.
        """
        mine = self.ranges.filter(
            pl.col("dataset") == dataset, pl.col("source") == source, pl.col("observed_at").is_not_null()
        )
        missed = pl.col("reason").str.contains(NOT_GIVEN, literal=True).fill_null(value=False)
        without = pl.col("state").is_in(["not_yet", "verified_empty"]) | ((pl.col("state") == "failed") & missed)
        looks = _each_day(mine.filter(without)).rename({"observed_at": "looked_at"})
        first = (
            _each_day(mine.filter(pl.col("state") == "loaded"))
            .group_by("series", "date")
            .agg(first_there=pl.col("observed_at").min())
        )
        return (
            looks.join(first, on=["series", "date"], how="left")
            .filter((pl.col("looked_at") < pl.col("first_there")).fill_null(value=True))
            .group_by("series", "date")
            .agg(pl.col("looked_at").max())
        )

    @cached_property
    def first_day(self) -> date | None:
        """The first day that anything is recorded of."""
        return min((date.fromisoformat(one[1]) for event in self.of("days") for one in event["ranges"]), default=None)

    @cached_property
    def last_run(self) -> str:
        """The run that wrote last; empty before any."""
        return max((event["run_id"] for event in self.of("run")), default="")

    @cached_property
    def ranges(self) -> pl.DataFrame:
        """Every outcome as it was written: ranges of days, oldest first; days that were seen again have no state."""
        newest = self._newest_again
        lines = [
            (event["dataset"], event["source"], *found, event["at"], event["run_id"])
            for number, event in enumerate(self.events)
            if event["event"] == "days"
            for found in (*event["ranges"], *newest.get(number, ()))
        ]
        texts = {name: pl.Int64() if name == "rows" else pl.String() for name in _RANGES}
        return pl.DataFrame(lines, schema=texts, orient="row").with_columns(
            pl.col("start", "end").str.to_date("%Y-%m-%d"),
            pl.col("observed_at", "recorded_at").str.to_datetime(_ISO, time_unit="us", time_zone="UTC"),
        )

    @cached_property
    def _newest_again(self) -> dict[int, list[list[Any]]]:
        """Of the days that were seen again, the last time of each, as ranges without a state, by the event's number.

        A whole history is seen again every day, so that all but the newest of these lines say nothing.
        """
        told: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        found: dict[int, list[list[Any]]] = {}
        for number in range(len(self.events) - 1, -1, -1):
            event = self.events[number]
            for series, start, end, observed_at in event.get("again", ()):
                covered = told.setdefault((event["dataset"], event["source"], series), [])
                parts = _without((start, end), covered)
                covered += parts
                found.setdefault(number, []).extend([series, *part, None, None, None, observed_at] for part in parts)
        return found

    @cached_property
    def days(self) -> pl.DataFrame:
        """One row per series-day that anything is recorded of, in the columns of `ops.ledger`.

        A settled state (loaded, verified_empty) is only replaced by another settled one: a failed refetch leaves it
        and shows as the last error.
        """
        # Whole numbers instead of four texts a day: this is folded by every command.
        ranges = self.ranges.with_columns(
            seq=pl.int_range(pl.len(), dtype=pl.Int64), one=pl.struct(_SERIES).rank("dense"),
            settled=pl.col("state").is_in(SETTLED).fill_null(value=False), again=pl.col("state").is_null(),
        )  # fmt: skip
        each = ranges.select(
            "seq", "one", "settled", "again", date=pl.date_ranges("start", "end", interval="1d", closed="left")
        ).explode("date", empty_as_null=False)
        folded = each.group_by("one", "date").agg(
            last=pl.col("seq").max(),
            told=pl.col("seq").filter(~pl.col("again")).max(),
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
            folded.with_columns(seq=pl.coalesce("settled", "told"))
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
            expected: The calendar, in the columns of `EXPECTED`, of every day that the home is about.
            now: The instant to judge by.

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
        # An answer that could not be read is in the archive: a corrected transform may still read it.
        unread = pl.col("reason").str.starts_with(f"{PayloadChanged.__name__}:").fill_null(value=False)
        lost = pl.col("gone") & pl.col("state").is_in(["missing", "not_yet", "failed"]) & ~unread
        return (
            known.join(gone, on=DAY_KEY, how="left", maintain_order="left")
            .with_columns(state=pl.when(lost).then(pl.lit("perished")).otherwise("state"))
            .select(LEDGER_COLUMNS)
        )

    def collections(self, dataset: str, source: str) -> list[Collection]:
        """All answers taken for a feed, oldest first."""
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
        return frozenset(place for feed in self._collections.values() for one in feed for place in one.snapshots)

    @cached_property
    def interrupted_runs(self) -> tuple[str, ...]:
        """Runs that began and never came to their end, since the last one that did."""
        ends = (event for event in self.of("run_end") if event["state"] != "failed")
        last_end = max((event["run_id"] for event in ends), default="")
        return tuple(event["run_id"] for event in self.of("run") if event["run_id"] > last_end)

    def run_table(self) -> list[dict[str, Any]]:
        """The rows of `ops.runs`; one writer at a time, so a run without an end before another one was cut off."""
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
        """The rows of `ops.checks`: one for each rule that a run judged of a feed, over all of its batches."""
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
        """The rows of `ops.quarantine`; of two runs at one instant, the later one's."""
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
    ranges: list[DayRange] = []
    start = following = date.min
    found = None
    for day in sorted(days):
        if found is not None and (day != following or days[day] != found):
            ranges.append(DayRange(series, start, following, *found))
            found = None
        if found is None:
            start, found = day, days[day]
        following = day + ONE_DAY
    if found is not None:
        ranges.append(DayRange(series, start, following, *found))
    return ranges


Known = Mapping[tuple[str, date], tuple[State, int, str | None]]


def seen_again(ranges: Iterable[DayRange], known: Known) -> tuple[list[DayRange], list[SeenAgain]]:
    """Set apart the days whose outcome is what was known: of a history they are nearly all, and take one line.

    Args:
        ranges: Outcomes, those of a series in the order of its days.
        known: Series and day to the state, rows and reason that the ledger has.

    Returns:
        What is new, and what was seen again.
    """
    new: list[DayRange] = []
    again: list[SeenAgain] = []
    for found in ranges:
        told = (found.state, found.rows, found.reason)
        start = found.start
        while start < found.end:
            same = known.get((found.series, start)) == told
            end = start + ONE_DAY
            while end < found.end and (known.get((found.series, end)) == told) is same:
                end += ONE_DAY
            if not same:
                new.append(replace(found, start=start, end=end))
            elif again and (again[-1].series, again[-1].end, again[-1].observed_at) == (
                found.series,
                start,
                found.observed_at,
            ):
                again[-1] = replace(again[-1], end=end)
            else:
                again.append(SeenAgain(found.series, start, end, found.observed_at))
            start = end
    return new, again


def _without(span: tuple[str, str], covered: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parts of a half-open span of days, as ISO texts, that none of some others covers."""
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
