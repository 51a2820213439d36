"""Bybit: what its plans ask, and the rows from the simulator."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import bybit
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import at, broken_rules, days_of, rows_of

NEW_YEARS_NIGHT = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
KLINES = feed_of(bybit.SOURCE, "spot_prices")
PAYMENTS = feed_of(bybit.SOURCE, "funding_rates")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NEW_YEARS_NIGHT) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    simulator.misbehave([])
    return Wire(simulator)


def test_klines_are_asked_for_with_both_bounds_and_walked_backward() -> None:
    ask = ask_of("bybit", "spot_prices", "BTC", date(2024, 9, 1), date(2024, 12, 9))
    first = [[str(at(2024, 12, day))] for day in range(9, 0, -1)]
    rest = [[str(at(2024, 12, 1) - day * 86_400_000)] for day in range(1, 92)]
    pages = [{"result": {"list": first}}, {"result": {"list": rest}}]
    asked = walk(bybit.plan_klines(ask), pages)
    assert asked[0].url == "https://api.bybit.com/v5/market/kline"
    assert asked[0].params == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "interval": "D",
        "start": at(2024, 9, 1),
        "end": at(2024, 12, 10) - 1,
        "limit": 1000,
    }
    assert asked[1].params["end"] == at(2024, 12, 1) - 1
    assert asked[0].labels == {"asset": "BTC", "symbol": "BTCUSDT"}


def test_payments_are_walked_by_their_end_alone() -> None:
    ask = ask_of("bybit", "funding_rates", "ETH", date(2024, 12, 9), date(2024, 12, 9))
    hours = [at(2024, 12, 9, hour) for hour in (16, 8, 0)]
    pages = [
        {"result": {"list": [{"fundingRateTimestamp": str(hour)} for hour in hours]}},
        {"result": {"list": [{"fundingRateTimestamp": str(hour)} for hour in (hours[2], at(2024, 12, 8, 16))]}},
    ]
    asked = walk(bybit.plan_payments(ask), pages)
    assert asked[0].address == (
        "https://api.bybit.com/v5/market/funding/history?category=linear&symbol=ETHUSDT&endTime=1733788799999&limit=200"
    )
    assert asked[1].params["endTime"] == hours[1] - 1  # so that the oldest payment comes again, with the one before it


@pytest.mark.parametrize("count", [1, 999, 1000, 1001])
def test_klines_come_exactly_once_in_the_stated_requests(wire: Wire, count: int) -> None:
    ask = ask_of("bybit", "spot_prices", "BTC", days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("bybit", "spot_prices", drive(KLINES, ask, wire.fetch))
    assert sorted(rows["date"]) == list(ask.days)
    assert Counter(request.host for request in wire.sent) == KLINES.requests(ask)
    assert broken_rules("spot_prices", rows) == set()
    assert rows["quote"].unique().to_list() == ["USDT"]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (66, 1), (67, 2), (132, 2), (133, 3), (366, 6)])
def test_payments_come_exactly_once_in_the_stated_requests(wire: Wire, count: int, pages: int) -> None:
    ask = ask_of("bybit", "funding_rates", "BTC", days_back(count, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows = rows_of("bybit", "funding_rates", drive(PAYMENTS, ask, wire.fetch)).sort("settled_at")
    hours = [ask.days.starts_at + timedelta(hours=8 * number) for number in range(3 * count)]
    assert rows["settled_at"].to_list() == hours
    assert rows["interval_hours"].unique().to_list() == [8]
    assert len(wire.sent) == pages
    assert PAYMENTS.requests(ask) == {bybit.HOST: pages}
    assert broken_rules("funding_rates", rows) == set()


def test_the_running_day_is_left_out_though_it_is_served(wire: Wire) -> None:
    ask = ask_of("bybit", "spot_prices", "BTC", LAST, date(2025, 1, 1), now=NEW_YEARS_NIGHT)
    gathered = drive(KLINES, ask, wire.fetch)
    assert gathered.answers[0].json()["result"]["list"][0][0] == str(at(2025, 1, 1))
    assert rows_of("bybit", "spot_prices", gathered)["date"].to_list() == [LAST]


@pytest.mark.parametrize("every", [2, 3, 7])
def test_a_payment_that_is_left_out_never_fills_its_day(wire: Wire, every: int) -> None:
    wire.simulator.misbehave([Misbehaviour("funding/history", "drop", "always", drop_every=every)])
    ask = ask_of("bybit", "funding_rates", "BTC", days_back(60, LAST), LAST, now=NEW_YEARS_NIGHT)
    rows, refused, _ = days_of("bybit", "funding_rates", drive(PAYMENTS, ask, wire.fetch))
    whole = rows.group_by("date").agg(pl.len(), pl.col("interval_hours").sum())
    assert whole.filter(pl.col("len") < 3).height + len(refused) > 0
    assert whole.height + len(refused) == 60
    assert whole.filter(pl.col("len") < 3, pl.col("interval_hours") >= 24).is_empty()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (10000, SourceUnavailable),
        (10006, SourceUnavailable),
        (10016, SourceUnavailable),
        (10001, SourceRefused),
        (10009, SourceRefused),
    ],
)
def test_a_code_other_than_zero_is_an_error(code: int, kind: type[Exception]) -> None:
    request = next(bybit.plan_klines(ask_of("bybit", "spot_prices", "BTC")))
    assert type(bybit.refusal(answer(request, {"retCode": code, "retMsg": "", "result": {}}))) is kind
    assert bybit.refusal(answer(request, {"retCode": 0, "retMsg": "OK", "result": {"list": []}})) is None


@pytest.mark.parametrize("key", ["result", "list", "fundingRateTimestamp"])
def test_a_renamed_field_stops_the_plan(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("bybit", "shape", "always", key=key, rename="something_else")])
    gathered = drive(PAYMENTS, ask_of("bybit", "funding_rates", "BTC", now=NEW_YEARS_NIGHT), wire.fetch)
    assert isinstance(gathered.error, PayloadChanged)


@pytest.mark.parametrize(
    ("url", "params"),
    [
        (bybit.KLINES, {"category": "inverse", "symbol": "BTCUSDT", "interval": "D"}),
        (bybit.KLINES, {"category": "spot", "symbol": "NO", "interval": "D"}),
        (bybit.KLINES, {"category": "spot", "symbol": "BTCUSDT", "interval": "60"}),
        (bybit.KLINES, {"category": "spot", "symbol": "BTCUSDT", "interval": "D", "start": "soon"}),
        (bybit.KLINES, {"category": "spot", "symbol": "BTCUSDT", "interval": "D", "limit": 0}),
        (bybit.FUNDING, {"category": "spot", "symbol": "BTCUSDT"}),
        (bybit.FUNDING, {"category": "linear", "symbol": "NO"}),
        (bybit.FUNDING, {"category": "linear", "symbol": "BTCUSDT", "startTime": 1}),
        (bybit.FUNDING, {"category": "linear", "symbol": "BTCUSDT", "limit": 201}),
    ],
)
def test_the_simulator_refuses_in_bybit_words(wire: Wire, url: str, params: dict[str, str | int]) -> None:
    one = wire.fetch(Request(url, params=params))
    assert (one.status, one.json()["retCode"]) == (200, 10001)


def test_the_simulator_includes_both_bounds_and_the_candle_that_holds_the_start(wire: Wire) -> None:
    ask: dict[str, str | int] = {"category": "spot", "symbol": "BTCUSDT", "interval": "D"}
    bounds = {"start": at(2024, 12, 1, 7), "end": at(2024, 12, 3)}
    found = wire.fetch(Request(bybit.KLINES, params=ask | bounds)).json()["result"]["list"]
    assert [row[0] for row in found] == [str(at(2024, 12, day)) for day in (3, 2, 1)]
    assert len(wire.fetch(Request(bybit.KLINES, params=ask)).json()["result"]["list"]) == 200
    forward = wire.fetch(Request(bybit.KLINES, params=ask | {"start": at(2022, 1, 1), "limit": 2})).json()
    assert [row[0] for row in forward["result"]["list"]] == [str(at(2022, 1, 2)), str(at(2022, 1, 1))]
