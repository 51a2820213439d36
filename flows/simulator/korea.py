"""Korea: the won, the premium on bitcoin in won, and the turnover of stablecoins in won."""

from datetime import UTC, date, datetime

from flows.simulator.candles import Series
from flows.simulator.curve import Character, Curve
from flows.simulator.instants import millis_of, month_start, next_month, number_of, weekday
from flows.simulator.seeded_random import bell, key_of, unit
from flows.simulator.spot import Spot, mirrored

_WON = {
    date(2023, 6, 1): 1_321.0, date(2023, 7, 18): 1_263.0, date(2023, 10, 4): 1_360.0, date(2023, 12, 28): 1_292.0,
    date(2024, 1, 15): 1_322.0, date(2024, 4, 16): 1_394.0, date(2024, 7, 1): 1_382.0, date(2024, 9, 30): 1_312.0,
    date(2024, 11, 1): 1_376.0, date(2024, 11, 13): 1_405.0, date(2024, 12, 3): 1_403.0, date(2024, 12, 4): 1_417.0,
    date(2024, 12, 9): 1_432.0, date(2024, 12, 31): 1_472.0,
}  # fmt: skip

# One plus the kimchi premium.
_PREMIUM = {
    date(2023, 6, 1): 1.008, date(2023, 10, 1): 1.002, date(2024, 1, 10): 1.022, date(2024, 3, 14): 1.030,
    date(2024, 6, 10): 1.014, date(2024, 8, 15): 1.008, date(2024, 10, 20): 1.001, date(2024, 11, 15): 1.006,
    date(2024, 12, 2): 1.002, date(2024, 12, 3): 1.004, date(2024, 12, 5): 1.012, date(2024, 12, 9): 1.010,
    date(2024, 12, 31): 1.020,
}  # fmt: skip

# Turnover of KRW-USDT in whole months, in trillions of won: sevenfold from January to November.
_MONTHS_TRILLION = {
    date(2023, 12, 1): 0.55, date(2024, 1, 1): 0.86, date(2024, 2, 1): 0.92, date(2024, 3, 1): 1.55,
    date(2024, 4, 1): 1.20, date(2024, 5, 1): 0.90, date(2024, 6, 1): 0.86, date(2024, 7, 1): 1.18,
    date(2024, 8, 1): 1.75, date(2024, 9, 1): 1.55, date(2024, 10, 1): 1.80, date(2024, 11, 1): 6.00,
    date(2024, 12, 1): 11.00,
}  # fmt: skip
_BUSY_DAYS = {date(2024, 12, 3): 2.6, date(2024, 12, 4): 1.3, date(2024, 12, 5): 1.4, date(2024, 12, 9): 1.8}

# The night of 3 December 2024: martial law was declared at 13:27 UTC.
_MARTIAL_LAW = date(2024, 12, 3)
_EXTREMES: dict[str, dict[date, tuple[float | None, float | None]]] = {
    "KRW-BTC": {_MARTIAL_LAW: (88_266_000.0, None)},
    "KRW-USDT": {_MARTIAL_LAW: (1_382.0, 1_480.0)},
    "KRW-USDC": {_MARTIAL_LAW: (1_380.0, 1_490.0)},
}

_LISTED = {
    "KRW-BTC": datetime(2017, 9, 25, tzinfo=UTC),
    "KRW-USDT": datetime(2023, 12, 1, tzinfo=UTC),
    "KRW-USDC": datetime(2024, 6, 7, tzinfo=UTC),
}
MARKETS = frozenset(_LISTED)


def decimals_of(market: str) -> int:
    """Digits after the point of a price in won; negative if the tick is a round thousand."""
    return -3 if market == "KRW-BTC" else 0


class Korea:
    """The won against the dollar, and Upbit's three markets in won."""

    def __init__(self, spot: Spot, seed: int) -> None:
        self._spot, self._seed = spot, seed
        self._won = Curve("won", _WON, Character(wobble=0.003, drift=0.04), seed=seed)
        self._premium = Curve(
            "kimchi", _PREMIUM, Character(wobble=0.002, drift=0.005, low=0.997, high=1.032), seed=seed
        )
        self._key = key_of(seed, "korea")
        self._series = {market: self._build(market) for market in MARKETS}

    def won_per_dollar(self, day: int) -> float:
        """The reference rate of a day, in won per dollar, to two digits."""
        return round(self._won.at(day), 2)

    def series(self, market: str) -> Series:
        """One of `MARKETS`; prices and turnover in won."""
        return self._series[market]

    def _build(self, market: str) -> Series:
        ticker, decimals = market.removeprefix("KRW-"), decimals_of(market)
        leader, key = self._spot.series(ticker), key_of(self._seed, market)

        def price(day: int) -> float:
            won = leader.day(day).close * self._won.at(day) * self._premium.at(day)
            return float(round(won * (1 + 0.0005 * bell(key, day)), decimals))

        def turnover(day: int) -> float:
            if ticker == "BTC":
                return 0.09 * leader.day(day).turnover * self._won.at(day)
            share = 1.0 if ticker == "USDT" else 0.03 + 0.02 * unit(self._key, day, 2)
            return self._tether(day) * share

        first_ms = millis_of(_LISTED[market])
        return mirrored(leader, key, decimals, price, turnover, extremes=_EXTREMES[market], first_ms=first_ms)

    def _tether(self, day: int) -> float:
        """The turnover of KRW-USDT on a day, in won; the days of a scripted month have its total."""
        first, end = month_start(day), next_month(day)
        weights = {number: self._weight(number) for number in range(first, end)}
        return round(self._month(first) * weights[day] / sum(weights.values()), 2)

    def _month(self, first: int) -> float:
        scripted = {number_of(month): trillions * 1e12 for month, trillions in _MONTHS_TRILLION.items()}
        busy = self._spot.activity.at(first)
        return scripted.get(first, 4e12 * busy if first > max(scripted) else 5e11 * busy)

    def _weight(self, day: int) -> float:
        scripted = {number_of(busy): weight for busy, weight in _BUSY_DAYS.items()}
        quiet = 0.75 if weekday(day) >= 5 else 1.0
        return scripted.get(day, quiet * (0.75 + 0.5 * unit(self._key, day)))
