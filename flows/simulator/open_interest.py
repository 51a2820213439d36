"""Open interest of perpetual swaps: it grew through the autumn of 2024 and fell with the price on 9 December."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import NamedTuple

from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, number_of
from flows.simulator.script import CRASH
from flows.simulator.seeded_random import key_of, unit
from flows.simulator.spot import Spot

STEP_MS = 5 * 60 * SECOND_MS
STEPS_A_DAY = DAY_MS // STEP_MS
JITTER = 0.0007  # the range of a reading around the line between the ends of two days, as a fraction

# Open interest of a swap at the main venue at the end of the day, in coins: near published figures.
_COINS = {
    "BTC": {
        date(2020, 9, 1): 42_000.0, date(2023, 6, 1): 96_000.0, date(2024, 3, 14): 84_000.0, date(2024, 8, 5): 72_000.0,
        date(2024, 11, 5): 82_000.0, date(2024, 11, 22): 98_000.0, date(2024, 12, 5): 106_500.0,
        date(2024, 12, 8): 104_800.0, CRASH: 95_300.0, date(2024, 12, 10): 93_900.0, date(2024, 12, 31): 90_400.0,
    },
    "ETH": {
        date(2020, 9, 1): 410_000.0, date(2023, 6, 1): 1_120_000.0, date(2024, 3, 14): 1_090_000.0,
        date(2024, 8, 5): 1_020_000.0, date(2024, 11, 5): 1_310_000.0, date(2024, 12, 6): 1_790_000.0,
        date(2024, 12, 8): 1_770_000.0, CRASH: 1_520_000.0, date(2024, 12, 10): 1_500_000.0,
        date(2024, 12, 31): 1_440_000.0,
    },
}  # fmt: skip
TICKERS = tuple(_COINS)
_CRASH_DAY = number_of(CRASH)
_FALL_FROM = 21 * HOUR_MS  # the crash came in the evening
_FALL_TO = 22 * HOUR_MS


class Reading(NamedTuple):
    """Open interest at a moment.

    Attributes:
        at_ms: The moment, in milliseconds since 1970.
        coins: Open contracts in coins, each counted once.
        price: The price of a coin then, in USD.
    """

    at_ms: int
    coins: float
    price: float

    @property
    def usd(self) -> float:
        """The value of the open contracts."""
        return self.coins * self.price


class OpenInterest:
    """Open interest at the main venue, and at others that follow it."""

    def __init__(self, spot: Spot, seed: int) -> None:
        self._spot, self._seed = spot, seed
        self._curves = {
            ticker: Curve(f"{ticker} interest", coins, Character(wobble=0.015, drift=0.15), seed=seed)
            for ticker, coins in _COINS.items()
        }

    def readings(
        self, ticker: str, moments: Iterable[int], *, venue: str = "main", share: float = 1.0
    ) -> list[Reading]:
        """Open interest at some moments.

        Args:
            ticker: The coin, one of `TICKERS`.
            moments: The moments in order, in milliseconds since 1970.
            venue: The contract's name; each has its own random numbers.
            share: The open interest of the contract, as a multiple of the main venue's.
        """
        curve, spot = self._curves[ticker], self._spot.series(ticker)
        key = key_of(self._seed, ticker, venue, "readings")
        found = []
        for index, within_hour in groupby(moments, lambda at_ms: at_ms // HOUR_MS):
            hour, day = spot.hour(index), index * HOUR_MS // DAY_MS
            before, after = curve.at(day - 1), curve.at(day)
            for at_ms in within_hour:
                level = before + (after - before) * _passed(day, at_ms % DAY_MS)
                coins = level * share * (1 + JITTER * (unit(key, at_ms // STEP_MS) - 0.5))
                price = hour.open + (hour.close - hour.open) * (at_ms % HOUR_MS) / HOUR_MS
                found.append(Reading(at_ms, round(coins, 3), price))
        return found

    def day_usd(self, ticker: str, day: int, now_ms: int, *, venue: str, share: float) -> tuple[float, ...]:
        """Open, high, low and close of a day in USD, from its hours and its last reading, as far as they have passed.

        Args:
            ticker: The coin, one of `TICKERS`.
            day: The day, as days since 1970.
            now_ms: The moment up to which readings count, in milliseconds since 1970.
            venue: The contract's name.
            share: The open interest of the contract, as a multiple of the main venue's.
        """
        last = (day + 1) * DAY_MS - STEP_MS
        moments = [at_ms for at_ms in (*range(day * DAY_MS, last, HOUR_MS), last) if at_ms <= now_ms]
        usd = [round(reading.usd, 4) for reading in self.readings(ticker, moments, venue=venue, share=share)]
        return usd[0], max(usd), min(usd), usd[-1]


def _passed(day: int, within_ms: int) -> float:
    """The part of a day's change that has happened: it is even, except on the day of the crash."""
    if day != _CRASH_DAY:
        return within_ms / DAY_MS
    return min(max((within_ms - _FALL_FROM) / (_FALL_TO - _FALL_FROM), 0.0), 1.0)
