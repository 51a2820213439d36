"""With a clock that is ahead nothing is published; `rewind` repairs a home that was written with one, and loses no row
that was over by then."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows import rewind
from flows.simulator import Simulator
from flows.steps import run as runs
from flows.steps.settle import not_before_seen_missing
from tests.tool import NOW, Tool, same, tables
from warehouse.store.ledger import Collection, DayRange, Ledger, days_event

pytestmark = [pytest.mark.slow, pytest.mark.marts()]

HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
def market() -> Iterator[Simulator]:
    with Simulator(NOW) as simulator:
        yield simulator


def home(tmp_path: Path, market: Simulator) -> Tool:
    return Tool(tmp_path / "home", market.url, sources="upbit,coinbase", start="2024-12-07")


def backfilled(tool: Tool) -> Tool:
    said = tool("backfill", "2024-12-07", "2024-12-09", "--dataset", "krw_prices", "--dataset", "spot_prices")
    assert said.code == 0, said.err
    return tool


def test_a_clock_half_a_day_ahead_publishes_nothing_and_locks_nothing(tmp_path: Path, market: Simulator) -> None:
    tool = backfilled(home(tmp_path, market))
    before = tables(tool.home / "warehouse.duckdb")
    said = replace(tool, now=NOW + HALF_A_DAY)("run")
    assert said.code == 1
    assert "TIDEMARK_NOW within 0:10:00 of the providers', found it 12:00:00 ahead of the median of" in said.sentence
    assert "Traceback" not in said.err
    assert same(before, tables(tool.home / "warehouse.duckdb")) == []
    honest = replace(tool, now=NOW + timedelta(minutes=1))
    assert honest("run").code == 0
    assert honest.states("date = '2024-12-10'") == {"not_yet": honest.states("date = '2024-12-10'")["not_yet"]}


def test_an_instant_that_was_set_into_the_past_is_taken(tmp_path: Path, market: Simulator) -> None:
    """Then less is due, and no running day counts as over."""
    backfilled(replace(home(tmp_path, market), now=NOW - timedelta(minutes=15)))


@pytest.fixture
def from_the_future(tmp_path: Path, market: Simulator, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """A home that was filled with a clock that was ahead, while clocks were not compared with the providers'."""
    monkeypatch.setattr(runs, "CLOCK_TOLERANCE", timedelta(days=1000))
    tool = home(tmp_path, market)
    ahead = replace(tool, now=NOW + HALF_A_DAY + timedelta(days=1))
    said = ahead("run")
    assert ahead.states("date = '2024-12-10'").get("loaded", 0) > 0, (
        said.err
    )  # candles of a running day, published as a whole one
    monkeypatch.undo()
    return tool


def test_a_home_of_the_future_says_what_takes_it_back(from_the_future: Tool) -> None:
    said = from_the_future("run")
    assert said.code == 2
    assert "`tidemark rewind` takes that back" in said.err


def test_rewind_takes_back_what_is_untrue_and_keeps_what_is_true(
    from_the_future: Tool, tmp_path: Path, market: Simulator
) -> None:
    tool = replace(from_the_future, now=NOW + timedelta(minutes=2))
    requests = sum(market.counts.values())
    said = tool("rewind")
    assert said.code in {0, 1}, said.err
    assert "1 run wrote in the future, by a clock 1 day, 12:00:00 ahead" in said.err
    assert sum(market.counts.values()) == requests
    assert tool.states("state = 'loaded' and date >= '2024-12-10'") == {}
    # Every day that was over when its answer came is there.
    plain = backfilled(Tool(tmp_path / "plain", market.url, sources="upbit,coinbase", start="2024-12-07"))
    days = "select * exclude (observed_at, recorded_at, run_id, snapshot, cause) from core.spot_prices order by all"
    assert tool.ask(days) == plain.ask(days)
    assert tool.one("select max(recorded_at) from core.spot_prices") == NOW + timedelta(minutes=2)
    assert tool.one("select max(observed_at) from core.spot_prices") <= NOW + timedelta(minutes=2)
    assert tool("rewind").err.splitlines()[-1].endswith("nothing was done")
    assert replace(tool, now=NOW + timedelta(minutes=3))("run").code == 0


def test_a_rewind_that_was_killed_is_finished_by_the_next_one(
    from_the_future: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its last step: the ledger still ends in the future, and every writer refuses it."""

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    tool = replace(from_the_future, now=NOW + timedelta(minutes=2))
    with monkeypatch.context() as patched:
        patched.setattr(rewind, "rewound_event", killed)
        with pytest.raises((Killed, AssertionError)):
            tool("rewind")
    assert tool("run").code == 2
    assert tool("rewind").code in {0, 1}
    assert tool.states("state = 'loaded' and date >= '2024-12-10'") == {}
    assert tool("run").code == 0


MONDAY = date(2024, 12, 9)
RULE = datetime(2024, 12, 13, 20, 30, tzinfo=UTC)


def looks(ledger: Ledger, *outcomes: tuple[datetime, str, str | None]) -> pl.DataFrame:
    """The looks at one day that the books derive from ledger entries of when, state and reason."""
    for number, (at, state, reason) in enumerate(outcomes):
        rows = 1 if state == "loaded" else 0
        found = DayRange("BTC", MONDAY, MONDAY + timedelta(days=1), state, rows, reason, at)  # type: ignore[arg-type]
        asked = Collection("BTC", MONDAY, MONDAY + timedelta(days=1), (), complete=True, observed_at=at)
        event = days_event(
            run_id=f"{number:06d}", at=at, dataset="open_interest", source="cftc", ranges=[found], collections=[asked]
        )
        ledger.append([event], at)
    return ledger.read().vain_looks("open_interest", "cftc")


MISSED = "PayloadChanged: expected a value for each of the days asked for, found an answer without values"
WEEK = timedelta(days=7)


def test_a_report_that_comes_late_was_not_public_when_its_rule_says(tmp_path: Path) -> None:
    vain = looks(
        Ledger(tmp_path),
        (RULE + timedelta(hours=1), "not_yet", "NotYetPublished: …"),
        (RULE + WEEK, "failed", MISSED),
        (RULE + 2 * WEEK, "failed", "SourceUnavailable: expected an answer"),  # nobody answered: no look
        (RULE + 3 * WEEK, "failed", "PayloadChanged: expected values that …"),  # nobody could read it: no look
        (RULE + 6 * WEEK, "loaded", None),
        (RULE + 7 * WEEK, "failed", MISSED),  # it had been there: says nothing of when it was published
    )
    assert vain.rows() == [("BTC", MONDAY, RULE + WEEK)]
    rows = pl.DataFrame({"series": "BTC", "date": MONDAY, "available_at": RULE, "observed_at": RULE + 6 * WEEK})
    wanted = pl.DataFrame({"date": MONDAY, "due_at": RULE})
    assert not_before_seen_missing(rows, wanted, vain)["available_at"].to_list() == [RULE + WEEK]
    # What the provider stamped is no rule; and an answer that had the row is no look in vain.
    stamped = rows.with_columns(available_at=RULE - timedelta(days=1))
    assert not_before_seen_missing(stamped, wanted, vain).equals(stamped)
    replayed = rows.with_columns(observed_at=RULE + WEEK)
    assert not_before_seen_missing(replayed, wanted, vain).equals(replayed)
