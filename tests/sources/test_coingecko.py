"""CoinGecko: what its plan asks, the rows from the simulator, and a recorded chart."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.errors import PayloadChanged, SourceRefused, SourceUnavailable
from flows.simulator import Misbehaviour, Simulator
from flows.simulator.pages.coingecko import NAMES
from flows.source import Request
from flows.sources import binance, coingecko, coinmetrics
from flows.steps.collect import drive
from tests.asking import Wire, answer, ask_of, days_back, feed_of, walk
from tests.gathering import broken_rules, rows_of
from tests.tool import SHARED

MORNING = datetime(2025, 1, 1, 7, 30, tzinfo=UTC)
LAST = date(2024, 12, 31)
FEED = feed_of(coingecko.SOURCE, "market_values")
RECORDED = SHARED / "recordings" / "coingecko"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(now=MORNING) as served:
        yield served


@pytest.fixture
def wire(simulator: Simulator) -> Wire:
    return Wire(simulator)


@pytest.mark.parametrize(("back", "days"), [(1, 2), (2, 3), (364, 365), (365, 365), (900, 365)])
def test_as_many_days_are_asked_for_as_reach_back_and_never_more_than_a_year(back: int, days: int) -> None:
    ask = ask_of("coingecko", "market_values", "BTC", days_back(back, LAST), LAST, now=MORNING)
    (asked,) = walk(coingecko.plan_market_chart(ask), [{}])
    assert asked.address == (
        f"https://api.coingecko.com/api/v3/coins/bitcoin/market_chart?vs_currency=usd&days={days}&interval=daily"
    )
    assert asked.labels == {"asset": "BTC"}


@pytest.mark.parametrize("count", [1, 2, 90, 365])
def test_every_wanted_day_comes_once(wire: Wire, count: int) -> None:
    ask = ask_of("coingecko", "market_values", "SOL", days_back(count, LAST), LAST, now=MORNING)
    rows = rows_of("coingecko", "market_values", drive(FEED, ask, wire.fetch))
    assert rows["date"].to_list() == list(ask.days)
    assert len(wire.sent) == 1
    assert broken_rules("market_values", rows) == set()


def test_the_oldest_day_that_is_kept_is_the_oldest_that_comes(wire: Wire) -> None:
    """The first of 365 days ends 364 days before today's midnight, and is gone once another day has ended."""
    ask = ask_of("coingecko", "market_values", "BTC", days_back(400, LAST), LAST, now=MORNING)
    rows = rows_of("coingecko", "market_values", drive(FEED, ask, wire.fetch))
    oldest = min(rows["date"].to_list())
    assert oldest == MORNING.date() - timedelta(days=365)
    assert FEED.kept_for is not None
    last_moment = datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC) + timedelta(days=1) + FEED.kept_for
    assert last_moment == datetime(2025, 1, 2, tzinfo=UTC)


def test_a_day_appears_half_an_hour_after_its_end(wire: Wire) -> None:
    ask = ask_of("coingecko", "market_values", "BTC", days_back(3, LAST), LAST, now=MORNING)
    release = ask.series.release
    for minute, last in ((34, date(2024, 12, 30)), (35, LAST)):
        wire.simulator.now = datetime(2025, 1, 1, 0, minute, tzinfo=UTC)
        rows = rows_of("coingecko", "market_values", drive(FEED, ask, wire.fetch))
        assert rows["date"].max() == last
    assert rows["available_at"][-1] == release.public_at(LAST) == wire.simulator.now


def test_the_same_day_ends_alike_with_a_venue_and_with_coin_metrics(wire: Wire) -> None:
    """CoinGecko stamps a day with the midnight after it, the others with the midnight before."""
    found = {}
    for source, dataset, column in (
        (coingecko.SOURCE, "market_values", "price_usd"),
        (coinmetrics.SOURCE, "market_values", "price_usd"),
        (binance.SOURCE, "spot_prices", "close_usd"),
    ):
        ask = ask_of(source, dataset, "BTC", days_back(60, LAST), LAST, now=MORNING)
        rows = rows_of(source.name, dataset, drive(feed_of(source, dataset), ask, wire.fetch))
        found[source.name] = rows.sort("date").select("date", value=column)
    closes = found.pop("binance")
    for rows in found.values():
        both = rows.join(closes, on="date", suffix="_there")
        assert both.height == 60
        assert both.filter((pl.col("value") / pl.col("value_there")).log().abs() > 0.005).is_empty()


@pytest.mark.parametrize("key", ["prices", "market_caps"])
def test_a_renamed_field_is_noticed(wire: Wire, key: str) -> None:
    wire.simulator.misbehave([Misbehaviour("coingecko", "shape", "always", key=key, rename="something_else")])
    gathered = drive(FEED, ask_of("coingecko", "market_values", "BTC", now=MORNING), wire.fetch)
    with pytest.raises(PayloadChanged, match=f"expected an object with '{key}'"):
        rows_of("coingecko", "market_values", gathered)


def test_an_error_where_a_chart_was_expected_is_an_error() -> None:
    request = next(coingecko.plan_market_chart(ask_of("coingecko", "market_values", "BTC")))
    busy = {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}}
    assert type(coingecko.refusal(answer(request, busy))) is SourceUnavailable
    assert type(coingecko.refusal(answer(request, {"error": busy}))) is SourceUnavailable
    beyond = {"error": {"status": {"error_code": 10012}}}
    for refused in (beyond, {"error": "coin not found"}, {"status": "closed"}):
        assert type(coingecko.refusal(answer(request, refused))) is SourceRefused
    assert coingecko.refusal(answer(request, {"prices": [], "market_caps": []})) is None


@pytest.mark.parametrize(
    ("coin", "changed", "status"),
    [
        ("nothing", {}, 404),
        ("bitcoin", {"vs_currency": ""}, 422),
        ("bitcoin", {"days": ""}, 422),
        ("bitcoin", {"days": 366}, 401),
        ("bitcoin", {"days": "some"}, 400),
    ],
)
def test_the_simulator_refuses_as_coingecko_does(
    wire: Wire, coin: str, changed: dict[str, str | int], status: int
) -> None:
    whole: dict[str, str | int] = {"vs_currency": "usd", "days": 2, "interval": "daily"}
    assert wire.fetch(Request(f"{coingecko.COINS}/{coin}/market_chart", params=whole | changed)).status == status


def test_every_asset_with_prices_is_asked_for() -> None:
    priced = {series.name for series in feed_of(binance.SOURCE, "spot_prices").series}
    assert priced <= set(coingecko.ASSETS)
    assert {name for name, _ in coingecko.ASSETS.values()} == set(NAMES)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded answers beside the repository (../shared/recordings)")
def test_a_recorded_chart_of_90_days() -> None:
    """Asked at 2021-05-15 14:39: a point at each midnight, and one of that minute, which is left out."""
    now = datetime(2021, 5, 15, 14, 40, tzinfo=UTC)
    ask = ask_of("coingecko", "market_values", "BTC", date(2021, 2, 14), date(2021, 5, 14), now=now)
    request = next(coingecko.plan_market_chart(ask))
    body = (RECORDED / "market_chart_bitcoin_daily.json").read_bytes()
    gathered = drive(FEED, ask, lambda one: answer(one, body, now=now))
    rows = rows_of("coingecko", "market_values", gathered)
    assert rows["date"].to_list() == list(ask.days)
    assert rows.select("market_cap_usd", "price_usd").row(0) == (905515462576.995, 48607.8745224845)
    assert rows.select("market_cap_usd", "price_usd").row(-1) == (935962705739.4398, 49913.26314398822)
    # As Binance closed on those days: 48,577.79 and 49,841.45.
    assert broken_rules("market_values", rows) == set()
    refused = (RECORDED / "error_missing_vs_currency.json").read_bytes()
    assert type(coingecko.refusal(answer(request, refused, status=422))) is SourceRefused


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded answers beside the repository (../shared/recordings)")
def test_a_recorded_chart_of_hours_is_refused() -> None:
    ask = ask_of("coingecko", "market_values", "BTC")
    body = (RECORDED / "market_chart_bitcoin_hourly.json").read_bytes()
    gathered = drive(FEED, ask, lambda one: answer(one, body))
    with pytest.raises(PayloadChanged, match="expected points at 00:00 UTC and one of now"):
        rows_of("coingecko", "market_values", gathered)
