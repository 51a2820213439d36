"""Binance's pages: candles, funding payments, and the intervals between these."""

import json
from datetime import date
from pathlib import Path

import pytest

from flows.simulator.instants import DAY_MS, HOUR_MS
from tests.simulator.client import (
    CRASH,
    FUNDING,
    KLINES,
    Client,
    at,
    day_at,
    moment,
)
from tests.simulator.shapes import order, recorded, shape

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("limit", [700, 1000])
@pytest.mark.parametrize(("interval", "step"), [("1d", DAY_MS), ("1h", HOUR_MS)])
def test_binance_candles_page_forward(world: Client, interval: str, step: int, limit: int) -> None:
    start = at(date(2017, 8, 17)) if interval == "1d" else at(date(2024, 7, 1))
    opened: list[int] = []
    while page := world.json(KLINES, symbol="ETHUSDT", interval=interval, limit=limit, startTime=start):
        assert len(page) <= limit
        opened += [row[0] for row in page]
        start = page[-1][0] + 1
    assert opened == list(range(opened[0], opened[-1] + 1, step))
    assert opened[-1] == at(date(2024, 12, 10), 0 if interval == "1d" else 12)


def test_binance_counts_500_without_a_limit_and_never_more_than_1000(world: Client) -> None:
    assert len(world.json(KLINES, symbol="BTCUSDT", interval="1d")) == 500
    assert len(world.json(KLINES, symbol="BTCUSDT", interval="1d", limit=5000)) == 1000
    bounds = {"startTime": at(CRASH), "endTime": at(CRASH)}
    assert [row[0] for row in world.json(KLINES, symbol="BTCUSDT", interval="1d", **bounds)] == [at(CRASH)]
    earlier = world.json(KLINES, symbol="BTCUSDT", interval="1d", limit=2, endTime=at(CRASH) - 1)
    assert [day_at(row[0]) for row in earlier] == [date(2024, 12, 7), date(2024, 12, 8)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=NOPE&interval=1d", -1121),
        ("symbol=BTCUSDT&interval=7d", -1120),
        ("interval=1d", -1102),
        ("symbol=BTCUSDT", -1102),
        ("symbol=btcusdt&interval=1d", -1100),
        ("symbol=BTCUSDT&interval=1d&startTime=soon", -1100),
        ("symbol=BTCUSDT&interval=1d&limit=-1", -1130),
    ],
)
def test_binance_refuses_in_its_own_words(world: Client, query: str, code: int) -> None:
    answer = world.ask(f"{KLINES}?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == code


@pytest.mark.parametrize("symbol", ["ETHUSDT", "IOUSDT"])
def test_funding_pages_forward_and_every_settlement_comes_once(world: Client, symbol: str) -> None:
    start, stamps = at(date(2024, 6, 1)), []
    while page := world.json(FUNDING, symbol=symbol, startTime=start, limit=97):
        stamps += [row["fundingTime"] for row in page]
        start = page[-1]["fundingTime"] + 1
    hours = 4 if symbol == "IOUSDT" else 8
    due = [round(stamp / HOUR_MS) for stamp in stamps]
    assert due == list(range(due[0], due[-1] + 1, hours))
    assert all(0 <= stamp - hour * HOUR_MS < 20 for stamp, hour in zip(stamps, due, strict=True))
    assert any(stamp % HOUR_MS for stamp in stamps)
    assert due[-1] * HOUR_MS == at(date(2024, 12, 10), 12 if hours == 4 else 8)
    assert len(world.json(FUNDING, symbol=symbol)) == 100


def test_funding_info_lists_only_what_is_not_every_eight_hours(world: Client, own: Client) -> None:
    info = {row["symbol"]: row["fundingIntervalHours"] for row in world.json("fapi.binance.com/fapi/v1/fundingInfo")}
    assert set(info.values()) == {4}
    assert "IOUSDT" in info
    assert "BTCUSDT" not in info
    assert 10 < sum(symbol.startswith("ZZ") for symbol in info) < 90
    own.simulator.now = moment("2024-06-01")
    assert "IOUSDT" not in {row["symbol"] for row in own.json("fapi.binance.com/fapi/v1/fundingInfo")}


# Recorded answers, and the request that is answered in the same shape.
RECORDED = {
    "binance/spot_klines_BTCUSDT_1d_*.json": f"{KLINES}?symbol=BTCUSDT&interval=1d",
    "binance/spot_klines_BTCUSDT_1h_*.json": f"{KLINES}?symbol=BTCUSDT&interval=1h",
    "binance/usdm_fundingRate_*.json": f"{FUNDING}?symbol=BTCUSDT",
    "binance/usdm_fundingInfo.json": "fapi.binance.com/fapi/v1/fundingInfo",
}
# Keys that Binance added after its answers were recorded; its documentation shows them.
ADDED_SINCE = {"markPrice"}


@pytest.mark.parametrize(("pattern", "path"), recorded(RECORDED))
def test_pages_have_the_shape_of_recorded_answers(world: Client, pattern: str, path: Path) -> None:
    ours, theirs = world.json(RECORDED[pattern]), json.loads(path.read_text())
    (our_row,), (their_row,) = shape(ours), shape(theirs)
    if isinstance(our_row, dict):
        our_row = {key: kind for key, kind in our_row.items() if key in their_row or key not in ADDED_SINCE}
    assert our_row == their_row
    assert order(ours) == order(theirs)
