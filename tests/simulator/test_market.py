"""The scripted market: the published figures of December 2024, and invented days that agree with each other."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from flows.simulator.instants import DAY_MS, number_of
from flows.simulator.market import Market
from tests.simulator.client import (
    AAVE_USDC,
    AAVE_USDT,
    COINBASE,
    COMPOUND_USDC,
    CRASH,
    FRANKFURTER,
    FUNDING,
    KLINES,
    STABLECOIN,
    STABLECOINS,
    UPBIT,
    YIELDS,
    Client,
    at,
    day_at,
    moment,
    served,
    upbit_pages,
)

pytestmark = pytest.mark.slow


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
    """The funding of seven days up to the last one, as a rate per year."""
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
    """The supply at the end of each UTC day; a value stamped at midnight belongs to the day before."""
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
