"""Spot prices: scripted coins, invented ones for any other ticker, and what another venue makes of them."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import NamedTuple

from flows.simulator.candles import Candle, Series
from flows.simulator.chance import bell, key_of, unit
from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_MS, millis_of, number_of
from flows.simulator.script import ACTIVITY, COINS, CRASH, CRASH_EVE, PEGGED, SCENES, Coin

OLDEST = datetime(2017, 8, 17, tzinfo=UTC)  # nothing traded before the venue opened
SCENES_BY_NUMBER = {number_of(day): scene for day, scene in SCENES.items()}

# Bitcoin first passed 100,000 on 2024-12-05; chance must not pass it earlier.
_BITCOIN_CEILING = 99_600.0
_BITCOIN_FREE = number_of(date(2024, 12, 5))


def _invented(ticker: str, seed: int) -> Coin:
    """A plausible coin for a ticker that the script does not know; it trades since the venue opened."""
    key = key_of(seed, ticker, "invented")
    price = 10 ** (4 * unit(key, 1) - 2)
    decimals = max(2, 5 - math.floor(math.log10(price)))
    growth = math.exp(1.2 * unit(key, 2) - 0.3)
    closes = {date(2023, 6, 1): price, CRASH_EVE: price * growth}
    return Coin(OLDEST, decimals, 10 ** (6.5 + 1.5 * unit(key, 3)), closes=closes)


def _with_crash(ticker: str, coin: Coin, seed: int) -> dict[date, float]:
    """The scripted closes, with the crash day filled in."""
    if CRASH in coin.closes:
        return coin.closes
    drawn = -0.08 - 0.12 * unit(key_of(seed, ticker, "crash"), 0)
    change = drawn if coin.crash is None else coin.crash
    eve = round(coin.closes[CRASH_EVE], coin.decimals)
    return {**coin.closes, CRASH: eve * (1 + change)}


class Spot:
    """Every pair against the dollar at the main spot venue."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.bitcoin = Curve("BTC", COINS["BTC"].closes, Character(wobble=0.017, drift=0.22), seed=seed)
        self.activity = Curve("activity", ACTIVITY, Character(wobble=0.05, drift=0.15), seed=seed)
        self._series: dict[str, Series] = {}

    def coin(self, ticker: str) -> Coin:
        """What the script knows of a coin, or an invented one."""
        if ticker in PEGGED:
            return Coin(OLDEST, 4, 5e7)
        return COINS.get(ticker) or _invented(ticker, self._seed)

    def series(self, ticker: str) -> Series:
        """The pair TICKER against USDT; an unknown ticker gets a path of its own."""
        series = self._series.get(ticker)
        if series is None:
            series = self._series[ticker] = self._build(ticker)
        return series

    def _build(self, ticker: str) -> Series:
        coin = self.coin(ticker)
        key = key_of(self._seed, ticker, "spot")
        if ticker in PEGGED:
            make_day = self._days(ticker, coin, lambda day: 1 + 0.0004 * bell(key, day, 12), spread=0.0004)
        elif ticker == "BTC":
            make_day = self._days(ticker, coin, self._capped_bitcoin, spread=0.012)
        else:
            character = Character(wobble=0.022, drift=0.3, beta=1.15)
            closes = _with_crash(ticker, coin, self._seed)
            curve = Curve(ticker, closes, character, seed=self._seed, follows=self.bitcoin)
            make_day = self._days(ticker, coin, curve.at, spread=0.018)
        return Series(key, millis_of(coin.listed), coin.decimals, make_day, SCENES_BY_NUMBER)

    def _capped_bitcoin(self, day: int) -> float:
        price = self.bitcoin.at(day)
        return min(price, _BITCOIN_CEILING) if day < _BITCOIN_FREE else price

    def _days(self, ticker: str, coin: Coin, price: Callable[[int], float], spread: float) -> Callable[[int], Candle]:
        """How to make one day of a pair: it opens where the day before closed."""
        key = key_of(self._seed, ticker, "days")
        extremes = {number_of(day): pair for day, pair in coin.extremes.items()}
        calm = 1.0 if ticker in PEGGED else 12.0
        tick = 10.0**-coin.decimals

        def make_day(day: int) -> Candle:
            opened = max(round(price(day - 1), coin.decimals), tick)
            close = max(round(price(day), coin.decimals), tick)
            low = min(opened, close) * (1 - spread * abs(bell(key, day, 1)))
            high = max(opened, close) * (1 + spread * abs(bell(key, day, 2)))
            if ticker == "BTC" and day < _BITCOIN_FREE:
                high = max(opened, close, min(high, _BITCOIN_CEILING))
            told_low, told_high = extremes.get(day, (None, None))
            low = low if told_low is None else told_low
            high = high if told_high is None else told_high
            change = abs(close / opened - 1)
            busy = self.activity.at(day) * math.exp(0.2 * bell(key, day, 3)) * (1 + calm * change)
            turnover = coin.turnover_usd * busy
            middle = (opened + high + low + close) / 4
            return Candle(
                day * DAY_MS,
                opened,
                round(high, coin.decimals),
                max(round(low, coin.decimals), tick),
                close,
                round(turnover / middle, 5),
                turnover,
            )

        return make_day


class Mirror(NamedTuple):
    """How one venue's pair follows another's.

    Attributes:
        leader: The pair that is followed.
        price: This venue's own price at the end of a day, already rounded to its tick.
        decimals: Digits after the point; negative where the tick is a round thousand.
        turnover: What trades here on a day, in this pair's quote currency.
        extremes: Low and high of scripted days, in this pair's quote currency.
    """

    leader: Series
    price: Callable[[int], float]
    decimals: int
    turnover: Callable[[int], float]
    extremes: dict[date, tuple[float | None, float | None]]


def mirrored(mirror: Mirror, key: int, first_ms: int) -> Series:
    """A pair whose days rise and fall with the leader's, at a price of its own."""
    extremes = {number_of(day): pair for day, pair in mirror.extremes.items()}

    def make_day(day: int) -> Candle:
        opened, close = mirror.price(day - 1), mirror.price(day)
        leader = mirror.leader.day(day)
        told_low, told_high = extremes.get(day, (None, None))
        low = round(leader.low * close / leader.close, mirror.decimals) if told_low is None else told_low
        high = round(leader.high * close / leader.close, mirror.decimals) if told_high is None else told_high
        low, high = min(low, opened, close), max(high, opened, close)
        turnover = mirror.turnover(day)
        volume = round(turnover / ((opened + high + low + close) / 4), 8)
        return Candle(day * DAY_MS, opened, high, low, close, volume, turnover)

    first_ms = max(first_ms, mirror.leader.first_ms)
    return Series(key, first_ms, mirror.decimals, make_day, SCENES_BY_NUMBER, mirror.leader)


# Coinbase less Binance at the end of the day, in USD, as published.
_PREMIUM_USD = {date(2024, 12, 4): 159.0, date(2024, 12, 9): 48.0}


class Coinbase:
    """The dollar venue: the same coins within a fifth of a percent of the main one."""

    def __init__(self, spot: Spot, seed: int) -> None:
        self._spot, self._seed = spot, seed
        self._told = {number_of(day): usd for day, usd in _PREMIUM_USD.items()}
        self._mood = Curve(
            "coinbase premium",
            {date(2023, 6, 1): 0.9999, date(2024, 8, 5): 0.9994, date(2024, 11, 12): 1.0008, CRASH: 1.0005},
            Character(wobble=0.0001, drift=0.0001, low=0.9988, high=1.0012),
            seed=seed,
        )
        self._series: dict[str, Series] = {}

    def series(self, ticker: str) -> Series:
        """The pair TICKER-USD."""
        series = self._series.get(ticker)
        if series is None:
            series = self._series[ticker] = self._build(ticker)
        return series

    def _build(self, ticker: str) -> Series:
        leader, coin = self._spot.series(ticker), self._spot.coin(ticker)
        key = key_of(self._seed, ticker, "coinbase")

        def price(day: int) -> float:
            close = leader.day(day).close
            if ticker == "BTC" and day in self._told:
                return round(close + self._told[day], coin.decimals)
            noise = 0.0001 * bell(key, day)
            return round(close * (self._mood.at(day) + noise), coin.decimals)

        def turnover(day: int) -> float:
            return leader.day(day).turnover * (0.3 + 0.1 * unit(key, day, 4))

        mirror = Mirror(leader, price, coin.decimals, turnover, {})
        return mirrored(mirror, key, millis_of(OLDEST))
