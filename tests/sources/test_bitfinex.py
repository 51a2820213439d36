"""Bitfinex: its plan by hand, its page against the simulator, and both against recorded candles."""

import json
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import polars as pl
import pytest
import requests

from expectations.contract import datasets
from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.sources import bitfinex, sources
from flows.steps.collect import drive
from flows.steps.normalize import normalize
from tests.asking import Wire, ask_of, days_back, feed_of, walk
from tests.paying import LAST, NIGHT
from tests.tool import SHARED
from transforms.spot_prices import bitfinex as transform

DAILY = "api-pub.bitfinex.com/v2/candles/trade:1D:tBTCUSD/hist"
MIDNIGHT = 1_733_702_400_000  # 2024-12-09
DAY = 86_400_000
RECORDED = SHARED / "recordings" / "bitfinex" / "candles_tBTCUSD_1m.json"
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="no recorded answers beside the repository")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(now=NIGHT) as served:
        yield served


def prices(simulator: Simulator, source: str, count: int) -> pl.DataFrame:
    ask = ask_of(source, "spot_prices", "BTC", days_back(count, LAST), LAST, now=NIGHT)
    gathered = drive(feed_of(sources()[source], "spot_prices"), ask, Wire(simulator).fetch)
    rows = normalize(datasets()["spot_prices"], source, gathered)
    return rows.filter(pl.col("date") >= ask.days.start, pl.col("date") < ask.days.end)


@pytest.mark.parametrize("count", [1, 100, 2000])
def test_one_page_brings_every_day_exactly_once(simulator: Simulator, count: int) -> None:
    rows = prices(simulator, "bitfinex", count)
    assert rows["date"].to_list() == pl.date_range(days_back(count, LAST), LAST, eager=True).to_list()
    named = rows.with_columns(series=pl.col("asset"), source=pl.col("venue"))
    assert [check.name for check in datasets()["spot_prices"].checks if named.filter(check.failing()).height] == []


def test_its_price_is_a_little_above_the_other_dollar_venues(simulator: Simulator) -> None:
    ratio = prices(simulator, "bitfinex", 60)["close_usd"] / prices(simulator, "coinbase", 60)["close_usd"]
    assert ratio.is_between(1.0009, 1.0017).all()


def test_both_bounds_are_days_and_the_oldest_comes_first() -> None:
    ask = ask_of("bitfinex", "spot_prices", "ETH", date(2024, 12, 1), date(2024, 12, 9))
    (request,) = walk(bitfinex.plan_candles(ask), [[]])
    assert request.url == "https://api-pub.bitfinex.com/v2/candles/trade:1D:tETHUSD/hist"
    assert request.params == {"start": MIDNIGHT - 8 * DAY, "end": MIDNIGHT, "limit": 10_000, "sort": 1}
    assert request.labels == {"asset": "ETH"}


def test_the_simulator_sends_the_newest_first_and_both_bounds(simulator: Simulator) -> None:
    url = f"{simulator.url}/{DAILY}"
    newest = requests.get(url, timeout=10).json()
    assert len(newest) == 100
    assert all(one[0] - other[0] == DAY for one, other in pairwise(newest))
    assert newest[0][0] == int(NIGHT.timestamp()) * 1000 - 1_800_000  # the running day
    bounds = {"start": MIDNIGHT, "end": MIDNIGHT + 2 * DAY, "sort": 1}
    assert [row[0] for row in requests.get(url, bounds, timeout=10).json()] == [
        MIDNIGHT + number * DAY for number in range(3)
    ]
    refused = requests.get(url, {"limit": 10_001}, timeout=10)
    assert (refused.status_code, refused.json()) == (500, ["error", 10020, "limit: invalid"])


@recorded
def test_recorded_candles_have_close_before_high_and_low_and_the_simulated_ones_too(simulator: Simulator) -> None:
    real = json.loads(RECORDED.read_text(encoding="utf-8"))
    ours = requests.get(f"{simulator.url}/{DAILY}", timeout=10).json()
    for candles in (real, ours):
        assert {len(candle) for candle in candles} == {6}
        assert all(
            low <= min(opened, close) <= max(opened, close) <= high for _, opened, close, high, low, _ in candles
        )
        assert candles[0][0] > candles[-1][0] > 1e12
    daily = [[MIDNIGHT - place * DAY, *candle[1:]] for place, candle in enumerate(real)]
    rows = transform.normalize(daily, asset="BTC")
    assert rows.filter(pl.col("high_usd") < pl.max_horizontal("open_usd", "close_usd", "low_usd")).is_empty()
    assert rows.select("open_usd", "close_usd", "high_usd", "low_usd").row(0) == tuple(real[0][1:5])


@recorded
def test_recorded_candles_of_a_minute_are_refused() -> None:
    with pytest.raises(PayloadChanged, match="expected days that start at 00:00 UTC"):
        transform.normalize(json.loads(RECORDED.read_text(encoding="utf-8")), asset="BTC")
