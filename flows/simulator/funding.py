"""Funding of perpetual swaps: a calm baseline, and the high rates of late 2024."""

from datetime import UTC, date, datetime
from typing import NamedTuple

from flows.simulator.curve import Character, Curve
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, millis_of
from flows.simulator.script import COINS
from flows.simulator.seeded_random import bell, key_of, unit
from flows.simulator.spot import Spot

BASELINE = 1e-4  # the rate of a calm swap, as a fraction per eight hours
MAIN_HOURS = 8
MAIN_MS = MAIN_HOURS * HOUR_MS

# Some swaps settle every four hours; the main venue's funding info lists exactly those.
FOUR_HOURLY = frozenset({"IO", "ARKM", "ENA", "TAO", "WIF"})
INVENTED = tuple(f"ZZ{number:02d}" for number in range(100))

_FIRST_SWAPS = {"BTC": datetime(2019, 9, 10, 8, tzinfo=UTC), "ETH": datetime(2019, 11, 27, 8, tzinfo=UTC)}
_LATER_SWAPS = datetime(2019, 12, 1, 8, tzinfo=UTC)

# Mean of the settlements of ETH on a day, in ten-thousandths per eight hours. The mean of the seven days to 2024-12-08
# is 2.557, which is 0.28 a year.
_ETHER_MEANS = {
    date(2023, 6, 1): 0.8, date(2023, 10, 20): 0.8, date(2023, 11, 10): 1.8, date(2023, 12, 10): 2.2,
    date(2024, 1, 20): 1.0, date(2024, 2, 20): 1.6, date(2024, 3, 5): 4.6, date(2024, 3, 14): 4.0,
    date(2024, 4, 1): 2.0, date(2024, 4, 15): 0.9, date(2024, 5, 28): 1.2, date(2024, 7, 5): 0.7,
    date(2024, 8, 15): 0.4, date(2024, 10, 10): 0.9, date(2024, 11, 9): 1.0, date(2024, 11, 12): 2.6,
    date(2024, 11, 14): 1.4, date(2024, 11, 20): 1.9, date(2024, 11, 24): 2.3, date(2024, 11, 28): 1.7,
    date(2024, 12, 1): 1.6, date(2024, 12, 2): 2.6, date(2024, 12, 3): 2.4, date(2024, 12, 4): 2.1,
    date(2024, 12, 5): 3.4, date(2024, 12, 6): 2.4, date(2024, 12, 7): 2.6, date(2024, 12, 8): 2.4,
    date(2024, 12, 9): 1.5, date(2024, 12, 10): 1.0, date(2024, 12, 31): 0.9,
}  # fmt: skip


class Settlement(NamedTuple):
    """A payment between longs and shorts.

    Attributes:
        at_ms: When it was settled, in milliseconds since 1970; some are a few milliseconds late.
        rate: What longs paid shorts, as a fraction for one interval.
        scheduled_ms: The full hour at which it was due.
    """

    at_ms: int
    rate: float
    scheduled_ms: int


class Funding:
    """The settlements of every perpetual swap, at the main venue and at others near it."""

    def __init__(self, spot: Spot, seed: int) -> None:
        self._spot, self._seed = spot, seed
        self._means = Curve("funding", _ETHER_MEANS, Character(wobble=0.06, drift=0.3, low=0.1, high=6.0), seed=seed)

    def interval_hours(self, ticker: str) -> int:
        """The interval of a swap: eight hours, or four for the adjusted ones."""
        invented = ticker in INVENTED and key_of(self._seed, ticker, "interval") % 2 == 0
        return 4 if invented or ticker in FOUR_HOURLY else 8

    def adjusted(self) -> list[str]:
        """The tickers with an interval other than eight hours."""
        return [ticker for ticker in (*sorted(COINS), *INVENTED) if self.interval_hours(ticker) != 8]

    def first_ms(self, ticker: str) -> int:
        """When the swap began to settle, in milliseconds since 1970."""
        return millis_of(_FIRST_SWAPS.get(ticker) or max(self._spot.coin(ticker).listed, _LATER_SWAPS))

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

    def payments(self, venue: str, ticker: str, start_ms: int, end_ms: int) -> list[Settlement]:
        """Every settlement at another venue between two moments, both included, oldest first.

        They are stamped with the full hour. Calm swaps pay the baseline everywhere, others differ by some percent.
        """
        key = key_of(venue, ticker, "payments")
        calm = round(BASELINE * self.interval_hours(ticker) / 8, 8)
        found = []
        for row in self.settlements(ticker, max(start_ms, self.first_ms(ticker)), end_ms + SECOND_MS):
            if start_ms <= row.scheduled_ms <= end_ms:
                twist = 0.05 * bell(key, row.scheduled_ms // HOUR_MS)
                rate = row.rate if row.rate == calm else round(row.rate * (1 + twist), 8)
                found.append(Settlement(row.scheduled_ms, rate, row.scheduled_ms))
        return found

    def hourly_rates(self, venue: str, ticker: str, ends: range) -> list[float]:
        """What longs paid shorts in each hour, at a venue that settles by the hour.

        Args:
            venue: The venue; its rates are a little higher or lower than the main venue's.
            ticker: The coin.
            ends: The ends of the hours, as hours since 1970.

        Returns:
            A fraction for each hour.
        """
        if not ends:
            return []
        first, last = _covering(ends[0]), _covering(ends[-1])
        paid = self.settlements(ticker, first * MAIN_MS, (last + 1) * MAIN_MS - 1)
        per_main = {row.scheduled_ms // MAIN_MS: row.rate / MAIN_HOURS for row in paid}
        key = key_of(venue, ticker, "hourly funding")
        factor = 0.85 + 0.3 * unit(key, 0)
        return [round(per_main[_covering(end)] * (factor + 0.15 * bell(key, end, 1)), 10) for end in ends]

    def _rate(self, ticker: str, key: int, scheduled_ms: int, interval_ms: int) -> float:
        """A rate; those of a day have the day's mean."""
        day, slot = scheduled_ms // DAY_MS, scheduled_ms % DAY_MS // interval_ms
        slots = DAY_MS // interval_ms
        ether = self._means.at(day)
        share = 1.0 if ticker == "ETH" else 0.55 + 0.6 * unit(key, 0, 3)
        mean = 1 + (ether - 1) * share if ether > 1 else ether
        if mean <= 1 and unit(key, day, 4) < 0.6:
            mean, noise = 1.0, 0.0
        else:
            draws = [bell(key, day * slots + place, 5) for place in range(slots)]
            noise = 0.3 * mean * (draws[slot] - sum(draws) / slots)
        return round(BASELINE * (mean + noise) * 3 / slots, 8)


def _covering(end: int) -> int:
    """The settlement of the main venue that covers the hour with this end."""
    return -(-end // MAIN_HOURS)
