"""Rates of three lending pools, in percent per year: as observed near 23:01 UTC, and as they are from hour to hour."""

from datetime import date
from typing import NamedTuple

from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_S, HOUR_MS, SECOND_MS, number_of
from flows.simulator.seeded_random import bell, key_of, unit

LAST_HOUR = 23
FIRST_DAY = number_of(date(2023, 2, 7))

AAVE_USDC = "aa70268e-4b52-42bf-a116-608b370f9501"
AAVE_USDT = "f981a304-bb6c-45b8-b0c5-fd2f515ad23a"
COMPOUND_USDC = "7da72d09-56ca-4ec5-a45f-59114353e487"

_CALM = Character(wobble=0.12, drift=0.15, low=3.2, high=11.0)

# The liquidity of each pool on a calm day, in USD, and its deposit rate on scripted days, in percent per year.
_LIQUIDITY = {AAVE_USDC: 1.6e8, AAVE_USDT: 2.3e8, COMPOUND_USDC: 4.5e7}
_SCRIPT = {
    AAVE_USDC: {
        date(2023, 6, 1): 3.4, date(2023, 11, 1): 5.0, date(2024, 3, 5): 10.2, date(2024, 4, 20): 7.5,
        date(2024, 8, 1): 5.2, date(2024, 9, 15): 4.0, date(2024, 11, 1): 5.5, date(2024, 11, 20): 8.0,
        date(2024, 12, 1): 9.8, date(2024, 12, 2): 34.0, date(2024, 12, 3): 16.0, date(2024, 12, 4): 21.0,
        date(2024, 12, 5): 46.0, date(2024, 12, 6): 18.0, date(2024, 12, 7): 9.5, date(2024, 12, 8): 20.0,
        date(2024, 12, 9): 19.0, date(2024, 12, 10): 12.0, date(2024, 12, 31): 8.5,
    },
    AAVE_USDT: {
        date(2023, 6, 1): 3.3, date(2023, 11, 1): 4.6, date(2024, 3, 5): 10.5, date(2024, 4, 20): 7.0,
        date(2024, 8, 1): 4.8, date(2024, 9, 15): 4.0, date(2024, 11, 1): 4.8, date(2024, 11, 20): 7.2,
        date(2024, 12, 1): 9.2, date(2024, 12, 2): 26.0, date(2024, 12, 3): 13.5, date(2024, 12, 4): 17.0,
        date(2024, 12, 5): 34.0, date(2024, 12, 6): 15.0, date(2024, 12, 7): 8.0, date(2024, 12, 8): 16.0,
        date(2024, 12, 9): 17.5, date(2024, 12, 10): 11.0, date(2024, 12, 31): 7.0,
    },
    COMPOUND_USDC: {
        date(2023, 6, 1): 3.3, date(2023, 11, 1): 4.4, date(2024, 3, 5): 9.0, date(2024, 4, 20): 6.5,
        date(2024, 8, 1): 4.9, date(2024, 9, 15): 3.8, date(2024, 11, 1): 5.2, date(2024, 11, 20): 6.8,
        date(2024, 12, 1): 8.6, date(2024, 12, 2): 14.0, date(2024, 12, 3): 11.0, date(2024, 12, 4): 12.0,
        date(2024, 12, 5): 18.0, date(2024, 12, 6): 13.0, date(2024, 12, 7): 7.0, date(2024, 12, 8): 12.5,
        date(2024, 12, 9): 12.0, date(2024, 12, 10): 9.5, date(2024, 12, 31): 7.5,
    },
}  # fmt: skip

POOLS = frozenset(_SCRIPT)
KEPT_BY_PROTOCOL = 0.1  # of the interest that borrowers pay


def lent_out(supply: float) -> float:
    """The share of the deposits that is lent out, by the deposit rate (a fraction per year)."""
    return 0.6 + 0.35 * supply / (supply + 0.05)


def supply_of(share: float) -> float:
    """The deposit rate, as a fraction per year, by the share that is lent out."""
    return 0.05 * (share - 0.6) / (0.95 - share)


def borrow_of(supply: float) -> float:
    """The borrow rate by the deposit rate, as fractions per year: it rises with the share that is lent out."""
    return supply / (lent_out(supply) * (1 - KEPT_BY_PROTOCOL))


class Observation(NamedTuple):
    """An observation of a pool.

    Attributes:
        at_ms: When it was made, in milliseconds since 1970.
        percent: Deposit rate, in percent per year.
        liquidity_usd: Supplied less borrowed, in USD.
    """

    at_ms: int
    percent: float
    liquidity_usd: int


class Lending:
    """The history of each pool, from 2023-02-07."""

    def __init__(self, seed: int) -> None:
        self._keys = {pool: key_of(seed, pool) for pool in POOLS}
        self._rates = {pool: Curve(pool, script, _CALM, seed=seed) for pool, script in _SCRIPT.items()}

    def history(self, pool: str, now_ms: int) -> list[Observation]:
        """The observation of each past UTC day, and the newest one of today, if there is one yet."""
        today = now_ms // SECOND_MS // DAY_S
        rows = [self._observed(pool, day, LAST_HOUR) for day in range(FIRST_DAY, today)]
        hour = now_ms // HOUR_MS % 24
        live = [self._observed(pool, today, begun) for begun in (hour, hour - 1) if begun >= 0]
        seen = [row for row in live if row.at_ms <= now_ms and today >= FIRST_DAY]
        return [*rows, *seen[:1]]

    def standing(self, pool: str, hour: int) -> float:
        """The deposit rate, in percent per year, from soon after an hour on, given as hours since 1970.

        In the last hour of a day it is the rate observed near 23:01 UTC; until then it moves there from the day before.
        """
        day, of_day = divmod(hour, 24)
        before, after = self._rates[pool].at(day - 1), self._rates[pool].at(day)
        if of_day == LAST_HOUR:
            return round(after, 5)
        level = before + (after - before) * (of_day + 1) / 24
        return round(level * (1 + 0.03 * bell(self._keys[pool], hour, 4)), 5)

    def _observed(self, pool: str, day: int, hour: int) -> Observation:
        key = self._keys[pool]
        rate = self._rates[pool].at(day) if hour == LAST_HOUR else self.standing(pool, day * 24 + hour)
        seconds = day * DAY_S + hour * 3600 + 60
        millis = int(59_999 * unit(key, day * 24 + hour, 2))
        liquidity = _LIQUIDITY[pool] * (6 / rate) ** 0.4 * (1 + 0.05 * bell(key, day, 3))
        return Observation(seconds * SECOND_MS + millis, round(rate, 5), round(liquidity))
