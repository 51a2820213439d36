"""Rates of three lending pools: in percent a year, as seen near 23:01 UTC, and as they stand from hour to hour."""

from datetime import date
from typing import NamedTuple

from flows.simulator.chance import bell, key_of, unit
from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_S, HOUR_MS, SECOND_MS, number_of

LAST_HOUR = 23
FIRST_DAY = number_of(date(2023, 2, 7))

AAVE_USDC = "aa70268e-4b52-42bf-a116-608b370f9501"
AAVE_USDT = "f981a304-bb6c-45b8-b0c5-fd2f515ad23a"
COMPOUND_USDC = "7da72d09-56ca-4ec5-a45f-59114353e487"

_CALM = Character(wobble=0.12, drift=0.15, low=3.2, high=11.0)

# What liquidity the pool holds on a calm day, in USD, and its yield on scripted days, in percent.
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
KEPT_BY_PROTOCOL = 0.1  # of what borrowers pay


def lent_out(supply: float) -> float:
    """The share of the deposits that is lent out, where depositors get this rate."""
    return 0.6 + 0.35 * supply / (supply + 0.05)


def supply_of(share: float) -> float:
    """What depositors get, where this share is lent out."""
    return 0.05 * (share - 0.6) / (0.95 - share)


def borrow_of(supply: float) -> float:
    """What borrowers pay, where depositors get this: the more is lent out, the dearer it is."""
    return supply / (lent_out(supply) * (1 - KEPT_BY_PROTOCOL))


class Observation(NamedTuple):
    """What a pool paid and held when it was looked at.

    Attributes:
        at_ms: When, in milliseconds since 1970.
        percent: Yearly deposit rate, in percent.
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
        """One row for each past UTC day, and a live one for today, of the rate that stands, once it was looked at."""
        today = now_ms // SECOND_MS // DAY_S
        rows = [self._observed(pool, day, LAST_HOUR) for day in range(FIRST_DAY, today)]
        hour = now_ms // HOUR_MS % 24
        live = [self._observed(pool, today, each) for each in (hour, hour - 1) if each >= 0]
        seen = [row for row in live if row.at_ms <= now_ms and today >= FIRST_DAY]
        return [*rows, *seen[:1]]

    def standing(self, pool: str, hour: int) -> float:
        """The deposit rate, in percent, that stands from soon after an hour on, counted since 1970.

        In the day's last hour it is what is seen near 23:01 UTC; until then it moves there from the day before.
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
