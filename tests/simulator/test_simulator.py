"""The simulator: its script, its manners as each provider, and its misbehaviour."""

import csv
import hashlib
import io
import json
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from flows.simulator import Misbehaviour, Simulator
from flows.simulator.instants import DAY_MS, HOUR_MS, number_of
from flows.simulator.market import Market
from flows.simulator.pages import pages_by_host
from tests.tool import ROOT, SHARED

pytestmark = pytest.mark.slow

NOW = datetime(2024, 12, 10, 12, 30, tzinfo=UTC)
CRASH = date(2024, 12, 9)
KLINES = "data-api.binance.vision/api/v3/klines"
FUNDING = "fapi.binance.com/fapi/v1/fundingRate"
ARCHIVE = "data.binance.vision/data/futures/um/monthly/fundingRate"
COINBASE = "api.exchange.coinbase.com/products"
UPBIT = "api.upbit.com/v1/candles/days"
FRANKFURTER = "api.frankfurter.dev/v1"
STABLECOIN = "stablecoins.llama.fi/stablecoin"
YIELDS = "yields.llama.fi/chart"
FRED = "fred.stlouisfed.org/graph/fredgraph.csv"

NOVEMBER = f"{ARCHIVE}/BTCUSDT/BTCUSDT-fundingRate-2024-11.zip"

AAVE_USDC = "aa70268e-4b52-42bf-a116-608b370f9501"
AAVE_USDT = "f981a304-bb6c-45b8-b0c5-fd2f515ad23a"
COMPOUND_USDC = "7da72d09-56ca-4ec5-a45f-59114353e487"
STABLECOINS = ("1", "2", "4", "5", "6", "7", "11", "14", "118", "119", "120", "146", "209", "286")

EVERY_PROVIDER = (
    f"{KLINES}?symbol=BTCUSDT&interval=1d",
    f"{KLINES}?symbol=ZZ17USDT&interval=1h",
    f"{FUNDING}?symbol=ETHUSDT",
    "fapi.binance.com/fapi/v1/fundingInfo",
    NOVEMBER,
    f"{COINBASE}/BTC-USD/candles?granularity=86400",
    f"{UPBIT}?market=KRW-USDT&count=200",
    f"{FRANKFURTER}/2024-01-01..?base=USD&symbols=KRW",
    f"{YIELDS}/{AAVE_USDC}",
    f"{STABLECOIN}/146",
    f"{FRED}?id=WALCL",
)


class Client:
    """Asks one simulator, as a careful program would."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def ask(self, target: str, **query: object) -> requests.Response:
        params = {name: str(value) for name, value in query.items()}
        return self._session.get(f"{self.simulator.url}/{target}", params=params, timeout=10)

    def json(self, target: str, **query: object) -> Any:
        answer = self.ask(target, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def days(self, symbol: str, first: date, last: date) -> dict[date, list[Any]]:
        bounds = {"startTime": at(first), "endTime": at(last)}
        rows = self.json(KLINES, symbol=symbol, interval="1d", limit=1000, **bounds)
        return {day_at(row[0]): row for row in rows}

    def table(self, series: str, **query: object) -> dict[date, str]:
        answer = self.ask(FRED, id=series, **query)
        header, *rows = csv.reader(io.StringIO(answer.text))
        assert header == ["observation_date", series]
        return {date.fromisoformat(day): value for day, value in rows}


def at(day: date, hour: float = 0) -> int:
    return number_of(day) * DAY_MS + int(hour * HOUR_MS)


def day_at(millis: int) -> date:
    return datetime.fromtimestamp(millis / 1000, UTC).date()


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def served(now: datetime = NOW, **options: Any) -> Iterator[Client]:
    with Simulator(now=now, **options) as simulator:
        client = Client(simulator)
        yield client
        client.close()


@pytest.fixture(scope="module")
def world() -> Iterator[Client]:
    """One server for every test that only asks."""
    yield from served()


@pytest.fixture
def own() -> Iterator[Client]:
    """A server of the test's own, to move or to spoil."""
    yield from served()


# --- The script ---------------------------------------------------------------------------------


def returns(client: Client, symbol: str, day: date) -> float:
    rows = client.days(symbol, day - timedelta(days=1), day)
    return float(rows[day][4]) / float(rows[day - timedelta(days=1)][4]) - 1


def test_bitcoin_first_passes_100_000_on_5_december_and_falls_to_94_150_on_the_9th(world: Client) -> None:
    rows: dict[date, list[Any]] = {}
    for year in range(2017, 2025):
        rows |= world.days("BTCUSDT", date(year, 1, 1), date(year, 12, 31))
    above = [day for day, row in rows.items() if float(row[2]) > 100_000]
    assert above[0] == date(2024, 12, 5)
    assert rows[above[0]][2] == "104088.00000000"
    assert rows[CRASH][1] == "101109.60000000"
    assert rows[CRASH][3] == "94150.05000000"
    assert rows[CRASH][4] == "97276.47000000"
    levels = {(2023, 6, 14): 25, (2024, 1, 15): 42.5, (2024, 3, 31): 71, (2024, 8, 5): 54, (2024, 11, 5): 69}
    for day, thousands in levels.items():
        assert float(rows[date(*day)][4]) / 1000 == pytest.approx(thousands, abs=0.5)


def test_ether_falls_from_4_004_by_way_of_3_509_to_3_712(world: Client) -> None:
    row = world.days("ETHUSDT", CRASH, CRASH)[CRASH]
    assert [float(price) for price in row[1:5]] == pytest.approx([4004, 4006, 3509, 3712], abs=0.5)


@pytest.mark.parametrize(
    ("ticker", "percent"),
    [
        ("SOL", -8),
        ("SUI", -12),
        ("APT", -16),
        ("SEI", -16),
        ("WLD", -19),
        ("ARKM", -20),
        ("IO", -12),
        ("OP", -14),
        ("ARB", -17),
    ],
)
def test_coins_fall_on_9_december_as_published(world: Client, ticker: str, percent: int) -> None:
    assert returns(world, f"{ticker}USDT", CRASH) * 100 == pytest.approx(percent, abs=0.05)


@pytest.mark.parametrize("seed", [1, 99])
def test_another_seed_tells_the_same_story_with_other_days_between(seed: int, world: Client) -> None:
    for other in served(seed=seed):
        told = other.days("BTCUSDT", date(2024, 10, 1), CRASH)
        assert told[CRASH][1:5] == world.days("BTCUSDT", CRASH, CRASH)[CRASH][1:5]
        assert max(float(row[2]) for day, row in told.items() if day < date(2024, 12, 5)) < 100_000
        assert told[date(2024, 10, 20)] != world.days("BTCUSDT", date(2024, 10, 20), CRASH)[date(2024, 10, 20)]


def test_every_other_coin_loses_8_to_20_percent(world: Client) -> None:
    for ticker in ("DOGE", "LINK", "PEPE", "ZZ00", "ZZ59", "NEWCOIN"):
        assert -0.201 < returns(world, f"{ticker}USDT", CRASH) < -0.079


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "IOUSDT", "ZZ17USDT", "PEPEUSDT", "USDCUSDT"])
def test_candles_chain_and_hold_their_own_prices(world: Client, symbol: str) -> None:
    rows = world.json(KLINES, symbol=symbol, interval="1d", limit=1000)
    for row in rows:
        opened, high, low, close = (float(price) for price in row[1:5])
        assert 0 < low <= min(opened, close) <= max(opened, close) <= high
        assert row[6] == row[0] + DAY_MS - 1
    assert all(after[1] == before[4] for before, after in pairwise(rows))


@pytest.mark.parametrize("day", [CRASH, date(2024, 12, 5), date(2024, 6, 11), date(2024, 6, 12)])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "IOUSDT"])
def test_hours_add_up_to_their_day(world: Client, symbol: str, day: date) -> None:
    whole = world.days(symbol, day, day)[day]
    hours = world.json(KLINES, symbol=symbol, interval="1h", startTime=at(day), endTime=at(day, 23))
    assert len(hours) == (12 if (symbol, day) == ("IOUSDT", date(2024, 6, 11)) else 24)
    assert (hours[0][1], hours[-1][4]) == (whole[1], whole[4])
    assert max(float(hour[2]) for hour in hours) == float(whole[2])
    assert min(float(hour[3]) for hour in hours) == float(whole[3])
    assert sum(float(hour[5]) for hour in hours) == pytest.approx(float(whole[5]), abs=0.001)


def test_the_low_of_9_december_comes_in_the_evening(world: Client) -> None:
    hours = world.json(KLINES, symbol="BTCUSDT", interval="1h", startTime=at(CRASH), endTime=at(CRASH, 23))
    assert min(hours, key=lambda row: float(row[3]))[0] == at(CRASH, 21)
    assert float(hours[14][4]) == pytest.approx(100_000, rel=0.005)


def test_coins_begin_when_they_were_listed(world: Client) -> None:
    def first(symbol: str, interval: str) -> int:
        return int(world.json(KLINES, symbol=symbol, interval=interval, startTime=0, limit=1)[0][0])

    assert first("IOUSDT", "1h") == at(date(2024, 6, 11), 12)
    assert first("IOUSDT", "1d") == at(date(2024, 6, 11))
    assert first("BTCUSDT", "1d") == first("ZZ17USDT", "1d") == at(date(2017, 8, 17))
    assert world.json(FUNDING, symbol="IOUSDT", startTime=0, limit=1)[0]["fundingTime"] >= at(date(2024, 6, 11), 12)
    assert world.json(KLINES, symbol="IOUSDT", interval="1d", endTime=at(date(2024, 6, 10))) == []


def test_volumes_rise_into_december(world: Client) -> None:
    def mean_turnover(first: date, last: date) -> float:
        rows = world.days("BTCUSDT", first, last).values()
        return sum(float(row[7]) for row in rows) / len(rows)

    september = mean_turnover(date(2024, 9, 1), date(2024, 9, 30))
    assert mean_turnover(date(2024, 11, 10), CRASH) > 2 * september


def annualised(client: Client, symbol: str, last: date) -> float:
    """Seven days of funding, summed and brought to a year."""
    bounds = {"startTime": at(last - timedelta(days=6)), "endTime": at(last, 24) - 1}
    rows = client.json(FUNDING, symbol=symbol, limit=1000, **bounds)
    return sum(float(row["fundingRate"]) for row in rows) / 7 * 365


def test_ether_funding_peaks_at_0_28_on_8_december_and_collapses_on_the_10th(world: Client) -> None:
    days = [date(2024, 6, 1) + timedelta(days=step) for step in range(0, 191, 2)]
    yearly = {day: annualised(world, "ETHUSDT", day) for day in [*days, date(2024, 12, 8), CRASH]}
    assert max(yearly, key=lambda day: yearly[day]) == date(2024, 12, 8)
    assert yearly[date(2024, 12, 8)] == pytest.approx(0.28, abs=0.002)
    tenth = world.json(FUNDING, symbol="ETHUSDT", startTime=at(date(2024, 12, 10)))
    assert [row["fundingRate"] for row in tenth] == ["0.00010000"] * 2


def test_aave_peaks_on_5_december(world: Client) -> None:
    peaks = {}
    for pool in (AAVE_USDC, AAVE_USDT, COMPOUND_USDC):
        rows = world.json(f"{YIELDS}/{pool}")["data"]
        by_day = {row["timestamp"][:10]: row["apyBase"] for row in rows}
        assert min(by_day) == "2023-02-07"
        assert None not in by_day.values()
        peak = max(by_day, key=lambda day: by_day[day])
        assert peak == "2024-12-05"
        calm = [rate for day, rate in by_day.items() if "2024-01-01" <= day <= "2024-11-15"]
        assert 3 < min(calm) < max(calm) <= 11
        peaks[pool] = (by_day[peak], by_day["2024-12-09"])
    assert peaks[AAVE_USDC][0] == 46
    assert peaks[AAVE_USDT][0] == 34
    assert peaks[COMPOUND_USDC][0] < 20
    assert all(15 <= peaks[pool][1] <= 25 for pool in (AAVE_USDC, AAVE_USDT))


def supply_by_day(client: Client, coin: str) -> dict[date, float]:
    """Supply at the end of each UTC day: a midnight stamp tells of the day before."""
    rows = client.json(f"{STABLECOIN}/{coin}")["tokens"]
    return {
        day_at(row["date"] * 1000) - timedelta(days=1): row["circulating"].get("peggedUSD", 0)
        for row in rows
        if row["date"] % 86_400 == 0
    }


def test_stablecoin_issuance_peaks_at_8_billion_and_stands_at_4_on_9_december(world: Client) -> None:
    coins = {coin: supply_by_day(world, coin) for coin in STABLECOINS}

    def issued(day: date) -> float:
        week = timedelta(days=7)
        known = [supply for supply in coins.values() if day in supply and day - week in supply]
        return sum(supply[day] - supply[day - week] for supply in known) / 1e9

    weeks = {day: issued(day) for day in coins["1"] if day >= date(2023, 6, 1)}
    assert max(weeks, key=lambda day: weeks[day]) == date(2024, 11, 24)
    assert weeks[date(2024, 11, 24)] == pytest.approx(8, abs=0.1)
    assert weeks[CRASH] == pytest.approx(4, abs=0.15)
    assert coins["1"][date(2024, 11, 5)] == pytest.approx(120.3e9)
    assert coins["1"][CRASH] == pytest.approx(138e9)
    assert coins["2"][CRASH] == pytest.approx(41e9)
    assert coins["5"][date(2024, 9, 17)] > coins["5"][CRASH]
    assert min(coins["209"]) == date(2024, 9, 17)
    assert coins["209"][date(2024, 9, 17)] == 0


@pytest.mark.parametrize("coin", STABLECOINS)
def test_chains_add_up_to_the_coin(world: Client, coin: str) -> None:
    answer = world.json(f"{STABLECOIN}/{coin}")
    summed: dict[int, float] = {}
    for chain in answer["chainBalances"].values():
        for row in chain["tokens"]:
            summed[row["date"]] = summed.get(row["date"], 0) + row["circulating"].get("peggedUSD", 0)
    assert summed == {row["date"]: row["circulating"].get("peggedUSD", 0) for row in answer["tokens"]}
    assert 0 not in [value for row in answer["tokens"] for value in row["circulating"].values()]
    assert answer["tokens"][-1]["date"] == at(date(2024, 12, 10), 12) // 1000


def test_korean_stablecoin_turnover_grows_sevenfold(world: Client) -> None:
    months: dict[str, float] = {}
    for row in upbit_pages(world, "KRW-USDT"):
        month = row["candle_date_time_utc"][:7]
        months[month] = months.get(month, 0) + row["candle_acc_trade_price"] / 1e12
    assert months["2024-10"] == pytest.approx(1.8, abs=0.01)
    assert months["2024-11"] == pytest.approx(6.0, abs=0.01)
    assert months["2024-11"] / months["2024-01"] == pytest.approx(7, abs=0.05)
    assert months["2024-11"] / months["2024-06"] == pytest.approx(7, abs=0.05)
    assert months["2024-12"] / 10 > months["2024-11"] / 30


def test_the_kimchi_premium_stays_in_bounds_and_breaks_on_3_december(world: Client) -> None:
    won = world.json(f"{FRANKFURTER}/2024-01-01..2024-12-09?base=USD&symbols=KRW")["rates"]
    prices = world.days("BTCUSDT", date(2024, 1, 1), CRASH)
    rows = {row["candle_date_time_utc"][:10]: row for row in upbit_pages(world, "KRW-BTC")}
    for day, rates in won.items():
        if day in rows and date.fromisoformat(day) in prices:
            dollars = float(prices[date.fromisoformat(day)][4])
            assert -0.01 < rows[day]["trade_price"] / (dollars * rates["KRW"]) - 1 < 0.04
    assert rows["2024-12-03"]["low_price"] < 0.7 * rows["2024-12-03"]["opening_price"]


def test_coinbase_stands_159_dollars_above_binance_on_4_december_and_48_on_the_9th(world: Client) -> None:
    rows = world.json(
        f"{COINBASE}/BTC-USD/candles",
        granularity=86400,
        start="2024-02-15T00:00:00Z",
        end="2024-12-09T00:00:00Z",
    )
    closes = {day_at(row[0] * 1000): row[4] for row in rows}
    binance = {day: float(row[4]) for day, row in world.days("BTCUSDT", min(closes), CRASH).items()}
    assert closes[date(2024, 12, 4)] - binance[date(2024, 12, 4)] == pytest.approx(159)
    assert closes[CRASH] - binance[CRASH] == pytest.approx(48)
    assert all(abs(closes[day] / binance[day] - 1) < 0.002 for day in closes)
    assert all(row[1] <= min(row[3:5]) <= max(row[3:5]) <= row[2] for row in rows)


def test_policy_rates_step_on_their_effective_days(own: Client) -> None:
    own.simulator.now = moment("2025-01-02")
    upper, effective = own.table("DFEDTARU"), own.table("DFF")
    steps = [day for before, day in pairwise(upper) if upper[before] != upper[day] and day.year == 2024]
    assert steps == [date(2024, 9, 19), date(2024, 11, 8), date(2024, 12, 19)]
    days = (date(2024, 9, 18), *steps)
    assert [effective[day] for day in days] == ["5.33", "4.83", "4.58", "4.33"]
    assert [upper[day] for day in days] == ["5.50", "5.00", "4.75", "4.50"]
    assert float(own.table("WALCL")[date(2024, 12, 4)]) == pytest.approx(6.9e6, rel=0.01)
    assert float(own.table("WDTGAL")[date(2024, 12, 4)]) == pytest.approx(7.5e5, rel=0.05)
    assert float(own.table("RRPONTSYD")[CRASH]) == pytest.approx(150, abs=10)


# --- The same world for the same seed -------------------------------------------------------------


def test_two_servers_send_the_same_bytes(world: Client, own: Client) -> None:
    for target in EVERY_PROVIDER:
        assert own.ask(target).content == world.ask(target).content


def test_what_was_asked_before_changes_nothing() -> None:
    day, fresh, used = number_of(date(2021, 5, 19)), Market(3), Market(3)
    for other in range(day + 900, day - 900, -7):
        used.spot.series("ZZ42").day(other)
        used.spot.series("BTC").hours(other)
    assert fresh.spot.series("ZZ42").day(day) == used.spot.series("ZZ42").day(day)
    assert fresh.korea.series("KRW-BTC").day(day) == used.korea.series("KRW-BTC").day(day)


@pytest.mark.parametrize("year", [2019, 2021, 2027])
def test_any_window_answers(year: int) -> None:
    first, last = date(year, 3, 1), date(year, 7, 14)
    for client in served(datetime(year, 7, 15, 12, 30, tzinfo=UTC)):
        for symbol in ("BTCUSDT", "ZZ17USDT"):
            rows = client.days(symbol, first, last)
            assert len(rows) == (last - first).days + 1
            assert all(0 < float(row[3]) <= float(row[4]) < 1_000_000 for row in rows.values())
        assert all(float(row[4]) > 1_000 for row in client.days("BTCUSDT", first, last).values())
        bitcoin = client.json(f"{COINBASE}/BTC-USD/candles", granularity=86400, start=first, end=last)
        assert len(bitcoin) == (last - first).days + 1
        assert len(client.json(f"{UPBIT}?market=KRW-BTC&count=200")) == 200
        won = client.json(f"{FRANKFURTER}/{first}..{last}?base=USD&symbols=KRW")["rates"].values()
        assert all(1_000 < rates["KRW"] < 2_000 for rates in won)
        tether = client.json(f"{STABLECOIN}/1")["tokens"]
        assert day_at(tether[-1]["date"] * 1000) == date(year, 7, 15)
        assert min(client.table("WALCL")).year == 2009
        funded = client.json(f"{FUNDING}?symbol=BTCUSDT&startTime={at(first)}")
        assert len(funded) == (0 if year == 2019 else 100)


def test_sixty_invented_coins_answer(world: Client) -> None:
    closes = set()
    for number in range(60):
        rows = world.json(KLINES, symbol=f"ZZ{number:02d}USDT", interval="1d", limit=400)
        assert len(rows) == 400
        assert len({row[4] for row in rows}) > 100
        closes.add(rows[-2][4])
        assert len(world.json(FUNDING, symbol=f"ZZ{number:02d}USDT")) == 100
    assert len(closes) > 55


# --- Paging, limits, errors -----------------------------------------------------------------------


def upbit_pages(client: Client, market: str) -> list[dict[str, Any]]:
    """Every candle, newest first: back from the oldest known, which is left out."""
    rows: list[dict[str, Any]] = client.json(UPBIT, market=market, count=200)
    while page := client.json(UPBIT, market=market, count=200, to=rows[-1]["candle_date_time_utc"]):
        rows.extend(page)
    return rows


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


def test_the_archive_holds_the_same_settlements_under_a_true_checksum(world: Client) -> None:
    for symbol, hours in (("BTCUSDT", 8), ("IOUSDT", 4)):
        target = f"{ARCHIVE}/{symbol}/{symbol}-fundingRate-2024-11.zip"
        packed = world.ask(target).content
        assert world.ask(target).content == packed
        checksum = world.ask(f"{target}.CHECKSUM").text
        assert checksum == f"{hashlib.sha256(packed).hexdigest()}  {symbol}-fundingRate-2024-11.zip\n"
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            text = archive.read(f"{symbol}-fundingRate-2024-11.csv").decode()
        header, *rows = csv.reader(io.StringIO(text))
        assert header == ["calc_time", "funding_interval_hours", "last_funding_rate"]
        bounds = {"startTime": at(date(2024, 11, 1)), "endTime": at(date(2024, 12, 1)) - 1}
        rest = world.json(FUNDING, symbol=symbol, limit=1000, **bounds)
        assert rows == [[str(row["fundingTime"]), str(hours), row["fundingRate"]] for row in rest]


@pytest.mark.parametrize("month", ["2024-12", "2024-13", "2019-08"])
def test_the_archive_knows_no_such_key(world: Client, month: str) -> None:
    answer = world.ask(f"{ARCHIVE}/BTCUSDT/BTCUSDT-fundingRate-{month}.zip")
    assert answer.status_code == 404
    assert "<Code>NoSuchKey</Code>" in answer.text


def test_coinbase_pages_in_windows_of_299_days(world: Client) -> None:
    stamps: list[int] = []
    start, last = date(2022, 1, 1), date(2024, 12, 10)
    while start <= last:
        end = min(start + timedelta(days=299), last)
        page = world.json(f"{COINBASE}/BTC-USD/candles", granularity=86400, start=start, end=end)
        newest_first = [row[0] for row in page]
        assert newest_first == sorted(newest_first, reverse=True)
        stamps += reversed(newest_first)
        start = end + timedelta(days=1)
    assert stamps == list(range(stamps[0], stamps[-1] + 1, 86_400))
    assert day_at(stamps[-1] * 1000) == last


def test_coinbase_refuses_in_its_own_words(world: Client) -> None:
    candles = f"{COINBASE}/BTC-USD/candles"
    too_many = world.ask(candles, granularity=86400, start="2024-01-01", end="2024-10-27")
    assert (too_many.status_code, "exceeds 300" in too_many.json()["message"]) == (400, True)
    assert len(world.json(candles, granularity=86400, start="2024-01-01", end="2024-10-26")) == 300
    assert len(world.json(candles, granularity=3600)) == 300
    assert world.ask(candles, granularity=1234).status_code == 400
    assert world.ask(candles, granularity=86400, start="soon", end="later").status_code == 400
    assert world.ask(f"{COINBASE}/BTC-XXX/candles", granularity=86400).json() == {"message": "NotFound"}
    session = requests.Session()
    session.headers.pop("User-Agent")
    with (
        session,
        session.get(f"{world.simulator.url}/{candles}", headers={"User-Agent": ""}, timeout=5) as bare,
    ):
        assert bare.status_code == 400


@pytest.mark.parametrize("market", ["KRW-BTC", "KRW-USDT", "KRW-USDC"])
def test_upbit_pages_backward(world: Client, market: str) -> None:
    days = [date.fromisoformat(row["candle_date_time_utc"][:10]) for row in upbit_pages(world, market)]
    assert days[0] == date(2024, 12, 10)
    assert all(later - earlier == timedelta(days=1) for later, earlier in pairwise(days))


def test_upbit_sends_one_candle_unless_asked_and_leaves_the_bound_out(world: Client) -> None:
    assert len(world.json(UPBIT, market="KRW-BTC")) == 1
    until = world.json(UPBIT, market="KRW-BTC", to="2024-12-09T00:00:00Z")
    assert until[0]["candle_date_time_utc"] == "2024-12-08T00:00:00"
    assert until[0]["candle_date_time_kst"] == "2024-12-08T09:00:00"
    assert world.json(UPBIT, market="KRW-BTC", to="2024-12-09 09:00:01+09:00")[0] != until[0]
    refused = [
        world.ask(UPBIT),
        world.ask(UPBIT, market="KRW-BTC", count=201),
        world.ask(UPBIT, market="KRW-BTC", count="many"),
        world.ask(UPBIT, market="KRW-NOPE"),
    ]
    assert [answer.status_code for answer in refused] == [400, 400, 400, 404]
    assert all(set(answer.json()["error"]) == {"name", "message"} for answer in refused)


def test_the_ecb_fixes_on_its_business_days_only(world: Client) -> None:
    def fixed(path: str) -> list[str]:
        return list(world.json(f"{FRANKFURTER}/{path}?base=USD&symbols=KRW")["rates"])

    assert fixed("2024-12-07..2024-12-09") == ["2024-12-06", "2024-12-09"]
    assert fixed("2023-12-23..2024-01-03") == [
        "2023-12-22", "2023-12-27", "2023-12-28", "2023-12-29", "2024-01-02", "2024-01-03",
    ]  # fmt: skip
    assert fixed("2024-03-29..2024-05-02")[:2] == ["2024-03-28", "2024-04-02"]
    assert "2024-05-01" not in fixed("2024-04-30..2024-05-02")
    assert fixed("2024-01-02..2024-06-28") + fixed("2024-07-01..") == fixed("2024-01-02..")
    assert world.json(f"{FRANKFURTER}/2024-12-08?base=USD&symbols=KRW")["date"] == "2024-12-06"
    for path in (
        "2024-12-08?base=USD&symbols=XXX",
        "2024-12-08..2024-12-09",
        "yesterday?base=USD&symbols=KRW",
    ):
        assert world.ask(f"{FRANKFURTER}/{path}").status_code == 404


def test_fred_cuts_at_both_bounds_and_lists_holidays_as_empty(world: Client) -> None:
    whole = world.table("RRPONTSYD", cosd="2024-11-01", coed="2024-12-09")
    halves = world.table("RRPONTSYD", cosd="2024-11-01", coed="2024-11-20") | world.table(
        "RRPONTSYD", cosd="2024-11-21", coed="2024-12-09"
    )
    assert whole == halves
    assert [day for day, value in whole.items() if not value] == [date(2024, 11, 11), date(2024, 11, 28)]
    assert all(day.weekday() < 5 for day in whole)
    assert {day.weekday() for day in world.table("WALCL")} == {2}
    assert len({day.weekday() for day in world.table("DFF")}) == 7
    assert re.fullmatch(r"\d\.\d\d", world.table("DGS1")[CRASH - timedelta(days=3)])
    wrong = world.ask(FRED, id="NOPE")
    assert (wrong.status_code, "html" in wrong.headers["Content-Type"]) == (404, True)
    assert world.ask(FRED, id="DFF", cosd="soon").status_code == 400


def test_defillama_refuses_in_its_own_words(world: Client) -> None:
    unknown = world.ask(f"{STABLECOIN}/99999")
    assert (unknown.status_code, unknown.text) == (404, "Invalid request")
    not_launched = world.ask(f"{STABLECOIN}/262")
    assert (not_launched.status_code, not_launched.text) == (404, "Invalid request")
    bad = world.ask(f"{YIELDS}/nonsense")
    assert (bad.status_code, bad.json()) == (400, "invalid configID!")
    assert world.json(f"{YIELDS}/00000000-0000-0000-0000-000000000000")["data"] == []
    assert world.ask(f"yields.llama.fi/chartLendBorrow/{AAVE_USDC}").status_code == 402


def test_every_host_answers_what_it_does_not_know_with_an_error(world: Client) -> None:
    for host, page in pages_by_host().items():
        answer = world.ask(f"{host}/no/such/path")
        # 401: whoever wants a key asks for it first; some put their errors into a 200.
        assert answer.status_code in (400, 401, 404) or not page.rows(answer.json()), host
    assert world.ask("example.org/").status_code == 502


@pytest.mark.parametrize(
    ("target", "budget", "says_when"),
    [
        (f"{COINBASE}/BTC-USD/candles?granularity=86400", 10, False),
        (f"{UPBIT}?market=KRW-BTC", 10, False),
        ("fapi.binance.com/fapi/v1/time", 500, True),
        (f"{YIELDS}/nonsense", 500, True),
    ],
)
def test_rate_limits_refuse_in_the_providers_shape(target: str, budget: int, *, says_when: bool) -> None:
    for client in served(limits=True):
        codes = [client.ask(target).status_code for _ in range(budget)]
        assert 429 not in codes
        refused = client.ask(target)
        assert refused.status_code == 429
        assert ("Retry-After" in refused.headers) is says_when


def test_an_endpoint_with_a_limit_of_its_own_is_counted_by_itself_and_in_hasty_time() -> None:
    status = "api-pub.bitfinex.com/v2/status/deriv/tBTCF0:USTF0/hist"
    liquidations = "api-pub.bitfinex.com/v2/liquidations/hist"
    for client in served(limits=True):
        assert [client.ask(liquidations).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert client.ask(status).status_code == 200
    for client in served(limits=True, haste=1e9):
        assert {client.ask(liquidations).status_code for _ in range(4)} == {200}


# --- Time -----------------------------------------------------------------------------------------


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


def test_a_lending_pool_has_a_live_row_for_today(own: Client) -> None:
    own.simulator.now = moment("2024-12-10T00:00:30")
    stamps = [row["timestamp"] for row in own.json(f"{YIELDS}/{AAVE_USDT}")["data"]]
    assert stamps[-1].startswith("2024-12-09T23:01:")
    own.simulator.now = moment("2024-12-10T12:30:00")
    live = [row["timestamp"] for row in own.json(f"{YIELDS}/{AAVE_USDT}")["data"]]
    assert live[:-1] == stamps
    assert live[-1].startswith("2024-12-10T12:01:")


def test_time_stands_still_and_a_naive_one_is_refused(world: Client) -> None:
    assert world.ask("api.binance.com/api/v3/ping").headers["Date"] == "Tue, 10 Dec 2024 12:30:00 GMT"
    assert world.json("api.binance.com/api/v3/time")["serverTime"] == at(date(2024, 12, 10), 12.5)
    with pytest.raises(ValueError, match="naive"):
        Simulator(now=datetime(2024, 12, 10))  # noqa: DTZ001  the very thing that is refused


# --- The server -----------------------------------------------------------------------------------


def test_requests_are_counted_and_remembered(own: Client) -> None:
    own.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d")
    own.ask(f"{UPBIT}?market=KRW-BTC&to=2024-12-09T00%3A00%3A00Z")
    own.ask(f"{UPBIT}?market=KRW-BTC")
    assert own.simulator.counts == {"data-api.binance.vision": 1, "api.upbit.com": 2}
    assert own.simulator.requests[1] == (
        "api.upbit.com",
        "/v1/candles/days",
        "market=KRW-BTC&to=2024-12-09T00:00:00Z",
    )


def test_long_answers_are_squeezed_and_connections_kept(world: Client) -> None:
    long = world.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d")
    short = world.ask(f"{KLINES}?symbol=BTCUSDT&interval=1d&limit=1")
    assert (long.headers.get("Content-Encoding"), short.headers.get("Content-Encoding")) == ("gzip", None)
    plain = requests.get(long.url, headers={"Accept-Encoding": "identity"}, timeout=5)
    assert plain.content == long.content
    assert long.raw.version == 11
    assert "Connection" not in long.headers
    head = requests.head(long.url, timeout=5)
    assert (head.status_code, head.content) == (200, b"")


def test_it_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "flows.simulator", "--now", "2024-12-10T00:30:00Z", "--seed", "3"]
    root = ROOT
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", ready)
        assert url is not None
        assert requests.get(f"{url[0]}/api.binance.com/api/v3/ping", timeout=5).json() == {}
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0


def test_many_clients_at_once_see_one_world(world: Client, own: Client) -> None:
    targets = [f"{KLINES}?symbol=ZZ{number:02d}USDT&interval=1h&limit=300" for number in range(8)] * 3
    with ThreadPoolExecutor(12) as pool:
        bodies = list(pool.map(lambda target: own.ask(target).content, targets))
    assert bodies == [world.ask(target).content for target in targets]


# --- Misbehaviour ---------------------------------------------------------------------------------

BITCOIN = f"{KLINES}?symbol=BTCUSDT&interval=1d&limit=10"


def test_a_status_comes_as_often_as_told_then_all_is_well(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines.*BTCUSDT", "status", times=2, status=429, retry_after=3)])
    answers = [own.ask(BITCOIN) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert answers[0].json()["code"] == -1003
    assert own.ask(f"{UPBIT}?market=KRW-BTC").status_code == 200


def test_always_and_every_count_matching_requests(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines", "status", times="always", every=3, status=503)])
    assert [own.ask(BITCOIN).status_code for _ in range(7)] == [200, 200, 503, 200, 200, 503, 200]
    own.simulator.misbehave([])
    assert {own.ask(BITCOIN).status_code for _ in range(4)} == {200}


@pytest.mark.parametrize("target", EVERY_PROVIDER)
def test_errors_keep_each_providers_shape(own: Client, target: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "status", status=500), Misbehaviour(".", "envelope")])
    failed, wrapped = own.ask(target), own.ask(target)
    assert (failed.status_code, wrapped.status_code) == (500, 200)
    rows = own.ask(target)
    assert wrapped.content != rows.content
    assert failed.headers["Content-Type"].split(";")[0] == wrapped.headers["Content-Type"].split(";")[0]


def test_a_block_page_is_html(own: Client) -> None:
    own.simulator.misbehave([Misbehaviour("klines", "html"), Misbehaviour("klines", "html", status=200)])
    blocked, disguised = own.ask(BITCOIN), own.ask(BITCOIN)
    assert (blocked.status_code, disguised.status_code) == (403, 200)
    assert blocked.headers["Content-Type"] == "text/html"
    assert "<HTML>" in blocked.text


def rows_in(answer: requests.Response) -> int:
    """How many rows an answer of any provider holds."""
    kind = answer.headers["Content-Type"]
    if kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            return len(archive.read(archive.namelist()[0]).splitlines()) - 1
    if kind == "application/csv":
        return len(answer.text.splitlines()) - 1
    document = answer.json()
    return len(
        document
        if isinstance(document, list)
        else next(document[k] for k in ("rates", "data", "tokens") if k in document)
    )


@pytest.mark.parametrize("target", EVERY_PROVIDER)
def test_rows_vanish_from_every_provider(own: Client, target: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "empty"), Misbehaviour(".", "drop", drop_every=5)])
    empty, thinned, whole = own.ask(target), own.ask(target), own.ask(target)
    assert empty.status_code == thinned.status_code == 200
    assert rows_in(empty) == 0
    assert rows_in(thinned) == rows_in(whole) - rows_in(whole) // 5


@pytest.mark.parametrize(
    ("target", "key"),
    [
        (f"{FUNDING}?symbol=ETHUSDT", "fundingRate"),
        (f"{UPBIT}?market=KRW-USDT", "candle_acc_trade_price"),
        (f"{YIELDS}/{AAVE_USDC}", "apyBase"),
        (f"{STABLECOIN}/1", "circulating"),
        (f"{FRED}?id=WALCL", "observation_date"),
    ],
)
def test_a_key_changes_its_name(own: Client, target: str, key: str) -> None:
    own.simulator.misbehave([Misbehaviour(".", "shape", key=key, rename="novelty")])
    spoilt, whole = own.ask(target).text, own.ask(target).text
    assert re.findall(rf"\b{key}\b", spoilt) == []
    assert len(re.findall(rf"\b{key}\b", whole)) == spoilt.count("novelty") > 0


def test_a_spoilt_archive_still_fits_its_checksum(own: Client) -> None:
    target = NOVEMBER
    rule = Misbehaviour("fundingRate", "shape", times="always", key="last_funding_rate", rename="rate")
    own.simulator.misbehave([rule])
    packed, checksum = own.ask(target).content, own.ask(f"{target}.CHECKSUM").text
    assert checksum.split("  ")[0] == hashlib.sha256(packed).hexdigest()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read(archive.namelist()[0]).startswith(b"calc_time,funding_interval_hours,rate\n")


@pytest.mark.parametrize("kind", ["truncate", "stall", "reset"])
def test_a_broken_connection_breaks_only_its_own_request(own: Client, kind: Any) -> None:
    own.simulator.misbehave([Misbehaviour("klines", kind, seconds=0.1)])
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        own.ask(BITCOIN)
    assert len(own.json(BITCOIN)) == 10


def test_a_stall_outlasts_a_patient_reader_but_not_the_server() -> None:
    for client in served():
        client.simulator.misbehave([Misbehaviour("klines", "stall", seconds=60)])
        with pytest.raises((requests.Timeout, requests.ConnectionError)):
            requests.get(f"{client.simulator.url}/{BITCOIN}", timeout=0.2)


@pytest.mark.parametrize(
    "options",
    [
        {"match": ".", "kind": "rudeness"},
        {"match": "(", "kind": "html"},
        {"match": ".", "kind": "shape", "key": "date"},
        {"match": ".", "kind": "drop", "drop_every": 0},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, re.error)):
        Misbehaviour(**options)


# --- The shape of recorded answers ----------------------------------------------------------------

RECORDINGS = SHARED / "recordings"

# A recording (one pattern each), and the request that should be answered in the same shape.
SAME_SHAPE = {
    "binance/spot_klines_BTCUSDT_1d_*.json": f"{KLINES}?symbol=BTCUSDT&interval=1d",
    "binance/spot_klines_BTCUSDT_1h_*.json": f"{KLINES}?symbol=BTCUSDT&interval=1h",
    "binance/usdm_fundingRate_*.json": f"{FUNDING}?symbol=BTCUSDT",
    "binance/usdm_fundingInfo.json": "fapi.binance.com/fapi/v1/fundingInfo",
    "coinbase/candles_BTC-USD_86400.json": f"{COINBASE}/BTC-USD/candles?granularity=86400",
    "upbit/candles_days_KRW-BTC*.json": f"{UPBIT}?market=KRW-BTC&count=200",
    "upbit/error_missing_market.json": f"{UPBIT}?count=1",
    "frankfurter/timeseries_*.json": f"{FRANKFURTER}/2024-12-01..2024-12-09?base=USD&symbols=KRW",
}
# Keys that the provider added after its answers were recorded; its documentation shows them.
ADDED_SINCE = {"markPrice"}


def recorded(patterns: list[str]) -> list[Any]:
    """Every recorded file of these patterns, with its pattern; one skipped case where there is none."""
    found = [(pattern, path) for pattern in patterns for path in sorted(RECORDINGS.glob(pattern))]
    nothing = pytest.mark.skip(reason="no folder of recorded answers beside this checkout")
    cases = [pytest.param(pattern, path, id=path.name) for pattern, path in found]
    return cases or [pytest.param("", RECORDINGS, marks=nothing, id="none")]


def kind_of(value: Any) -> str:
    """What a scalar is on the wire; whole numbers of a likely size are told apart as stamps."""
    if value is None or isinstance(value, bool):
        return type(value).__name__
    if isinstance(value, int) and 10**9 < value < 10**10:
        return "seconds"
    if isinstance(value, int) and 10**12 < value < 10**13:
        return "milliseconds"
    if isinstance(value, int | float):
        return "number"
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "number as text"
    return re.sub(r"\d", "9", value) if re.match(r"\d{4}-\d\d-\d\d", value) else "text"


def shape(document: Any) -> Any:
    """A document without its values: keys, kinds, lengths of rows."""
    if isinstance(document, dict):
        merged: dict[str, Any] = {}
        for key, value in document.items():
            name = re.sub(r"^\d{4}-\d\d-\d\d$", "(a day)", re.sub(r"^[A-Z]{3}$", "(a currency)", key))
            merged[name] = joined(merged.get(name), shape(value))
        return merged
    if isinstance(document, list):
        if document and isinstance(document[0], dict | list):
            together = None
            for item in document:
                together = joined(together, shape(item))
            return [together]
        return tuple(kind_of(value) for value in document)
    return kind_of(document)


def joined(one: Any, other: Any) -> Any:
    """The shape that both shapes fit; they must agree."""
    if one is None:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: joined(one.get(key), other.get(key, one.get(key))) for key in one | other}
    assert one == other
    return one


def order(document: Any) -> str:
    """In which direction time runs through the rows."""
    rows = document if isinstance(document, list) else list(document.get("rates", {}))
    stamps = [row[0] if isinstance(row, list) else row for row in rows]
    if stamps and isinstance(stamps[0], dict):
        stamps = [row.get("fundingTime", row.get("candle_date_time_utc", "")) for row in stamps]
    return "oldest first" if stamps == sorted(stamps) else "newest first"


@pytest.mark.parametrize(("pattern", "path"), recorded(list(SAME_SHAPE)))
def test_pages_have_the_shape_of_recorded_answers(world: Client, pattern: str, path: Path) -> None:
    real, ours = json.loads(path.read_text()), world.ask(SAME_SHAPE[pattern]).json()
    our_shape = shape(ours)
    if isinstance(our_shape, list) and isinstance(our_shape[0], dict):
        for key in ADDED_SINCE - set(shape(real)[0]):
            our_shape[0].pop(key, None)
    assert our_shape == shape(real)
    if len(real) > 1 and "Info" not in pattern:
        assert order(ours) == order(real)


TABLES = {
    "fred/fredgraph_WALCL.csv": f"{FRED}?id=WALCL",
    "fred/fredgraph_RRPONTSYD.csv": f"{FRED}?id=RRPONTSYD",
    "fred/fredgraph_DFF.csv": f"{FRED}?id=DFF",
    "doc-examples/binance-vision/um_fundingRate_BTCUSDT.csv": NOVEMBER,
}


def table_shape(text: str) -> tuple[list[str], list[set[str]]]:
    """The header, and the kinds of value in each column; an empty field is `text`."""
    header, *rows = csv.reader(io.StringIO(text))
    columns: list[set[str]] = [set() for _ in header]
    for row in rows:
        assert len(row) == len(header)
        for column, field in zip(columns, row, strict=True):
            stamp = field.isdigit() and len(field) == 13
            column.add("milliseconds" if stamp else kind_of(field))
    return header, columns


@pytest.mark.parametrize(("pattern", "path"), recorded(list(TABLES)))
def test_tables_have_the_shape_of_recorded_ones(world: Client, pattern: str, path: Path) -> None:
    answer = world.ask(TABLES[pattern])
    if pattern.startswith("doc-examples"):
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    else:
        text = answer.text
    assert table_shape(text) == table_shape(path.read_text())


@pytest.mark.parametrize(("pattern", "path"), recorded(["doc-examples/defillama/chart_pool.json"]))
def test_yields_have_the_documented_keys(world: Client, pattern: str, path: Path) -> None:
    documented, ours = json.loads(path.read_text()), world.json(f"{YIELDS}/{AAVE_USDC}")
    assert set(ours) == set(documented), pattern
    assert set(documented["data"][0]) <= set(ours["data"][0])
    stamp = shape(documented["data"])[0]["timestamp"]
    assert {shape(row)["timestamp"] for row in ours["data"]} == {stamp}


@pytest.mark.parametrize(("pattern", "path"), recorded(["defillama/stablecoins_withprices_*.json"]))
def test_stablecoins_are_described_as_in_recorded_lists(world: Client, pattern: str, path: Path) -> None:
    listed = {coin["id"]: coin for coin in json.loads(path.read_text())["peggedAssets"]}
    for coin in STABLECOINS:
        ours = world.json(f"{STABLECOIN}/{coin}")
        if coin in listed:
            assert ours["symbol"].upper() == listed[coin]["symbol"].upper(), pattern
            for key in ("id", "name", "gecko_id", "pegType", "pegMechanism"):
                assert ours[key] == listed[coin][key]
            assert set(ours["tokens"][-1]["circulating"]) == set(listed[coin]["circulating"])
            assert set(ours["chainBalances"]) <= set(listed[coin]["chainCirculating"])
