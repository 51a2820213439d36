"""Bitfinex's liquidations: pages by hand and from the simulator, days without any, and pages that are refused."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.http import Budgets
from flows.simulator import Misbehaviour, Simulator
from flows.sources import bitfinex
from flows.steps.collect import drive
from flows.steps.normalize import first_told, normalize
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules
from tests.paying import LAST, NIGHT
from tests.tool import SHARED, Tool
from transforms.conform import said_empty
from transforms.liquidation_events.bitfinex import normalize as rows_of_page

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_daily")]

EVENTS = feed_of(bitfinex.SOURCE, "liquidation_events")
PATH = "api-pub.bitfinex.com/v2/liquidations/hist"
OLD = "dataset = 'liquidation_events' and date < '2025-01-01'"
DOCUMENTED = SHARED / "recordings" / "doc-examples" / "bitfinex" / "liquidations_hist.json"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def position(stamp: int, number: int = 1, *, step: int = 1) -> list[list[object]]:
    return [["pos", number, stamp, None, "tBTCUSD", 1, 100_000, None, step, 1, None, 97_000]]


def told(wire: Wire, count: int) -> pl.DataFrame:
    gathered = drive(
        EVENTS, ask_of("bitfinex", "liquidation_events", "ALL", days_back(count, LAST), LAST, now=NIGHT), wire.fetch
    )
    assert gathered.error is None
    rows = normalize(EVENTS.dataset, "bitfinex", gathered)
    return rows.filter(~said_empty(EVENTS.dataset), pl.col("date") >= days_back(count, LAST), pl.col("date") <= LAST)


def test_pages_overlap_until_a_row_from_before_the_first_day() -> None:
    ask = ask_of("bitfinex", "liquidation_events", "ALL", date(2024, 12, 8), date(2024, 12, 9))
    pages = [
        [position(at(2024, 12, 10, 5)), position(at(2024, 12, 9, 5))],
        [position(at(2024, 12, 9, 5)), position(at(2024, 12, 8))],
        [position(at(2024, 12, 8)), position(at(2024, 12, 7, 23))],
        [position(at(2024, 12, 7, 23)), position(at(2024, 12, 7, 22))],
    ]
    asked = walk(EVENTS.plan(ask), pages)
    assert [request.params["end"] for request in asked] == [
        at(2024, 12, 11) - 1,
        at(2024, 12, 10, 5) - 1,
        at(2024, 12, 9, 5) - 1,
        at(2024, 12, 8) - 1,
    ]
    assert asked[0].address == f"https://{PATH}?end=1733875199999&limit=500&sort=-1"


def test_a_strange_old_stamp_does_not_make_days_quiet() -> None:
    """Two days with forty positions each lie between it and the row before it."""
    ask = ask_of("bitfinex", "liquidation_events", "ALL", date(2024, 12, 6), date(2024, 12, 9))
    days = [[position(at(2024, 12, day, 23 - hour // 2)) for hour in range(40)] for day in (10, 9, 8, 7)]
    first = [*days[0], *days[1], position(at(2024, 12, 5, 3))]
    with pytest.raises(PayloadChanged, match=f"expected the row of {at(2024, 12, 5, 3)} to be the first before"):
        walk(EVENTS.plan(ask), [first, [*days[2], *days[3], position(at(2024, 12, 5, 3))]])


def test_a_walk_that_does_not_reach_the_first_day_has_lost_something() -> None:
    """Otherwise a part of a day would count as the whole day."""
    ask = ask_of("bitfinex", "liquidation_events", "ALL", date(2024, 12, 8), date(2024, 12, 9))
    cases: list[list[object]] = [[[], []], [[position(at(2024, 12, 9))], [position(at(2024, 12, 9))]]]
    for pages in cases:
        with pytest.raises(SourceUnavailable, match="expected a row before"):
            walk(EVENTS.plan(ask), pages)


@pytest.mark.parametrize("count", [1, 31, 90])
def test_every_position_comes_once_on_its_day(wire: Wire, count: int) -> None:
    rows = told(wire, count)
    assert rows["event"].is_unique().all()
    assert set(rows["date"]) == set(ask_of("bitfinex", "liquidation_events", "ALL", days_back(count, LAST), LAST).days)
    assert broken_rules("liquidation_events", rows) == set()


def test_pages_of_any_size_hold_the_same_positions(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(wire, 20).drop("observed_at", "snapshot")
    for size in (7, 40):
        monkeypatch.setattr(bitfinex, "LIQUIDATIONS_PAGE", size)
        wire.sent.clear()
        assert told(wire, 20).drop("observed_at", "snapshot").sort("event").equals(whole.sort("event")), size
        assert len(wire.sent) > 2


def test_a_position_that_is_told_on_two_pages_counts_when_it_was_first_executed() -> None:
    pages = [rows_of_page([position(at(2024, 12, 9, hour), step=1)]) for hour in (5, 3)]
    rows = first_told(EVENTS.dataset, pl.concat(pages))
    assert rows["stamped_at"].to_list() == [datetime(2024, 12, 9, 3, tzinfo=UTC)]


def test_the_crash_of_december_closed_longs(wire: Wire) -> None:
    rows = told(wire, 40)
    sides = dict(
        rows.filter(pl.col("date") == date(2024, 12, 9)).group_by("side").agg(pl.col("amount_usd").sum()).iter_rows()
    )
    assert sides["long"] > 5 * sides["short"]
    btc = rows.filter(pl.col("asset") == "BTC")
    assert 90_000 < btc["price_usd"].median() < 105_000  # type: ignore[operator]


def test_an_empty_answer_is_never_a_day_without_liquidations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budgets, "take", lambda *_: None)  # half a minute between two requests
    with Simulator(now=NIGHT) as served:
        served.misbehave([Misbehaviour("liquidations/hist", "empty", "always")])
        tool = Tool(tmp_path / "home", served.url, sources="bitfinex", start="2024-12-30", now=NIGHT)
        said = tool("backfill", "2024-12-30", "2024-12-31", "--dataset", "liquidation_events")
        assert said.code == 1
        assert tool.states(OLD) == {"failed": 2}
        served.misbehave([])
        assert tool("backfill", "2024-12-30", "2024-12-31", "--dataset", "liquidation_events").code == 0
    assert tool.states(OLD) == {"loaded": 2}
    mart = "select count(*), min(long_usd + short_usd - total_usd), min(largest_usd) > 0 from liquidations_daily"
    count, gap, known = tool.ask(f"{mart} where venue = 'bitfinex'")[0]
    assert count == 8
    assert abs(gap) < 1e-6
    assert known


def test_three_requests_a_minute_are_its_own_limit() -> None:
    limit = bitfinex.SOURCE.limits["api-pub.bitfinex.com/v2/liquidations"]
    assert (limit.requests, limit.seconds, limit.burst) == (3, 60, 1)
    year = ask_of("bitfinex", "liquidation_events", "ALL", days_back(365, LAST), LAST, now=NIGHT)
    assert EVENTS.requests(year) == {bitfinex.HOST: 113}


# The documented example, and the simulator's page --------------------------------------------------------------------


@pytest.mark.skipif(not DOCUMENTED.exists(), reason="the recorded answers are not here")
def test_the_documented_example_is_read_and_has_the_simulators_shape(wire: Wire) -> None:
    example = json.loads(DOCUMENTED.read_bytes())
    assert rows_of_page(example).is_empty()  # a trigger, with nothing executed yet
    example[0][0][8] = 1
    (row,) = rows_of_page(example).to_dicts()
    assert (row["asset"], row["side"], row["event"]) == ("AMP", "long", "158793100")
    assert row["amount_usd"] == pytest.approx(1.0098e-8)
    assert row["stamped_at"] == datetime(2023, 3, 10, 16, 22, 31, 520_000, tzinfo=UTC)
    mine = page(wire, limit=1).json()
    numbers = {"int": "number", "float": "number"}
    kinds = [[numbers.get(type(each).__name__, type(each).__name__) for each in rows[0][0]] for rows in (example, mine)]
    assert kinds[0] == kinds[1]


def page(wire: Wire, **query: object) -> requests.Response:
    return requests.get(f"{wire.simulator.url}/{PATH}", params={k: str(v) for k, v in query.items()}, timeout=10)


def test_the_simulator_sends_the_newest_first_with_both_bounds(wire: Wire) -> None:
    whole = [row[0] for row in page(wire, limit=500).json()]
    stamps = [row[2] for row in whole]
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0] <= int(NIGHT.timestamp() * 1000)
    first, last = stamps[5], stamps[2]
    within = [row[0][2] for row in page(wire, start=first, end=last, limit=500).json()]
    assert within == [stamp for stamp in stamps if first <= stamp <= last]
    assert len(page(wire, limit=7).json()) == 7
    assert Counter(row[8] for row in whole)[1] > Counter(row[8] for row in whole)[0]
    assert page(wire, limit=501).json() == ["error", 10020, "limit: invalid"]


def test_rows_that_are_no_positions_are_refused() -> None:
    for odd in ({"pos": 1}, [1], [["pos"]]):
        with pytest.raises(PayloadChanged):
            rows_of_page(odd)
    assert timedelta(days=1) == EVENTS.series[0].release.grace
