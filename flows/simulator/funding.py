"""Funding of perpetual swaps: a calm baseline, and the heat of late 2024."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from flows.simulator.chance import bell, key_of, unit
from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.script import COINS, Coin

BASELINE = 1e-4  # fraction per eight hours, what a calm swap pays

# Some swaps settle every four hours; the venue lists exactly those in its funding info.
FOUR_HOURLY = frozenset({"IO", "ARKM", "ENA", "TAO", "WIF"})
INVENTED = tuple(f"ZZ{number:02d}" for number in range(100))

_FIRST_SWAPS = {"BTC": datetime(2019, 9, 10, 8, tzinfo=UTC), "ETH": datetime(2019, 11, 27, 8, tzinfo=UTC)}
_LATER_SWAPS = datetime(2019, 12, 1, 8, tzinfo=UTC)

# Mean of a day's settlements for ETH, in ten-thousandths per eight hours. The seven days to
# 2024-12-08 average 2.557, which is 0.28 a year.
_HEAT = {
    date(2023, 6, 1): 0.8,
    date(2023, 10, 20): 0.8,
    date(2023, 11, 10): 1.8,
    date(2023, 12, 10): 2.2,
    date(2024, 1, 20): 1.0,
    date(2024, 2, 20): 1.6,
    date(2024, 3, 5): 4.6,
    date(2024, 3, 14): 4.0,
    date(2024, 4, 1): 2.0,
    date(2024, 4, 15): 0.9,
    date(2024, 5, 28): 1.2,
    date(2024, 7, 5): 0.7,
    date(2024, 8, 15): 0.4,
    date(2024, 10, 10): 0.9,
    date(2024, 11, 9): 1.0,
    date(2024, 11, 12): 2.6,
    date(2024, 11, 14): 1.4,
    date(2024, 11, 20): 1.9,
    date(2024, 11, 24): 2.3,
    date(2024, 11, 28): 1.7,
    date(2024, 12, 1): 1.6,
    date(2024, 12, 2): 2.6,
    date(2024, 12, 3): 2.4,
    date(2024, 12, 4): 2.1,
    date(2024, 12, 5): 3.4,
    date(2024, 12, 6): 2.4,
    date(2024, 12, 7): 2.6,
    date(2024, 12, 8): 2.4,
    date(2024, 12, 9): 1.5,
    date(2024, 12, 10): 1.0,
    date(2024, 12, 31): 0.9,
}


class Settlement(NamedTuple):
    """One payment between longs and shorts.

    Attributes:
        at_ms: When it was settled, in milliseconds since 1970; a few late.
        rate: What longs paid shorts, as a fraction for one interval.
        scheduled_ms: The full hour that it was due.
    """

    at_ms: int
    rate: float
    scheduled_ms: int


class Funding:
    """Settlements of every perpetual swap."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._heat = Curve("funding", _HEAT, Character(wobble=0.06, drift=0.3, low=0.1, high=6.0), seed=seed)

    def interval_hours(self, ticker: str) -> int:
        """How often the swap settles: eight hours, or four for the adjusted ones."""
        invented = ticker in INVENTED and key_of(self._seed, ticker, "interval") % 2 == 0
        return 4 if invented or ticker in FOUR_HOURLY else 8

    def adjusted(self) -> list[str]:
        """The tickers whose interval is not the usual one."""
        return [ticker for ticker in (*sorted(COINS), *INVENTED) if self.interval_hours(ticker) != 8]

    def first_ms(self, ticker: str, coin: Coin) -> int:
        """When the swap began to settle, in milliseconds since 1970."""
        return millis_of(_FIRST_SWAPS.get(ticker) or max(coin.listed, _LATER_SWAPS))

    def settlements(self, ticker: str, start_ms: int, end_ms: int) -> list[Settlement]:
        """Every settlement between two moments, both included, oldest first.

        Args:
            ticker: The coin.
            start_ms: First moment, in milliseconds since 1970.
            end_ms: Last moment.
        """
        interval_ms = self.interval_hours(ticker) * HOUR_MS
        key = key_of(self._seed, ticker, "funding")
        found = []
        for number in range(start_ms // interval_ms, end_ms // interval_ms + 1):
            scheduled = number * interval_ms
            late = int(15 * unit(key, number, 1)) if unit(key, number, 2) < 0.4 else 0
            if start_ms <= scheduled + late <= end_ms:
                found.append(Settlement(scheduled + late, self._rate(ticker, key, scheduled, interval_ms), scheduled))
        return found

    def _rate(self, ticker: str, key: int, scheduled_ms: int, interval_ms: int) -> float:
        """One rate; those of a day average to the day's heat."""
        day, slot = scheduled_ms // DAY_MS, scheduled_ms % DAY_MS // interval_ms
        slots = DAY_MS // interval_ms
        heat = self._heat.at(day)
        share = 1.0 if ticker == "ETH" else 0.55 + 0.6 * unit(key, 0, 3)
        mean = 1 + (heat - 1) * share if heat > 1 else heat
        if mean <= 1 and unit(key, day, 4) < 0.6:
            mean, noise = 1.0, 0.0
        else:
            draws = [bell(key, day * slots + each, 5) for each in range(slots)]
            noise = 0.3 * mean * (draws[slot] - sum(draws) / slots)
        return round(BASELINE * (mean + noise) * 3 / slots, 8)
