"""Spot prices: scripted coins, invented ones for any other ticker, and the prices of venues that follow another."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache

from flows.simulator.candles import Candle, Series
from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_MS, millis_of, number_of
from flows.simulator.script import ACTIVITY, COINS, CRASH, CRASH_EVE, PEGGED, Coin
from flows.simulator.seeded_random import bell, key_of, unit

OLDEST = datetime(2017, 8, 17, tzinfo=UTC)  # when the main venue opened; nothing traded before

# Bitcoin first passed 100,000 on 2024-12-05; no random price may pass it earlier.
_BITCOIN_CEILING = 99_600.0
_BITCOIN_FREE = number_of(date(2024, 12, 5))

Extremes = Mapping[date, tuple[float | None, float | None]]


def _invented(ticker: str, seed: int) -> Coin:
    """A plausible coin for a ticker that the script does not have; it trades since the main venue opened."""
    key = key_of(seed, ticker, "invented")
    price = 10 ** (4 * unit(key, 1) - 2)
    decimals = max(2, 5 - math.floor(math.log10(price)))
    growth = math.exp(1.2 * unit(key, 2) - 0.3)
    closes = {date(2023, 6, 1): price, CRASH_EVE: price * growth}
    return Coin(OLDEST, decimals, 10 ** (6.5 + 1.5 * unit(key, 3)), closes=closes)


def _with_crash(ticker: str, coin: Coin, seed: int) -> dict[date, float]:
    """The scripted closes, and that of the day of the crash."""
    if CRASH in coin.closes:
        return coin.closes
    drawn = -0.08 - 0.12 * unit(key_of(seed, ticker, "crash"), 0)
    change = drawn if coin.crash is None else coin.crash
    eve = round(coin.closes[CRASH_EVE], coin.decimals)
    return {**coin.closes, CRASH: eve * (1 + change)}


class Spot:
    """Every pair against USDT at the main spot venue.

    Attributes:
        series: The pair of a ticker; an unknown ticker has invented prices.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.bitcoin = Curve("BTC", COINS["BTC"].closes, Character(wobble=0.017, drift=0.22), seed=seed)
        self.activity = Curve("activity", ACTIVITY, Character(wobble=0.05, drift=0.15), seed=seed)
        self.series: Callable[[str], Series] = cache(self._build)

    def coin(self, ticker: str) -> Coin:
        """The coin of the script, or an invented one."""
        if ticker in PEGGED:
            return Coin(OLDEST, 4, 5e7)
        return COINS.get(ticker) or _invented(ticker, self._seed)

    def open(self, ticker: str, hour: int) -> float:
        """The price at a full hour, given as hours since 1970, in USDT."""
        return self.series(ticker).hour(hour).open

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
        return Series(key, millis_of(coin.listed), coin.decimals, make_day)

    def _capped_bitcoin(self, day: int) -> float:
        price = self.bitcoin.at(day)
        return min(price, _BITCOIN_CEILING) if day < _BITCOIN_FREE else price

    def _days(self, ticker: str, coin: Coin, price: Callable[[int], float], spread: float) -> Callable[[int], Candle]:
        """The function that makes a day of a pair: it opens at the close of the day before."""
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
            scripted_low, scripted_high = extremes.get(day, (None, None))
            low = low if scripted_low is None else scripted_low
            high = high if scripted_high is None else scripted_high
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


def mirrored(
    leader: Series,
    key: int,
    decimals: int,
    price: Callable[[int], float],
    turnover: Callable[[int], float],
    *,
    extremes: Extremes | None = None,
    first_ms: int = 0,
) -> Series:
    """A pair that rises and falls with another one in the same hours, at its own price.

    Args:
        leader: The pair that it follows.
        key: The key of its random numbers.
        decimals: Digits after the point; negative if the tick is a round thousand.
        price: Its price at the end of a day, rounded to its tick.
        turnover: Its turnover of a day, in its quote currency.
        extremes: Low and high of scripted days, in its quote currency.
        first_ms: When it was listed, if that was after the leader.
    """
    scripted = {number_of(day): pair for day, pair in (extremes or {}).items()}

    def make_day(day: int) -> Candle:
        opened, close = price(day - 1), price(day)
        leading = leader.day(day)
        low, high = scripted.get(day, (None, None))
        low = round(leading.low * close / leading.close, decimals) if low is None else low
        high = round(leading.high * close / leading.close, decimals) if high is None else high
        low, high = min(low, opened, close), max(high, opened, close)
        traded = turnover(day)
        volume = round(traded / ((opened + high + low + close) / 4), 8)
        return Candle(day * DAY_MS, opened, high, low, close, volume, traded)

    return Series(key, max(first_ms, leader.first_ms), decimals, make_day, leader)


def follower(
    leader: Series,
    key: int,
    decimals: int,
    *,
    noise: float,
    level: float = 1.0,
    share: float = 1.0,
    spread: tuple[float, float] = (0.8, 0.4),
    stream: int = 4,
) -> Series:
    """A pair whose price is near that of another one.

    Args:
        leader: The pair that it follows.
        key: The key of its random numbers.
        decimals: Digits after the point; negative if the tick is a round thousand.
        noise: Standard deviation of its close against the leader's, as a fraction.
        level: Its mean price, as a multiple of the leader's.
        share: Its turnover, as a multiple of the leader's.
        spread: The smallest factor of the turnover of a day, and the range above it.
        stream: The stream of random numbers of the turnover.
    """

    def price(day: int) -> float:
        return float(round(leader.day(day).close * (level + noise * bell(key, day)), decimals))

    def turnover(day: int) -> float:
        return leader.day(day).turnover * share * (spread[0] + spread[1] * unit(key, day, stream))

    return mirrored(leader, key, decimals, price, turnover)


# Coinbase less Binance at the end of the day, in USD, as published.
_PREMIUM_USD = {number_of(date(2024, 12, 4)): 159.0, number_of(date(2024, 12, 9)): 48.0}
_PREMIUM = {date(2023, 6, 1): 0.9999, date(2024, 8, 5): 0.9994, date(2024, 11, 12): 1.0008, CRASH: 1.0005}


class Coinbase:
    """The dollar venue: the same coins within a fifth of a percent of the main venue.

    Attributes:
        series: The pair of a ticker against dollars.
    """

    def __init__(self, spot: Spot, seed: int) -> None:
        self._spot, self._seed = spot, seed
        character = Character(wobble=0.0001, drift=0.0001, low=0.9988, high=1.0012)
        self._premium = Curve("coinbase premium", _PREMIUM, character, seed=seed)
        self.series: Callable[[str], Series] = cache(self._build)

    def _build(self, ticker: str) -> Series:
        leader, decimals = self._spot.series(ticker), self._spot.coin(ticker).decimals
        key = key_of(self._seed, ticker, "coinbase")

        def price(day: int) -> float:
            close = leader.day(day).close
            if ticker == "BTC" and day in _PREMIUM_USD:
                return round(close + _PREMIUM_USD[day], decimals)
            return round(close * (self._premium.at(day) + 0.0001 * bell(key, day)), decimals)

        def turnover(day: int) -> float:
            return leader.day(day).turnover * (0.3 + 0.1 * unit(key, day, 4))

        return mirrored(leader, key, decimals, price, turnover)
