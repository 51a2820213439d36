"""Coinalyze: what its plans ask, the rows from the simulator and the replay, and that nothing counts twice."""

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
from flows.sources import coinalyze
from flows.steps.collect import drive
from flows.steps.settle import Evidence, judge_days
from tests.asking import ANY_KEY, Wire, answer, ask_of, days_back, feed_of, walk
from tests.conftest import REPLAY
from tests.gathering import broken_rules, rows_of
from tests.replay import Replay
from tests.tool import Tool

pytestmark = [pytest.mark.slow, pytest.mark.marts("liquidations_by_asset", "liquidations_daily", "open_interest_daily")]

NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
LIQUIDATIONS = feed_of(coinalyze.SOURCE, "liquidations")
INTEREST = feed_of(coinalyze.SOURCE, "open_interest")
KEY = {"TIDEMARK_KEY_COINALYZE": ANY_KEY}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def asked(wire: Wire, dataset: str, series: str, count: int) -> pl.DataFrame:
    ask = ask_of("coinalyze", dataset, series, days_back(count, LAST), LAST, now=NIGHT)
    return rows_of("coinalyze", dataset, drive(feed_of(coinalyze.SOURCE, dataset), ask, wire.fetch))


def test_a_venue_is_asked_for_with_all_of_its_perpetuals_at_once() -> None:
    ask = ask_of("coinalyze", "liquidations", "BTC-bybit", date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(coinalyze.plan_liquidations(ask), [[]])
    assert request.address == (
        "https://api.coinalyze.net/v1/liquidation-history?symbols=BTCUSDT.6%2CBTCUSD.6&interval=daily"
        "&from=1733011200&to=1733788799&convert_to_usd=true"
    )
    assert request.labels == {"asset": "BTC", "venue": "bybit", "symbols": "BTCUSDT.6,BTCUSD.6"}


def test_each_contract_of_open_interest_is_asked_for_alone() -> None:
    symbols = {one.name: (one.symbol, one.labels["contract"]) for one in INTEREST.series}
    assert symbols == {
        "BTC-binance": ("BTCUSDT_PERP.A", "BTCUSDT"),
        "BTC-inverse-binance": ("BTCUSD_PERP.A", "BTCUSD_PERP"),
        "ETH-binance": ("ETHUSDT_PERP.A", "ETHUSDT"),
        "ETH-inverse-binance": ("ETHUSD_PERP.A", "ETHUSD_PERP"),
    }


def test_a_minute_never_takes_more_than_forty_markets() -> None:
    """Also right after a burst, if every request is as large as the largest of its endpoint."""
    largest = {
        endpoint: max(len(one.symbol.split(",")) for one in feed.series)
        for feed, endpoint in ((LIQUIDATIONS, coinalyze.LIQUIDATED), (INTEREST, coinalyze.INTEREST))
    }
    taken = 0.0
    for endpoint, markets in largest.items():
        limit = coinalyze.SOURCE.limits[endpoint.removeprefix("https://")]
        taken += markets * (limit.burst + limit.per_second * 60)
    assert max(largest.values()) <= 20
    assert taken <= 40


@pytest.mark.parametrize("dataset", ["liquidations", "open_interest"])
@pytest.mark.parametrize("count", [1, 30, 400])
def test_every_day_of_every_series_comes_exactly_once(wire: Wire, dataset: str, count: int) -> None:
    feed = feed_of(coinalyze.SOURCE, dataset)
    for series in feed.series:
        wire.sent.clear()
        ask = ask_of("coinalyze", dataset, series.name, days_back(count, LAST), LAST, now=NIGHT)
        rows = asked(wire, dataset, series.name, count)
        assert rows["date"].to_list() == list(ask.days), series.name
        assert broken_rules(dataset, rows) == set(), series.name
        assert Counter(one.host for one in wire.sent) == feed.requests(ask)


@pytest.mark.parametrize("markets", [0, 1, 2])
def test_days_that_a_market_does_not_tell_are_no_rows_and_fail(wire: Wire, markets: int) -> None:
    """The answer leaves out a market without buckets, which does not prove any of its days empty."""
    ask = ask_of("coinalyze", "liquidations", "BTC-okx", days_back(40, LAST), LAST, now=NIGHT)
    whole = wire.fetch(next(coinalyze.plan_liquidations(ask)))
    short = answer(whole.request, whole.json()[:markets])
    rows = rows_of("coinalyze", "liquidations", drive(LIQUIDATIONS, ask, lambda _: short))
    assert rows.height == (40 if markets == 2 else 0)
    wanted = pl.DataFrame(
        [(day, True, coinalyze.SETTLED.public_at(day), "loaded") for day in ask.days],
        schema={"date": pl.Date, "expected": pl.Boolean, "due_at": pl.Datetime("us", "UTC"), "state": pl.String},
        orient="row",
    )
    days = dict(rows.group_by("date").len().iter_rows())
    evidence = Evidence(ask.series, days, set(), None, NIGHT, NIGHT)
    found = judge_days(evidence, wanted, loaded_before=None)
    assert {one.state for one in found.values()} == {"loaded" if markets == 2 else "failed"}


def test_a_renamed_field_fails_and_a_hole_stays_one(wire: Wire) -> None:
    wire.simulator.misbehave([Misbehaviour("liquidation", "shape", key="l", rename="longs")])
    with pytest.raises(PayloadChanged):
        asked(wire, "liquidations", "BTC-binance", 3)
    wire.simulator.misbehave([Misbehaviour("liquidation", "drop", drop_every=3)])
    assert asked(wire, "liquidations", "BTC-binance", 6).height == 4
    wire.simulator.misbehave([Misbehaviour("interest", "empty")])
    assert asked(wire, "open_interest", "BTC-binance", 3).is_empty()


@pytest.mark.parametrize(
    ("message", "kind"), [("Server error", SourceUnavailable), ("Invalid/Missing API key", SourceRefused)]
)
def test_a_message_in_place_of_histories_is_an_error(message: str, kind: type[Exception]) -> None:
    request = next(coinalyze.plan_liquidations(ask_of("coinalyze", "liquidations", "BTC-binance")))
    assert type(coinalyze.refusal(answer(request, {"message": message}))) is kind
    assert coinalyze.refusal(answer(request, [])) is None


def test_the_total_counts_each_venue_once_and_names_who_told_it(tmp_path: Path, simulator: Simulator) -> None:
    simulator.misbehave([])
    tool = Tool(tmp_path / "home", simulator.url, sources="gate,coinalyze", start="2024-12-01", now=NIGHT)
    series = [
        word
        for venue in ("", *(f"-{name}" for name, *_ in coinalyze.VENUES.values()))
        for word in ("--series", f"BTC{venue}")
    ]
    said = tool("backfill", "2024-12-09", "2024-12-10", "--dataset", "liquidations", *series, **KEY)
    assert said.code == 0, said.err
    total = "select venues, sources, total_usd from liquidations_by_asset where asset = 'BTC' and date = '2024-12-09'"
    ((venues, sources, amount),) = tool.ask(total)
    assert venues == ["binance", "bybit", "gate", "okx"]
    assert sources == ["coinalyze", "gate"]
    each = "select sum(total_usd) from liquidations_daily where asset = 'BTC' and date = '2024-12-09'"
    assert amount == pytest.approx(tool.one(each))


def test_open_interest_of_a_venue_comes_from_itself_where_it_is_there(tmp_path: Path, simulator: Simulator) -> None:
    simulator.misbehave([])
    tool = Tool(tmp_path / "home", simulator.url, sources="binance,coinalyze", start="2024-12-01", now=NIGHT)
    narrow = ("--dataset", "open_interest", "--series", "BTC", "--series", "BTC-binance")
    assert tool("backfill", "2024-12-09", "2024-12-09", *narrow, **KEY).code == 0
    alone = ("--source", "coinalyze", *narrow)
    assert tool("backfill", "2024-12-10", "2024-12-10", *alone, **KEY).code == 0
    told = "select date, source from open_interest_daily where asset = 'BTC' and venue = 'binance' order by date"
    assert tool.ask(told) == [(date(2024, 12, 9), "binance"), (date(2024, 12, 10), "coinalyze")]
    both = """select source, open_interest_usd from core.open_interest
        where asset = 'BTC' and contract = 'BTCUSDT' and date = '2024-12-09' order by source"""
    (_, own), (_, seen) = tool.ask(both)
    assert seen == pytest.approx(own, rel=0.001)


def test_without_its_key_it_is_skipped_and_said_to_be(tmp_path: Path, simulator: Simulator) -> None:
    tool = Tool(tmp_path / "home", simulator.url, sources="gate,coinalyze", start="2024-12-01", now=NIGHT)
    assert tool("backfill", "2024-12-30", "2024-12-31", "--dataset", "liquidations").code == 0
    assert "coinalyze" in (said := tool("status").out)
    assert "TIDEMARK_KEY_COINALYZE" in said


@pytest.mark.skipif(not REPLAY.exists(), reason="the shared replay is not there")
def test_recorded_open_interest() -> None:
    with Replay(REPLAY, datetime(2024, 12, 10, 0, 30, tzinfo=UTC)) as replay:

        def fetch(request: Request) -> Answer:
            url = f"{replay.url}/{request.address.removeprefix('https://')}"
            sent = requests.get(url, headers={"api_key": ANY_KEY}, timeout=10)
            return answer(request, sent.content, status=sent.status_code)

        for series in ("BTC-inverse-binance", "ETH-inverse-binance"):
            ask = ask_of("coinalyze", "open_interest", series, date(2024, 1, 1), date(2024, 12, 9))
            rows = rows_of("coinalyze", "open_interest", drive(INTEREST, ask, fetch))
            assert rows["date"].to_list() == list(ask.days)
            assert broken_rules("open_interest", rows) == set()
            if series.startswith("BTC"):
                assert rows["open_interest_usd"][0] == 893_734_200.0
                # Contracts of COIN-M are of 100 dollars: the figures are whole multiples of it.
                assert (rows["open_interest_usd"] % 100).max() == 0
        unrecorded = ask_of("coinalyze", "open_interest", "BTC-binance", date(2024, 12, 1), date(2024, 12, 9))
        assert rows_of("coinalyze", "open_interest", drive(INTEREST, unrecorded, fetch)).is_empty()
