"""Coin Metrics: what its plan asks, and the rows from the simulator."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.source import Request
from flows.sources import coinmetrics, defillama
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of

MORNING = datetime(2025, 1, 1, 7, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
FEED = feed_of(coinmetrics.SOURCE, "stablecoin_supply")


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(now=MORNING) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    return Wire(simulator)


def test_both_days_of_an_ask_are_asked_for_and_pages_are_followed() -> None:
    ask = ask_of("coinmetrics", "stablecoin_supply", "USDT", date(2024, 12, 1), date(2024, 12, 9))
    following = f"{coinmetrics.ASSET_METRICS}?assets=usdt&metrics=SplyCur&next_page_token=0.MjAyNC0xMg%3D%3D"
    first, second = walk(coinmetrics.plan_supply(ask), [{"data": [], "next_page_url": following}, {"data": []}])
    assert first.address == (
        "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics?assets=usdt&metrics=SplyCur&frequency=1d"
        "&start_time=2024-12-01&end_time=2024-12-09&paging_from=start&page_size=10000"
    )
    assert second.address == following
    assert first.labels == second.labels == {"asset": "USDT", "symbol": "usdt"}


@pytest.mark.parametrize(
    "following", ["https://elsewhere.invalid/v4/timeseries/asset-metrics?a=1", f"{coinmetrics.ASSET_METRICS}s?a=1", 7]
)
def test_a_page_elsewhere_is_not_followed(following: object) -> None:
    ask = ask_of("coinmetrics", "stablecoin_supply", "USDT")
    with pytest.raises(PayloadChanged, match="expected a next page at"):
        walk(coinmetrics.plan_supply(ask), [{"data": [], "next_page_url": following}])


def test_a_server_that_repeats_itself_is_not_asked_forever() -> None:
    ask = ask_of("coinmetrics", "stablecoin_supply", "USDT")
    page = {"data": [], "next_page_url": f"{coinmetrics.ASSET_METRICS}?next_page_token=1"}
    with pytest.raises(PayloadChanged, match="expected another page"):
        walk(coinmetrics.plan_supply(ask), [page] * 3)


@pytest.mark.parametrize("count", [1, 400, 2500])
@pytest.mark.parametrize("page", [10_000, 100, 7])
def test_days_come_exactly_once_however_long_the_pages(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, count: int, page: int
) -> None:
    monkeypatch.setattr(coinmetrics, "PAGE", page)
    count = min(count, 20 * page)
    ask = ask_of("coinmetrics", "stablecoin_supply", "USDT", days_back(count, LAST), LAST, now=MORNING)
    rows = rows_of("coinmetrics", "stablecoin_supply", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == -(-count // page)
    assert rows["chain"].unique().to_list() == ["ALL"]
    assert rows["supply"].equals(rows["supply_usd"].alias("supply"))
    assert broken_rules("stablecoin_supply", rows) == set()


def test_a_day_is_not_there_before_seven_in_the_morning(wire: Wire) -> None:
    wire.simulator.now = datetime(2025, 1, 1, 6, 59, tzinfo=UTC)
    ask = ask_of("coinmetrics", "stablecoin_supply", "USDT", days_back(3, LAST), LAST, now=wire.simulator.now)
    rows = rows_of("coinmetrics", "stablecoin_supply", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == [date(2024, 12, 29), date(2024, 12, 30)]
    release = ask.series.release
    assert release.public_at(LAST) == MORNING
    assert release.public_at(LAST) >= rows["available_at"][-1] + timedelta(days=1)


def test_the_same_day_ends_alike_with_defillama(wire: Wire) -> None:
    """Both have the end of a day; one stamps it with the day's beginning, the other with the midnight after."""
    both = []
    for source in (coinmetrics.SOURCE, defillama.SOURCE):
        ask = ask_of(source, "stablecoin_supply", "USDT", days_back(60, LAST), LAST, now=MORNING)
        rows = rows_of(source.name, "stablecoin_supply", drive(feed_of(source, "stablecoin_supply"), ask, wire.fetch))
        both.append(rows.filter(pl.col("chain") == "ALL").select("date", "supply"))
    joined = both[0].join(both[1], on="date", suffix="_there")
    assert joined.height == 60
    assert joined.filter((pl.col("supply") / pl.col("supply_there") - 1.01).abs() > 1e-9).is_empty()


@pytest.mark.parametrize("key", ["data", "SplyCur", "time"])
def test_a_renamed_field_is_noticed(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("coinmetrics", "shape", "always", key=key, rename="something_else")])
    gathered = drive(FEED, ask_of("coinmetrics", "stablecoin_supply", "USDT", now=MORNING), wire.fetch)
    if key == "data":
        assert isinstance(gathered.error, PayloadChanged)
        return
    with pytest.raises(PayloadChanged, match="expected objects with"):
        rows_of("coinmetrics", "stablecoin_supply", gathered)


def test_an_error_object_is_an_error() -> None:
    request = next(coinmetrics.plan_supply(ask_of("coinmetrics", "stablecoin_supply", "USDT")))
    busy = {"error": {"type": "internal_server_error", "message": ""}}
    assert type(coinmetrics.refusal(answer(request, busy))) is SourceUnavailable
    for error in ({"type": "forbidden"}, "forbidden"):
        assert type(coinmetrics.refusal(answer(request, {"error": error}))) is SourceRefused
    assert coinmetrics.refusal(answer(request, {"data": []})) is None


def test_market_values_are_asked_for_with_their_price(wire: Wire) -> None:
    ask = ask_of("coinmetrics", "market_values", "BTC", days_back(400, LAST), LAST, now=MORNING)
    gathered = drive(feed_of(coinmetrics.SOURCE, "market_values"), ask, wire.fetch)
    (request,) = wire.sent
    assert request.params["metrics"] == "CapMrktCurUSD,PriceUSD"
    assert request.labels == {"asset": "BTC", "symbol": "btc"}
    rows = rows_of("coinmetrics", "market_values", gathered)
    assert rows["date"].to_list() == list(ask.days)
    assert broken_rules("market_values", rows) == set()


def test_market_values_come_exactly_once_however_long_the_pages(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coinmetrics, "PAGE", 7)
    ask = ask_of("coinmetrics", "market_values", "ETH", days_back(100, LAST), LAST, now=MORNING)
    rows = rows_of("coinmetrics", "market_values", drive(feed_of(coinmetrics.SOURCE, "market_values"), ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == 15


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"assets": "nothing"}, 400),
        ({"assets": "btc"}, 403),
        ({"metrics": "CapMrktCurUSD,PriceUSD"}, 403),
        ({"metrics": "CapRealUSD"}, 403),
        ({"frequency": "1h"}, 400),
        ({"page_size": 10_001}, 400),
        ({"start_time": "soon"}, 400),
    ],
)
def test_the_simulator_refuses_in_coin_metrics_words(wire: Wire, changed: dict[str, str | int], status: int) -> None:
    whole: dict[str, str | int] = {"assets": "usdt", "metrics": "SplyCur", "frequency": "1d"}
    one = wire.fetch(Request(coinmetrics.ASSET_METRICS, params=whole | changed))
    assert one.status == status
    assert set(one.json()["error"]) == {"type", "message"}
