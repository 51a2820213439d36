"""Candles and buckets of every provider: an odd one costs its day, another day boundary costs the answer."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from expectations.errors import PayloadChanged
from flows.simulator import Simulator
from flows.source import Answer, Gathered
from flows.sources import sources
from flows.steps.collect import drive
from flows.steps.normalize import normalize, normalize_by_day
from tests.asking import NOW, Wire, ask_of, days_back, feed_of

LAST = date(2024, 12, 9)
COUNT = 12
ODD = date(2024, 12, 4)
FEEDS = [
    *(("spot_prices", name, "BTC") for name in ("binance", "bitfinex", "bybit", "coinbase", "kraken", "okx")),
    *(("hourly_prices", name, "BTC") for name in ("coinbase", "kraken")),
    *(("krw_prices", name, "USDT") for name in ("bithumb", "coinone", "gopax", "korbit", "upbit")),
    *(("hourly_krw_prices", name, "USDT") for name in ("bithumb", "coinone", "korbit")),
    *(("liquidations", name, "BTC") for name in ("gate",)),
    ("market_values", "coinmetrics", "BTC"),
    ("stablecoin_supply", "coinmetrics", "USDT"),
    ("unconfirmed_liquidations", "krakenfutures", "BTC"),
    ("open_interest", "krakenfutures", "BTC"),
    ("borrow_rates", "bitfinex", "USDT"),
    ("borrow_rates", "binance_web", "USDT"),
    ("borrow_rates", "okx", "USDT"),
    ("lending_rates", "aave", "aave-v3-ethereum-usdc"),
]
KOREAN = {("krw_prices", name) for name in ("bithumb", "coinone", "korbit")}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Simulator(now=NOW) as served:
        yield Wire(served)


def written(instant: datetime) -> list[bytes]:
    """How providers write an instant, the longest first."""
    seconds = round(instant.timestamp())
    iso = [f"{instant:%Y-%m-%dT%H:%M:%S}", f"{instant:%Y-%m-%d %H:%M:%S}"]
    return [each.encode() for each in (f"{seconds}000", f"{seconds}", *iso)]


def moved(answer: Answer, instant: datetime, by: timedelta) -> Answer:
    """The answer, in which the first row that is stamped with an instant is stamped a little later."""
    for one, other in zip(written(instant), written(instant + by), strict=True):
        if one in answer.body:
            return replace(answer, body=answer.body.replace(one, other, 1))
    return answer


def all_moved(body: bytes) -> bytes:
    """The same bytes, in which every full hour is stamped 23 minutes later."""

    def later(stamp: re.Match[bytes]) -> bytes:
        seconds = int(stamp[1])
        return stamp[0] if seconds % 3600 else str(seconds + 23 * 60).encode() + (stamp[2] or b"")

    return re.sub(rb"([T ]\d\d):00:00", rb"\1:23:00", re.sub(rb"\b(1[67]\d{8})(000)?\b", later, body))


@pytest.mark.parametrize(("dataset", "source", "series"), FEEDS)
def test_an_odd_row_costs_its_day_and_no_other(wire: Wire, dataset: str, source: str, series: str) -> None:
    feed = feed_of(sources()[source], dataset)
    found = drive(feed, ask_of(source, dataset, series, days_back(COUNT, LAST), LAST), wire.fetch)
    assert found.error is None
    whole, none, _ = normalize_by_day(feed.dataset, source, found)
    assert none == {}
    start = datetime(ODD.year, ODD.month, ODD.day, tzinfo=UTC)
    if (dataset, source) in KOREAN:
        start -= timedelta(hours=9)
    odd = tuple(moved(answer, start, timedelta(minutes=23)) for answer in found.answers)
    assert [answer.body for answer in odd] != [answer.body for answer in found.answers]
    rows, refused, _ = normalize_by_day(feed.dataset, source, Gathered(found.ask, odd, None))
    assert set(refused) == {ODD}
    assert "expected" in refused[ODD]
    left = whole.filter(pl.col("date") != ODD)
    columns = list(feed.dataset.schema())
    assert rows.select(columns).sort(feed.dataset.key).equals(left.select(columns).sort(feed.dataset.key))


@pytest.mark.parametrize(("dataset", "source", "series"), FEEDS)
def test_another_boundary_of_every_row_costs_the_answer(wire: Wire, dataset: str, source: str, series: str) -> None:
    feed = feed_of(sources()[source], dataset)
    found = drive(feed, ask_of(source, dataset, series, days_back(COUNT, LAST), LAST), wire.fetch)
    answers = tuple(replace(answer, body=all_moved(answer.body)) for answer in found.answers)
    with pytest.raises(PayloadChanged, match=r"expected (days|hours|a rate for each full hour|candles that end)"):
        normalize(feed.dataset, source, Gathered(found.ask, answers, None))
