"""Versions of rows, compared with a model in plain Python.

A row's history is a list of versions; what was known at an instant is the last one recorded by then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.datasets.stablecoin_supply import STABLECOIN_SUPPLY as SUPPLY
from warehouse.build.database import create_core, verified_partitions
from warehouse.store.home import Home
from warehouse.store.lake import Lake, Stamp, as_known, merge, month_of
from warehouse.store.ledger import Books, days_event

pytestmark = pytest.mark.slow

DAYS = tuple(date(2024, 1, 30) + timedelta(days=offset) for offset in range(4))
CHAINS = ("ALL", "ethereum")
SERIES = tuple(f"C{number:02}" for number in range(12))
BEGIN = datetime(2024, 3, 1, tzinfo=UTC)
AMOUNTS = (None, 1.0, 2.5)
INSTANT = pl.Datetime("us", "UTC")

Key = tuple[str, date, str]
Known = dict[Key, float]


@dataclass(frozen=True)
class Version:
    """A version of a row, as the model keeps it."""

    recorded_at: datetime
    run: int
    amount: float
    cause: str

    @property
    def withdrawn(self) -> bool:
        return self.amount < 0


@dataclass(frozen=True)
class Publication:
    """What one answer says.

    Attributes:
        run: The number of its run.
        recorded_at: When it is written.
        replayed: Whether it is read again from the archive.
        amounts: Of each series-day, the supply by chain.
        scope: The series-days that the answer settles.
    """

    run: int
    recorded_at: datetime
    replayed: bool
    amounts: Mapping[tuple[str, date], tuple[float | None, ...]]
    scope: frozenset[tuple[str, date]]

    @property
    def stamp(self) -> Stamp:
        changed = "method_changed" if self.replayed else "source_changed"
        return Stamp(self.recorded_at, f"{self.run:06d}", changed)

    def rows(self) -> pl.DataFrame:
        made = [
            {
                "date": day,
                "asset": series,
                "chain": chain,
                "supply": amount,
                "supply_usd": amount,
                "source": "somewhere",
                "series": series,
                "available_at": datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=25),
                "observed_at": self.recorded_at,
                "snapshot": f"{self.run}@0+1",
            }
            for (series, day), amounts in self.amounts.items()
            for chain, amount in zip(CHAINS, amounts, strict=True)
            if amount is not None
        ]
        return pl.DataFrame(made, schema=SUPPLY.lake_schema(), orient="row")

    def scoped(self, settled: set[tuple[str, date]]) -> pl.DataFrame:
        rows = [(*one, self.recorded_at, f"{self.run}@0+1", one in settled) for one in sorted(self.scope)]
        schema = pl.Schema(
            {
                "series": pl.String(),
                "date": pl.Date(),
                "observed_at": INSTANT,
                "snapshot": pl.String(),
                "settled": pl.Boolean(),
            }
        )
        return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass
class Model:
    """The contract's rules of versions, written a second time."""

    versions: dict[Key, list[Version]] = field(default_factory=dict)
    settled: set[tuple[str, date]] = field(default_factory=set)

    def publish(self, answer: Publication) -> list[tuple[Key, Version]]:
        rebuilt = not self.versions
        made: list[tuple[Key, Version]] = []
        for series, day in sorted(answer.scope):
            amounts = answer.amounts.get((series, day), (None,) * len(CHAINS))
            for chain, amount in zip(CHAINS, amounts, strict=True):
                history = self.versions.get((series, day, chain), [])
                cause = self._cause(answer, history, amount, settled=(series, day) in self.settled, rebuilt=rebuilt)
                if cause is not None:
                    found = Version(answer.recorded_at, answer.run, -1.0 if amount is None else amount, cause)
                    made.append(((series, day, chain), found))
        for key, version in made:
            self.versions.setdefault(key, []).append(version)
        self.settled |= answer.scope
        return made

    @staticmethod
    def _cause(
        answer: Publication, history: Sequence[Version], amount: float | None, *, settled: bool, rebuilt: bool
    ) -> str | None:
        if amount is None:
            if not history or history[-1].withdrawn:
                return None
            return "method_changed" if answer.replayed else "withdrawn"
        if history:
            if history[-1].amount == amount:
                return None
            return "method_changed" if answer.replayed else "source_changed"
        if not settled or (answer.replayed and rebuilt):
            return "first"
        return "method_changed" if answer.replayed else "late_data"

    def known(self, instant: datetime) -> Known:
        found: Known = {}
        for key, history in self.versions.items():
            by_then = [version for version in history if version.recorded_at <= instant]
            if by_then and not by_then[-1].withdrawn:
                found[key] = by_then[-1].amount
        return found


def known_of(frame: pl.DataFrame) -> Known:
    return {(series, day, chain): supply for series, day, chain, supply in frame.iter_rows()}


def polars_known(held: pl.DataFrame, instant: datetime) -> Known:
    return known_of(as_known(held, SUPPLY, instant).select("asset", "date", "chain", "supply"))


def publications(steps: Sequence[tuple[int, bool, Sequence[int]]], series: Sequence[str]) -> Iterator[Publication]:
    """Publications from whole numbers: hours since the last (0 is a tie), whether it is a replay, and a number a day.

    The lower two base-three digits of a day's number are the amounts of the chains; from 18 on it is held back.
    """
    now = BEGIN
    for run, (hours, replayed, digits) in enumerate(steps, start=1):
        now += timedelta(hours=hours)
        keys = [(one, day) for one in series for day in DAYS]
        cells = {key: (AMOUNTS[digit % 3], AMOUNTS[digit // 3 % 3]) for key, digit in zip(keys, digits, strict=True)}
        scope = frozenset(key for key, digit in zip(keys, digits, strict=True) if digit < 18)
        yield Publication(run, now, replayed, cells, scope)


def histories(series: int, steps: int) -> st.SearchStrategy[list[tuple[int, bool, list[int]]]]:
    cells = series * len(DAYS)
    digits = st.lists(st.integers(0, 26), min_size=cells, max_size=cells)
    step = st.tuples(st.sampled_from([0, 1, 24]), st.sampled_from([False, False, True]), digits)
    return st.lists(step, min_size=1, max_size=steps)


def blank() -> pl.DataFrame:
    return pl.DataFrame(schema=SUPPLY.lake_schema())


# 90 examples of 12 series: 1,080 histories of up to six publications each.
@settings(max_examples=90)
@given(histories(len(SERIES), 6))
def test_no_answer_as_of_an_instant_ever_changes(steps: list[tuple[int, bool, list[int]]]) -> None:
    model, held = Model(), blank()
    answers: dict[datetime, Known] = {}
    for answer in publications(steps, SERIES):
        rows, scope = answer.rows(), answer.scoped(model.settled)
        fresh = merge(SUPPLY, held, rows, scope, answer.stamp)
        expected = model.publish(answer)
        found = [
            ((series, day, chain), cause, withdrawn)
            for series, day, chain, cause, withdrawn in fresh.select(
                "asset", "date", "chain", "cause", "withdrawn"
            ).iter_rows()
        ]
        assert sorted(found) == sorted((key, version.cause, version.withdrawn) for key, version in expected)
        held = pl.concat([held, fresh])
        again = merge(SUPPLY, held, rows, answer.scoped(model.settled), answer.stamp)
        assert again.is_empty()
        assert polars_known(held, BEGIN - timedelta(seconds=1)) == {}
        answers[answer.recorded_at] = model.known(answer.recorded_at)
        for instant, before in answers.items():
            assert polars_known(held, instant) == before


@settings(max_examples=30)
@given(histories(4, 3), st.integers(1, len(DAYS) - 1))
def test_two_halves_of_an_interval_give_the_rows_of_the_whole(
    steps: list[tuple[int, bool, list[int]]], middle: int
) -> None:
    whole, halves, settled = blank(), blank(), set[tuple[str, date]]()
    first = pl.col("date") < DAYS[middle]
    for answer in publications(steps, SERIES[:4]):
        rows, scope = answer.rows(), answer.scoped(settled)
        whole = pl.concat([whole, merge(SUPPLY, whole, rows, scope, answer.stamp)])
        for half in (first, ~first):
            fresh = merge(SUPPLY, halves, rows.filter(half), scope.filter(half), answer.stamp)
            halves = pl.concat([halves, fresh])
        settled |= answer.scope
    moments = ["observed_at", "recorded_at"]
    order = [*SUPPLY.key, "run_id"]
    assert_frame_equal(whole.drop(moments).sort(order), halves.drop(moments).sort(order))


def one_day(run: int, amount: float | None, *, replayed: bool = False, hours: int = 0) -> Publication:
    at = BEGIN + timedelta(hours=hours)
    key = ("C00", DAYS[0])
    return Publication(run, at, replayed, {key: (amount, None)}, frozenset({key}))


def merged(answers: Sequence[Publication]) -> pl.DataFrame:
    held, settled = blank(), set[tuple[str, date]]()
    for answer in answers:
        held = pl.concat([held, merge(SUPPLY, held, answer.rows(), answer.scoped(settled), answer.stamp)])
        settled |= answer.scope
    return held


def test_the_causes_of_one_row_tell_its_story() -> None:
    story = [
        one_day(1, None),
        one_day(2, 1.0, hours=1),
        one_day(3, 1.0, hours=2),
        one_day(4, 2.5, hours=3),
        one_day(5, None, hours=4),
        one_day(6, None, hours=5),
        one_day(7, 2.5, hours=6),
        one_day(8, 1.0, replayed=True, hours=7),
        one_day(9, None, replayed=True, hours=8),
    ]
    held = merged(story)
    told = held.select("run_id", "cause", "withdrawn").rows()
    assert told == [
        ("000002", "late_data", False),
        ("000004", "source_changed", False),
        ("000005", "withdrawn", True),
        ("000007", "source_changed", False),
        ("000008", "method_changed", False),
        ("000009", "method_changed", True),
    ]


def test_at_one_instant_the_later_run_is_what_is_known() -> None:
    held = merged([one_day(1, 1.0), one_day(2, 2.5)])
    assert polars_known(held, BEGIN) == {("C00", DAYS[0], "ALL"): 2.5}
    assert polars_known(held.reverse(), BEGIN) == {("C00", DAYS[0], "ALL"): 2.5}


def test_a_lost_partition_made_again_holds_first_versions() -> None:
    answer = one_day(1, 1.0, replayed=True)
    fresh = merge(SUPPLY, blank(), answer.rows(), answer.scoped({("C00", DAYS[0])}), answer.stamp)
    assert fresh["cause"].to_list() == ["first"]


def test_a_row_outside_the_scope_is_left_as_it_is() -> None:
    held = merged([one_day(1, 1.0)])
    amounts = {("C00", DAYS[0]): (2.5, 2.5)}
    other = Publication(2, BEGIN, replayed=False, amounts=amounts, scope=frozenset({("C00", DAYS[1])}))
    assert merge(SUPPLY, held, other.rows(), other.scoped(set()), other.stamp).is_empty()


def test_a_withdrawn_version_keeps_the_values_and_names_the_answer_that_lacks_them() -> None:
    row = merged([one_day(1, 1.0), one_day(2, None, hours=3)]).row(1, named=True)
    assert (row["supply"], row["withdrawn"], row["snapshot"]) == (1.0, True, "2@0+1")
    assert row["observed_at"] == BEGIN + timedelta(hours=3)


# The same through DuckDB ---------------------------------------------------------------------------------------------


def published(home: Home, held: pl.DataFrame) -> Books:
    """Write rows as the partitions of a home; returns books that list them."""
    lake = Lake(home.lake, home.staging)
    hashes = {}
    months = held.with_columns(_month=month_of(SUPPLY, pl.col("date"))).partition_by("_month", as_dict=True)
    for (month,), rows in months.items():
        place = lake.place(SUPPLY, "somewhere", str(month))
        staged, hashes[lake.name(place)] = lake.stage(rows.drop("_month"), SUPPLY)
        lake.move_in(staged, place)
    event = days_event(run_id="000001", at=BEGIN, dataset=SUPPLY.name, source="somewhere", ranges=[], partitions=hashes)
    return Books([event | {"at": BEGIN.isoformat()}])


def text(value: float | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}+00"
    return None if value is None else str(value)


def expected_restatements(model: Model, instant: datetime) -> list[tuple[str, str, str, str | None, str | None]]:
    """Key, column, cause, old and new value of every change by an instant."""
    found = []
    for (series, day, chain), history in model.versions.items():
        public = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=25)
        before: float | None = None
        for version in history:
            if version.recorded_at > instant:
                break
            now = None if version.withdrawn else version.amount
            if version.cause != "first":
                key = f'{{"date":"{day}","asset":"{series}","chain":"{chain}"}}'
                old, new = (None if one is None else public for one in (before, now))
                pairs = [("supply", before, now), ("supply_usd", before, now), ("available_at", old, new)]
                found += [(key, name, version.cause, text(a), text(b)) for name, a, b in pairs if a != b]
            before = now
    return found


@pytest.mark.parametrize("seed", range(4))
def test_duckdb_and_polars_agree_on_what_was_known(tmp_path: Path, seed: int) -> None:
    series = SERIES[:5]
    noise = pl.int_range(0, 6 * len(series) * len(DAYS), eager=True).shuffle(seed=seed).to_list()
    cells = len(series) * len(DAYS)
    steps = [
        (1, step % 4 == 3, [digit % 27 for digit in noise[step * cells : (step + 1) * cells]]) for step in range(6)
    ]
    model, held = Model(), blank()
    for answer in publications(steps, series):
        fresh = merge(SUPPLY, held, answer.rows(), answer.scoped(model.settled), answer.stamp)
        model.publish(answer)
        held = pl.concat([held, fresh])
    home = Home(tmp_path, "simulated", DAYS[0])
    books = published(home, held)
    for hours in range(8):
        instant = BEGIN + timedelta(hours=hours)
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            restated = create_core(
                connection, {SUPPLY.name: verified_partitions(home, books, SUPPLY.name)}, books, instant
            )
            core = connection.sql("from core.stablecoin_supply").pl()
        assert core.height == len(model.known(instant))
        assert known_of(core.select("asset", "date", "chain", "supply")) == model.known(instant)
        assert_frame_equal(
            core.drop("run_id", "cause").sort("source", *SUPPLY.key),
            as_known(held, SUPPLY, instant).drop("run_id", "cause", "withdrawn"),
            check_dtypes=False,
        )
        mine = restated.select("key", "column", "cause", "old_value", "new_value").rows()
        assert sorted(map(str, mine)) == sorted(map(str, expected_restatements(model, instant)))
