"""Coinglass: what its plans ask, the rows from the simulator and the replay, and what is never added up."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
import requests

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Answer, Request
from flows.sources import coinglass
from flows.steps.collect import drive
from tests.asking import ANY_KEY, Wire, answer, ask_of, days_back, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay
from tests.tool import Tool

pytestmark = [
    pytest.mark.slow,
    pytest.mark.marts("liquidations_by_asset", "open_interest_daily", "open_interest_total"),
]

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
DATASETS = pytest.mark.parametrize("dataset", ["liquidations", "open_interest", "unconfirmed_rates"])
KEYS = {"TIDEMARK_KEY_COINGLASS": ANY_KEY, "TIDEMARK_KEY_COINALYZE": ANY_KEY}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asked(wire: Wire, dataset: str, series: str, count: int) -> pl.DataFrame:
    ask = ask_of("coinglass", dataset, series, days_back(count, LAST), LAST, now=NIGHT)
    return rows_of("coinglass", dataset, drive(feed_of(coinglass.SOURCE, dataset), ask, wire.fetch))


@pytest.mark.parametrize(
    ("dataset", "series", "address"),
    [
        (
            "liquidations",
            "ETH-okx",
            "https://open-api-v4.coinglass.com/api/futures/liquidation/aggregated-history?exchange_list=OKX&symbol=ETH",
        ),
        (
            "open_interest",
            "BTC-ALL",
            "https://open-api-v4.coinglass.com/api/futures/open-interest/aggregated-history?unit=usd&symbol=BTC",
        ),
        (
            "unconfirmed_rates",
            "USDT-bybit",
            "https://open-api-v4.coinglass.com/api/borrow-interest-rate/history?exchange=Bybit&symbol=USDT",
        ),
    ],
)
def test_one_page_of_days_is_asked_for(dataset: str, series: str, address: str) -> None:
    ask = ask_of("coinglass", dataset, series, date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(feed_of(coinglass.SOURCE, dataset).plan(ask), [{}])
    window = "&interval=1d&start_time=1733011200000&end_time=1733788799999&limit=1000"
    assert request.address == address + window
    assert request.labels == ask.series.labels


@DATASETS
@pytest.mark.parametrize("count", [1, 30, 1000])
def test_every_day_of_every_series_comes_exactly_once(wire: Wire, dataset: str, count: int) -> None:
    feed = feed_of(coinglass.SOURCE, dataset)
    for series in feed.series:
        wire.sent.clear()
        ask = ask_of("coinglass", dataset, series.name, days_back(count, LAST), LAST, now=NIGHT)
        rows = asked(wire, dataset, series.name, count)
        assert rows["date"].to_list() == list(ask.days), series.name
        assert broken_rules(dataset, rows) == set(), series.name
        assert Counter(one.host for one in wire.sent) == feed.requests(ask)


@DATASETS
def test_a_renamed_stamp_fails_and_an_empty_page_has_no_rows(wire: Wire, dataset: str) -> None:
    series = feed_of(coinglass.SOURCE, dataset).series[0].name
    wire.simulator.misbehave([Misbehaviour("coinglass", "shape", key="time", rename="t")])
    with pytest.raises(PayloadChanged):
        asked(wire, dataset, series, 3)
    wire.simulator.misbehave([Misbehaviour("coinglass", "empty")])
    assert asked(wire, dataset, series, 3).is_empty()


@pytest.mark.parametrize(("code", "kind"), [("401", SourceRefused), (400, SourceRefused), ("429", SourceUnavailable)])
def test_another_code_in_a_200_is_an_error(code: object, kind: type[Exception]) -> None:
    request = next(coinglass.plan_open_interest(ask_of("coinglass", "open_interest", "BTC-ALL")))
    assert type(coinglass.refusal(answer(request, {"code": code, "msg": "Upgrade plan"}))) is kind
    assert coinglass.refusal(answer(request, {"code": "0", "msg": "success", "data": []})) is None


def test_a_plan_without_the_endpoint_fails_its_days_and_says_so(tmp_path: Path, wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("coinglass", "envelope", times="always")])
    tool = Tool(tmp_path / "home", wire.simulator.url, sources="coinglass", start="2024-12-30", now=NIGHT)
    said = tool("backfill", "2024-12-31", "2024-12-31", "--series", "BTC-ALL", **KEYS)
    assert said.code == 1
    assert "SourceRefused" in said.err + said.out
    assert "Upgrade plan" in said.err + said.out
    assert ANY_KEY not in said.err + said.out


def test_what_two_tell_of_a_venue_counts_once_and_the_total_of_all_never(tmp_path: Path, wire: Wire) -> None:
    names = "gate,coinalyze,coinglass,bybit"
    tool = Tool(tmp_path / "home", wire.simulator.url, sources=names, start="2024-12-01", now=NIGHT)
    narrow = [word for name in ("BTC", "BTC-inverse", "BTC-binance", "BTC-ALL") for word in ("--series", name)]
    for dataset in ("liquidations", "open_interest"):
        assert tool("backfill", "2024-12-09", "2024-12-09", "--dataset", dataset, *narrow, **KEYS).code == 0
    told = "select source, venue from core.liquidations where asset = 'BTC' and date = '2024-12-09' order by source"
    assert tool.ask(told) == [("coinalyze", "binance"), ("coinglass", "binance"), ("gate", "gate")]
    counted = "select venues, sources from liquidations_by_asset where asset = 'BTC' and date = '2024-12-09'"
    assert tool.ask(counted) == [(["binance", "gate"], ["coinalyze", "gate"])]
    assert tool.one("select open_interest_usd from core.open_interest where venue = 'ALL'") > 1e9
    listed = tool.ask("select distinct venue from open_interest_daily order by venue")
    assert listed == [("binance",), ("bybit",), ("gate",)]
    assert tool.ask("select distinct venues from open_interest_total") == [(["binance", "bybit", "gate"],)]


@pytest.mark.skipif(not REPLAY.exists(), reason="the shared replay is not there")
def test_recorded_liquidations_and_open_interest() -> None:
    with Replay(REPLAY, datetime(2024, 12, 10, 0, 30, tzinfo=UTC)) as replay:

        def fetch(request: Request) -> Answer:
            url = f"{replay.url}/{request.address.removeprefix('https://')}"
            sent = requests.get(url, headers={"CG-API-KEY": ANY_KEY}, timeout=10)
            return answer(request, sent.content, status=sent.status_code)

        def rows(dataset: str, series: str, first: date) -> pl.DataFrame:
            ask = ask_of("coinglass", dataset, series, first, date(2024, 12, 9))
            found = rows_of("coinglass", dataset, drive(feed_of(coinglass.SOURCE, dataset), ask, fetch))
            assert found["date"].to_list() == list(ask.days)
            assert broken_rules(dataset, found) == set()
            return found

        closed = rows("liquidations", "BTC-binance", date(2024, 1, 1))
        assert closed.select("long_usd", "short_usd").row(0) == (1619073.99103, 21414841.13206)
        crash = closed.row(by_predicate=pl.col("date") == date(2024, 12, 9), named=True)
        assert crash["long_usd"] > crash["short_usd"]
        held = rows("open_interest", "BTC-ALL", date(2024, 11, 22))
        assert 4e10 < held["open_interest_usd"].min() < held["open_interest_usd"].max() < 8e10  # type: ignore[operator]
        ask = ask_of("coinglass", "unconfirmed_rates", "USDT-binance", date(2024, 7, 25), date(2024, 8, 26))
        feed = feed_of(coinglass.SOURCE, "unconfirmed_rates")
        rates = rows_of("coinglass", "unconfirmed_rates", drive(feed, ask, fetch))
        assert rates["date"].to_list() == list(ask.days)
        assert rates["rate_mean"][0] == pytest.approx(8.631763 / 365, abs=1e-6)
        assert broken_rules("unconfirmed_rates", rates) == set()
