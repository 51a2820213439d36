"""The ledger, compared with a model that has one entry for each series-day, and after a kill at every step."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.datasets.exchange_rates import EXCHANGE_RATES as RATES
from expectations.errors import HomeRefused, StorageDamaged
from warehouse.store.lake import Lake
from warehouse.store.ledger import (
    ABSENT,
    EXPECTED,
    Books,
    CheckResult,
    Collection,
    DayRange,
    HeldRow,
    Ledger,
    SeenAgain,
    State,
    _line,
    _parsed,
    days_event,
    found_event,
    in_ranges,
    partitions_event,
    seen_again,
)

pytestmark = pytest.mark.slow

BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
FIRST = date(2024, 2, 20)
DAYS = 16
STATES: tuple[State, ...] = (
    "missing",
    "failed",
    "failed_check",
    "not_yet",
    "verified_empty",
    "loaded",
    "perished",
)
SETTLED = {"loaded", "verified_empty"}
FEEDS = (("spot_prices", "here", "BTC"), ("spot_prices", "there", "BTC"), ("krw_prices", "here", "BTC"))
INSTANT = pl.Datetime("us", "UTC")

Key = tuple[str, str, str, date]


@dataclass(frozen=True)
class Outcome:
    """What one run recorded for some days of a series."""

    hours: int
    feed: int
    start: int
    length: int
    state: State
    rows: int

    @property
    def reason(self) -> str | None:
        return None if self.state == "loaded" else f"because {self.state}"


@dataclass
class Entry:
    """The model's entry for one series-day."""

    state: str
    rows: int
    observed_at: datetime
    recorded_at: datetime
    run_id: str
    reason: str | None
    last_attempt: datetime | None
    last_error: str | None

    def row(self) -> tuple[object, ...]:
        return tuple(vars(self).values())


OUTCOMES = st.lists(
    st.builds(
        Outcome,
        st.sampled_from([0, 1, 30]),
        st.integers(0, len(FEEDS) - 1),
        st.integers(0, DAYS - 1),
        st.integers(0, 6),
        st.sampled_from(STATES),
        st.integers(1, 3),
    ),
    max_size=14,
)


def written(outcomes: Sequence[Outcome]) -> tuple[list[dict[str, object]], list[datetime]]:
    events, times, now = [], [], BEGIN
    for run, one in enumerate(outcomes, start=1):
        # Some instants have a fraction of a second, others have none.
        now += timedelta(hours=one.hours, microseconds=run % 2)
        dataset, source, series = FEEDS[one.feed]
        start = FIRST + timedelta(days=one.start)
        end = start + timedelta(days=one.length)
        found = DayRange(series, start, end, one.state, one.rows, one.reason, now - timedelta(minutes=1))
        event = days_event(run_id=f"{run:06d}", at=now, dataset=dataset, source=source, ranges=[found])
        events.append(event)
        times.append(now)
    return events, times


def model(outcomes: Sequence[Outcome], times: Sequence[datetime], instant: datetime) -> dict[Key, Entry]:
    known: dict[Key, Entry] = {}
    for run, (one, at) in enumerate(zip(outcomes, times, strict=True), start=1):
        if at > instant:
            continue
        for offset in range(one.length):
            key = (*FEEDS[one.feed], FIRST + timedelta(days=one.start + offset))
            before = known.get(key)
            attempt = at if one.state != "missing" else None
            error = one.reason if one.state not in SETTLED | {"missing"} else None
            if before is not None and before.state in SETTLED and one.state not in SETTLED:
                before.last_attempt, before.last_error = attempt, error
                continue
            observed = at - timedelta(minutes=1)
            known[key] = Entry(one.state, one.rows, observed, at, f"{run:06d}", one.reason, attempt, error)
    return known


def folded(books: Books) -> dict[Key, tuple[object, ...]]:
    return {(row[0], row[1], row[2], row[3]): row[4:] for row in books.days.iter_rows()}


@settings(max_examples=150)
@given(OUTCOMES)
def test_the_fold_is_the_model(outcomes: list[Outcome]) -> None:
    events, times = written(outcomes)
    books = Books(round_trip(events))
    assert books.days.height == books.days.select("dataset", "source", "series", "date").n_unique()
    for instant in [BEGIN - timedelta(days=1), *times]:
        expected = {key: entry.row() for key, entry in model(outcomes, times, instant).items()}
        assert folded(books.as_of(instant)) == expected


def told_briefly(outcomes: Sequence[Outcome]) -> list[dict[str, object]]:
    """The same events, with the days whose state is not new listed as seen again."""
    events, times = written(outcomes)
    brief = []
    for number, (event, outcome, at) in enumerate(zip(events, outcomes, times, strict=True)):
        feed = FEEDS[outcome.feed]
        before = model(outcomes[:number], times[:number], at)
        known: dict[tuple[str, date], tuple[State, int, str | None]] = {
            (key[2], key[3]): (outcome.state, entry.rows, entry.reason)
            for key, entry in before.items()
            if key[:3] == feed and entry.state == outcome.state and entry.state in SETTLED
        }
        start = FIRST + timedelta(days=outcome.start)
        end = start + timedelta(days=outcome.length)
        found = DayRange(feed[2], start, end, outcome.state, outcome.rows, outcome.reason, at - timedelta(minutes=1))
        ranges, again = seen_again([found], known)
        brief.append(
            days_event(run_id=str(event["run_id"]), at=at, dataset=feed[0], source=feed[1], ranges=ranges, again=again)
        )
    return brief


@settings(max_examples=150)
@given(OUTCOMES)
def test_days_that_are_seen_again_fold_like_the_ranges_that_they_stand_for(outcomes: list[Outcome]) -> None:
    events, times = written(outcomes)
    whole, brief = Books(round_trip(events)), Books(round_trip(told_briefly(outcomes)))
    for instant in times:
        assert folded(brief.as_of(instant)) == folded(whole.as_of(instant))


def test_a_history_that_is_seen_again_takes_one_line_however_its_days_look() -> None:
    # Weekdays with a value, weekends without: the first answer takes one range for each stretch of either.
    days = [FIRST + timedelta(days=offset) for offset in range(400)]
    outcomes: dict[date, tuple[State, int, str | None, datetime | None]] = {
        day: ("loaded", 1, None, BEGIN) if day.weekday() < 5 else ("verified_empty", 0, "a weekend", BEGIN)
        for day in days
    }
    ranges = in_ranges("DFF", outcomes)
    assert len(ranges) > 100
    known = {("DFF", day): outcome[:3] for day, outcome in outcomes.items()}
    later = BEGIN + timedelta(days=1)
    seen = in_ranges("DFF", {day: (*outcome[:3], later) for day, outcome in outcomes.items()})
    assert seen_again(seen, known) == ([], [SeenAgain("DFF", days[0], days[-1] + timedelta(days=1), later)])

    changed = {**outcomes, days[7]: ("loaded", 2, None, later)}
    again = in_ranges("DFF", {day: (*outcome[:3], later) for day, outcome in changed.items()})
    new, same = seen_again(again, known)
    assert [(found.start, found.end, found.rows) for found in new] == [(days[7], days[8], 2)]
    assert [(found.start, found.end) for found in same] == [
        (days[0], days[7]),
        (days[8], days[-1] + timedelta(days=1)),
    ]


def test_a_year_of_nights_is_folded_from_the_newest_of_them() -> None:
    start, length = FIRST, 400
    first = DayRange("DFF", start, start + timedelta(days=length), "loaded", 1, None, BEGIN)
    events = [days_event(run_id="000001", at=BEGIN, dataset="d", source="s", ranges=[first])]
    for night in range(1, 366):
        at = BEGIN + timedelta(days=night)
        seen = SeenAgain("DFF", start, start + timedelta(days=length), at)
        events.append(days_event(run_id=f"{night + 1:06d}", at=at, dataset="d", source="s", ranges=[], again=[seen]))
    books = Books(round_trip(events))
    assert books.ranges.height == 2
    assert books.days.height == length
    assert set(books.days["observed_at"]) == {BEGIN + timedelta(days=365)}
    assert set(books.days["state"]) == {"loaded"}
    assert set(books.as_of(BEGIN + timedelta(days=7)).days["observed_at"]) == {BEGIN + timedelta(days=7)}


def round_trip(events: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """The events after they were written as lines and read again, without a disk."""
    return [_parsed(_line(event).removesuffix(b"\n")) for event in events]


@settings(max_examples=60)
@given(OUTCOMES, st.integers(0, 20 * 24))
def test_the_ledger_has_one_state_for_every_day_that_is_there(outcomes: list[Outcome], hours: int) -> None:
    events, _ = written(outcomes)
    now = BEGIN - timedelta(days=10) + timedelta(hours=hours)
    books = Books(round_trip(events))
    # The first feed exists from its second day on; the last one is known only by what is recorded of it.
    validity = [(FEEDS[0], FIRST + timedelta(days=1)), (FEEDS[1], FIRST)]
    days = [
        (*feed, day, True, datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1), None)
        for feed, since in validity
        for day in (FIRST + timedelta(days=offset) for offset in range(40))
        if day >= since
    ]
    expected = pl.DataFrame(days, schema=EXPECTED, orient="row")
    ledger = books.ledger(expected, now)
    keys = ledger.select("dataset", "source", "series", "date")
    assert ledger.height == keys.n_unique()
    assert set(ledger["state"]) <= set(STATES)
    states = {row[:4]: row[4] for row in ledger.select("dataset", "source", "series", "date", "state").iter_rows()}
    recorded = {key: row[0] for key, row in folded(books).items()}
    for dataset, source, series, day, _, due, _ in days:
        key = (dataset, source, series, day)
        blank = "missing" if due <= now else "not_yet"
        if key in recorded or day <= now.date():
            assert states.pop(key) == recorded.pop(key, blank)
    assert states == recorded


def test_a_failed_refetch_leaves_loaded_and_tells_of_itself() -> None:
    events, times = written([Outcome(1, 0, 0, 1, "loaded", 2), Outcome(1, 0, 0, 1, "failed", 0)])
    row = Books(round_trip(events)).days.row(0, named=True)
    assert (row["state"], row["rows"], row["run_id"], row["recorded_at"]) == ("loaded", 2, "000001", times[0])
    assert (row["last_attempt"], row["last_error"]) == (times[1], "because failed")


def test_an_empty_ledger_folds() -> None:
    books = Books([])
    assert books.days.is_empty()
    assert books.ledger(pl.DataFrame(schema=EXPECTED), BEGIN).is_empty()
    assert (books.next_run, books.last_run, books.last_recorded_at) == (1, "", None)
    assert books.as_of(BEGIN).days.is_empty()


def test_everything_in_a_batch_comes_back() -> None:
    taken = Collection(
        "BTC", FIRST, FIRST + timedelta(days=2), ("2024-03/000001@0+9",), complete=True, observed_at=BEGIN
    )
    check = CheckResult("low is above 0", "blocking", success=False, rows=3, expected="0", failing_rows=1)
    held = HeldRow("{}", FIRST, "low is above 0", "{}", "2024-03/000001@0+9")
    event = days_event(
        run_id="000001", at=BEGIN, dataset="d", source="s", ranges=[], collections=[taken], checks=[check], held=[held]
    )
    again = {**event, "at": BEGIN + timedelta(hours=1), "collections": "[]", "held": "[]"}
    books = Books(round_trip([event, again]))
    assert books.collections("d", "s") == [taken]
    assert books.collections("d", "t") == []
    assert books.used_snapshots == {"2024-03/000001@0+9"}
    origin = {"run_id": "000001", "dataset": "d", "source": "s"}
    judged = {name: value for name, value in vars(check).items() if name != "rows"}
    both = {"failing_rows": 2, "observed": "2 of 6 rows", "checked_at": BEGIN + timedelta(hours=1)}
    assert books.check_table() == [{**origin, **judged, **both}]
    assert books.quarantine_table() == [{**origin, **vars(held), "recorded_at": BEGIN}]


def test_neighbouring_days_with_one_outcome_are_one_range() -> None:
    rows = {0: 1, 1: 1, 2: 1, 4: 1, 5: 2}
    loaded: State = "loaded"
    days = {FIRST + timedelta(days=offset): (loaded, count, None, BEGIN) for offset, count in rows.items()}
    spans = [(one.start, one.end, one.rows) for one in in_ranges("BTC", days)]
    at = [FIRST + timedelta(days=offset) for offset in range(7)]
    assert spans == [(at[0], at[3], 1), (at[4], at[5], 1), (at[5], at[6], 2)]


# The file ------------------------------------------------------------------------------------------------------------


def filled(root: Path) -> Ledger:
    ledger = Ledger(root)
    events, times = written([Outcome(1, 0, 0, 3, "loaded", 1), Outcome(1, 0, 1, 1, "failed", 0)])
    for event, at in zip(events, times, strict=True):
        ledger.append([event], at)
    return ledger


def test_a_torn_last_line_never_happened_and_the_next_one_takes_its_place(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    path = tmp_path / "2024.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        path.write_bytes(whole[:end])
        assert len(ledger.read().events) == 1
    ledger.append(*again(2))
    assert path.read_bytes() == whole


def again(number: int) -> tuple[list[dict[str, object]], datetime]:
    events, times = written([Outcome(1, 0, 0, 3, "loaded", 1), Outcome(1, 0, 1, 1, "failed", 0)])
    return [events[number - 1]], times[number - 1]


def test_any_damaged_byte_of_a_middle_line_is_noticed_and_the_line_is_named(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    path = tmp_path / "2024.jsonl"
    whole = path.read_bytes()
    for place in range(whole.index(b"\n") + 1):
        for flipped in (0x01, 0x20):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flipped]) + whole[place + 1 :])
            with pytest.raises(StorageDamaged, match=r"ledger line 1 of .*2024\.jsonl"):
                ledger.read()


def test_a_ledger_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file where the folder should be")
    with pytest.raises(HomeRefused, match="free space or correct its rights"):
        filled(tmp_path / "ledger")


def test_years_follow_each_other(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    later = datetime(2025, 1, 1, tzinfo=UTC)
    ledger.append([{"event": "run", "run_id": "000001", "kind": "run", "at": later, "message": ""}], later)
    books = ledger.read()
    assert [event["event"] for event in books.events] == ["days", "days", "run"]
    assert books.last_recorded_at is not None
    assert books.last_recorded_at < later  # a run that only began has published nothing
    assert (books.next_run, books.last_run, books.interrupted_runs) == (2, "000001", ("000001",))


# Partitions: announced, moved, confirmed -----------------------------------------------------------------------------


def rates(*values: float) -> pl.DataFrame:
    rows = [
        {
            "date": FIRST + timedelta(days=number),
            "currency": "KRW",
            "rate_per_usd": value,
            "source": "here",
            "series": "KRW",
            "available_at": BEGIN,
            "observed_at": BEGIN,
            "recorded_at": BEGIN,
            "run_id": "000001",
            "snapshot": "x",
            "cause": "first",
            "withdrawn": False,
        }
        for number, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=RATES.lake_schema(), orient="row")


@dataclass
class Publisher:
    """The steps of a publication; a kill may come after each."""

    root: Path
    rows: pl.DataFrame
    staged: Path = Path()
    digest: str = ""

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake", self.root / "staging")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root / "ledger")

    @property
    def place(self) -> Path:
        return self.lake.place(RATES, "here", "year=2024")

    @property
    def name(self) -> str:
        return self.lake.name(self.place)

    def stage(self) -> None:
        self.staged, self.digest = self.lake.stage(self.rows, RATES)

    def announce(self) -> None:
        self.ledger.append([partitions_event("000001", BEGIN, {self.name: self.digest})], BEGIN)

    def move(self) -> None:
        self.lake.move_in(self.staged, self.place)

    def confirm(self) -> None:
        event = days_event(
            run_id="000001", at=BEGIN, dataset=RATES.name, source="here", ranges=[], partitions={self.name: self.digest}
        )
        self.ledger.append([event], BEGIN)

    @property
    def steps(self) -> tuple[Callable[[], None], ...]:
        return (self.stage, self.announce, self.move, self.confirm)

    def read(self) -> pl.DataFrame:
        return self.lake.read(self.place, RATES, self.ledger.read().partitions)


@pytest.mark.parametrize("survived", range(5))
@pytest.mark.parametrize("there_before", [False, True])
def test_a_kill_leaves_the_old_partition_or_the_new_one(tmp_path: Path, survived: int, there_before: bool) -> None:
    old, new = rates(1.0), rates(1.0, 2.0)
    if there_before:
        for step in Publisher(tmp_path, old).steps:
            step()
    killed = Publisher(tmp_path, new)
    for step in killed.steps[:survived]:
        step()
    before = old if there_before else old.clear()
    here = new if survived > 2 else before
    assert killed.read().equals(here)
    assert (killed.name in killed.ledger.read().confirmed) is (there_before or survived == 4)

    undecided = killed.lake.undecided(killed.ledger.read().partitions)
    assert set(undecided) == ({killed.name} if survived in {2, 3} else set())
    if undecided:
        killed.ledger.append([found_event("000002", BEGIN, undecided)], BEGIN)
        books = killed.ledger.read()
        assert killed.lake.undecided(books.partitions) == {}
        assert (killed.name in books.confirmed) is (there_before or survived == 3)
        assert killed.read().equals(here)

    healed = Publisher(tmp_path, rates(1.0, 2.0, 3.0))
    for step in healed.steps:
        step()
    assert healed.read().height == 3
    assert healed.ledger.read().partitions[healed.name] == {healed.digest}


def test_a_confirmed_partition_must_be_there_and_whole(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, rates(1.0))
    for step in publisher.steps:
        step()
    assert ABSENT not in publisher.ledger.read().partitions[publisher.name]
    content = publisher.place.read_bytes()
    publisher.place.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    with pytest.raises(StorageDamaged, match=r"exchange_rates/source=here/year=2024/part\.parquet is damaged"):
        publisher.read()
    publisher.place.unlink()
    with pytest.raises(StorageDamaged, match=r"it is missing.*2024-01-01 2024-12-31 --dataset exchange_rates"):
        publisher.read()
    again = publisher.lake.read(publisher.place, RATES, publisher.ledger.read().partitions, may_be_missing=True)
    assert again.is_empty()
    shutil.rmtree(publisher.root / "ledger")
    publisher.place.write_bytes(content)
    with pytest.raises(StorageDamaged, match="not one that the ledger knows"):
        publisher.read()


def test_a_run_that_another_one_followed_without_its_end_was_cut_off() -> None:
    event = {"event": "run", "kind": "run", "at": "2024-03-01T00:00:00Z", "message": "?"}
    runs = Books([event | {"run_id": "1"}, event | {"run_id": "2"}]).run_table()
    assert [(run["state"], run["message"]) for run in runs] == [("cut_off", "cut off"), ("running", "?")]
