"""Borrow rates of stablecoins at exchanges: calm ones, and the high ones of late 2024.

They are a pure function of the venue's name, so that no list of venues is needed.
"""

from datetime import date
from functools import lru_cache

from flows.simulator.curve import Character, Curve
from flows.simulator.seeded_random import bell, key_of

HOURS = 24

# The rate at the end of scripted days, as a fraction per year.
_SCRIPT = {
    "USDT": {
        date(2021, 12, 14): 0.06, date(2022, 6, 13): 0.09, date(2022, 12, 1): 0.02, date(2023, 6, 1): 0.03,
        date(2023, 11, 10): 0.09, date(2024, 1, 20): 0.06, date(2024, 3, 5): 0.34, date(2024, 4, 1): 0.18,
        date(2024, 5, 28): 0.08, date(2024, 8, 15): 0.04, date(2024, 10, 10): 0.05, date(2024, 11, 5): 0.09,
        date(2024, 11, 10): 0.44, date(2024, 11, 14): 0.2, date(2024, 11, 24): 0.3, date(2024, 12, 1): 0.22,
        date(2024, 12, 5): 0.52, date(2024, 12, 7): 0.33, date(2024, 12, 8): 0.4, date(2024, 12, 9): 0.42,
        date(2024, 12, 10): 0.2, date(2024, 12, 31): 0.11,
    },
    "USDC": {
        date(2021, 12, 14): 0.05, date(2022, 6, 13): 0.06, date(2022, 12, 1): 0.02, date(2023, 6, 1): 0.02,
        date(2023, 11, 10): 0.06, date(2024, 3, 5): 0.26, date(2024, 5, 28): 0.07, date(2024, 8, 15): 0.04,
        date(2024, 11, 5): 0.06, date(2024, 11, 10): 0.3, date(2024, 11, 14): 0.15, date(2024, 12, 1): 0.17,
        date(2024, 12, 5): 0.41, date(2024, 12, 7): 0.24, date(2024, 12, 9): 0.33, date(2024, 12, 10): 0.16,
        date(2024, 12, 31): 0.08,
    },
}  # fmt: skip
COINS = frozenset(_SCRIPT)

_CALM = Character(wobble=0.1, drift=0.2, low=0.01, high=0.6)


@lru_cache(maxsize=16)
def _level(venue: str, coin: str) -> Curve:
    return Curve(f"borrowing {coin}", _SCRIPT[coin], _CALM, seed=key_of(venue, "borrowing"))


@lru_cache(maxsize=100_000)
def rate(venue: str, coin: str, hour: int) -> float:
    """The rate per year, as a fraction to four digits, from an hour on, given as hours since 1970."""
    day, passed = divmod(hour, HOURS)
    level = _level(venue, coin)
    before, after = level.at(day - 1), level.at(day)
    steady = before + (after - before) * (passed + 1) / HOURS
    return round(steady * (1 + 0.04 * bell(key_of(venue, coin, "hours"), hour)), 4)


def noon_rate(venue: str, coin: str, day: int) -> float:
    """The rate per year, as a fraction, at noon UTC of a day."""
    return rate(venue, coin, day * HOURS + HOURS // 2)
