"""Binance's web page: its windows by hand, its rates against the simulator and the replay, and that it is off."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from expectations.preferences import preferences
from flows.jobs import enabled, skipped
from flows.settings import Settings
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Request
from flows.sources import binance_web
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay
from tests.tool import Tool

pytestmark = pytest.mark.marts("borrow_rates_daily")

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
RATES = feed_of(binance_web.SOURCE, "borrow_rates")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_a_window_is_thirty_days_and_both_bounds_are_inside() -> None:
    ask = ask_of("binance_web", "borrow_rates", "USDT", date(2024, 11, 9), date(2024, 12, 9))
    asked = walk(binance_web.plan_rates(ask), [{}] * 2)
    assert asked[0].address == (
        "https://www.binance.com/bapi/margin/v1/public/margin/vip/spec/history-interest-rate"
        "?asset=USDT&vipLevel=0&size=90&startTime=1731110400000&endTime=1733702399999"
    )
    assert (asked[1].params["startTime"], asked[1].params["endTime"]) == (1733702400000, 1733788799999)
    assert asked[1].labels == {"asset": "USDT"}


@pytest.mark.parametrize("coin", ["USDT", "USDC"])
@pytest.mark.parametrize("count", [1, 29, 30, 31, 60, 61, 400])
def test_every_day_comes_exactly_once_in_the_stated_requests(wire: Wire, coin: str, count: int) -> None:
    wire.sent.clear()
    ask = ask_of("binance_web", "borrow_rates", coin, days_back(count, LAST), LAST, now=NIGHT)
    rows = rows_of("binance_web", "borrow_rates", drive(RATES, ask, wire.fetch))
    assert rows["date"].sort().to_list() == list(ask.days)
    assert broken_rules("borrow_rates", rows) == set()
    assert Counter(one.host for one in wire.sent) == RATES.requests(ask)


def test_a_renamed_field_and_another_day_boundary_fail(wire: Wire) -> None:
    ask = ask_of("binance_web", "borrow_rates", "USDT")
    wire.simulator.misbehave([Misbehaviour("history", "shape", key="dailyInterestRate", rename="rate")])
    with pytest.raises(PayloadChanged):
        rows_of("binance_web", "borrow_rates", drive(RATES, ask, wire.fetch))


@pytest.mark.parametrize(("code", "kind"), [("000001", SourceUnavailable), ("000002", SourceRefused)])
def test_another_code_in_a_200_is_an_error(code: str, kind: type[Exception]) -> None:
    request = next(binance_web.plan_rates(ask_of("binance_web", "borrow_rates", "USDT")))
    assert type(binance_web.refusal(answer(request, {"code": code, "message": "", "data": None}))) is kind
    assert binance_web.refusal(answer(request, {"code": "000000", "data": []})) is None


def test_it_is_off_until_a_person_asks_for_it(tmp_path: Path, simulator: Simulator) -> None:
    simulator.misbehave([])
    assert "unofficial" in skipped(Settings(provider_keys={}))["binance_web"]
    assert "binance_web" in enabled(Settings(provider_keys={}, unofficial=True))
    tool = Tool(tmp_path / "home", simulator.url, sources="binance_web", start="2024-12-01", now=NIGHT)
    said = tool("backfill", "2024-12-01", "2024-12-31")
    assert said.code == 0, said.err
    found = "select venue, source, sampling, samples, borrow_apr_max, count(*) from borrow_rates_daily group by all"
    assert tool.ask(found) == [("binance", "binance_web", "daily_last", 1, None, 62)]


def test_it_comes_last_among_the_sources_of_borrowing_rates() -> None:
    assert "binance_web" not in preferences()["borrow_rates"]


@pytest.mark.skipif(not REPLAY.exists(), reason="the shared replay is not there")
def test_the_replay_pages_are_read_as_they_are() -> None:
    with Replay(REPLAY, datetime(2024, 9, 1, 0, 30, tzinfo=UTC)) as replay:

        def fetch(request: Request) -> Answer:
            sent = requests.get(f"{replay.url}/{request.address.removeprefix('https://')}", timeout=10)
            return answer(request, sent.content, status=sent.status_code)

        ask = ask_of("binance_web", "borrow_rates", "USDT", date(2024, 7, 1), date(2024, 8, 31))
        rows = rows_of("binance_web", "borrow_rates", drive(RATES, ask, fetch)).sort("date")
    assert (rows["date"].min(), rows["date"].max(), rows.height) == (date(2024, 7, 25), date(2024, 8, 26), 33)
    # Recorded as 8.631763 percent a year; the page has it per day, to eight digits.
    assert rows["borrow_apr"][0] == pytest.approx(0.08631763, abs=365 * 5e-9)
    assert broken_rules("borrow_rates", rows) == set()
    assert rows.filter(pl.col("borrow_apr_max").is_not_null()).is_empty()
