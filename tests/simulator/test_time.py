"""The simulator's time: nothing is served before its provider would have published it."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from flows.simulator import Simulator
from tests.simulator.client import (
    AAVE_USDC,
    COINBASE,
    CRASH,
    FRANKFURTER,
    FUNDING,
    KLINES,
    NOVEMBER,
    STABLECOIN,
    UPBIT,
    YIELDS,
    Client,
    at,
    moment,
)

pytestmark = pytest.mark.slow


def test_the_running_day_holds_only_what_has_happened(own: Client) -> None:
    simulator = own.simulator
    simulator.now = moment("2024-12-09T15:20:00")
    day = own.json(KLINES, symbol="BTCUSDT", interval="1d", limit=1)[0]
    hours = own.json(KLINES, symbol="BTCUSDT", interval="1h", limit=16)
    assert day[0] == at(CRASH)
    assert day[6] > simulator.now.timestamp() * 1000
    assert float(day[3]) == min(float(hour[3]) for hour in hours) > 99_000
    assert day[4] == hours[-1][4] == hours[-1][1]
    assert float(hours[-1][5]) == 0
    newest = own.json(f"{COINBASE}/BTC-USD/candles", granularity=86400)[0]
    assert newest[0] == at(CRASH) // 1000
    assert newest[1] > 99_000
    won = own.json(UPBIT, market="KRW-BTC")[0]
    assert won["timestamp"] == at(CRASH, 15 + 1 / 3)
    simulator.now = moment("2024-12-10T00:00:00")
    assert own.json(KLINES, symbol="BTCUSDT", interval="1d", limit=2)[0][3] == "94150.05000000"


@pytest.mark.parametrize("now", ["2024-12-09T15:20:00", "2024-12-09T00:00:00", "2024-12-09T23:59:59"])
def test_nothing_lies_after_now(own: Client, now: str) -> None:
    own.simulator.now = moment(now)
    limit = own.simulator.now.timestamp() * 1000
    later = "startTime=0&endTime=9999999999999&limit=1000"
    assert all(row[0] <= limit for row in own.json(f"{KLINES}?symbol=BTCUSDT&interval=1h&limit=9"))
    assert all(row["fundingTime"] <= limit for row in own.json(f"{FUNDING}?symbol=BTCUSDT&{later}"))
    assert all(row[0] * 1000 <= limit for row in own.json(f"{COINBASE}/BTC-USD/candles?granularity=3600"))
    assert all(row["timestamp"] <= limit for row in own.json(f"{UPBIT}?market=KRW-USDT&count=3&to=2030-01-01"))
    assert all(row["date"] * 1000 <= limit for row in own.json(f"{STABLECOIN}/1")["tokens"])
    for row in own.json(f"{YIELDS}/{AAVE_USDC}")["data"]:
        assert datetime.fromisoformat(row["timestamp"]) <= own.simulator.now
    assert max(own.table("DFF")) < CRASH


@pytest.mark.parametrize(
    ("before", "appears", "present"),
    [
        (
            "2024-12-02T00:00:00",
            "2024-12-01",
            lambda c: c.ask(NOVEMBER).ok,
        ),
        (
            "2024-12-09T15:00:00",
            "2024-12-09",
            lambda c: c.json(f"{FRANKFURTER}/latest?base=USD&symbols=KRW")["date"],
        ),
        ("2024-12-05T21:30:00", "2024-12-04", lambda c: str(max(c.table("WALCL")))),
        ("2024-12-05T21:30:00", "2024-12-04", lambda c: str(max(c.table("WDTGAL")))),
        ("2024-12-09T19:00:00", "2024-12-09", lambda c: str(max(c.table("RRPONTSYD")))),
        ("2024-12-09T21:00:00", "2024-12-08", lambda c: str(max(c.table("DFF")))),
        ("2024-12-09T21:00:00", "2024-12-06", lambda c: str(max(c.table("DGS1")))),
        (
            "2024-12-09T16:00:01",
            "0.00",
            lambda c: len(c.json(f"{FUNDING}?symbol=BTCUSDT&startTime={at(CRASH)}")) == 3,
        ),
    ],
)
def test_values_appear_when_they_are_published(
    own: Client, before: str, appears: str, present: Callable[[Client], str | bool]
) -> None:
    instant = moment(before)
    own.simulator.now = instant - timedelta(seconds=2)
    assert present(own) not in (True, appears)
    own.simulator.now = instant
    assert present(own) in (True, appears)


def test_time_stands_still_and_a_naive_one_is_refused(world: Client) -> None:
    assert world.ask("api.binance.com/api/v3/ping").headers["Date"] == "Tue, 10 Dec 2024 12:30:00 GMT"
    assert world.json("api.binance.com/api/v3/time")["serverTime"] == at(date(2024, 12, 10), 12.5)
    with pytest.raises(ValueError, match="naive"):
        Simulator(now=datetime(2024, 12, 10))  # noqa: DTZ001  a naive instant is what is refused
