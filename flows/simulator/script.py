"""The price script: the prices of each coin on certain days.

They are rounded from public history; days in between are invented. The days around 2024-12-09 have the published
figures, so that the demo shows what happened.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

CRASH_EVE = date(2024, 12, 8)
CRASH = date(2024, 12, 9)


class Scene(NamedTuple):
    """The course of a scripted day.

    Attributes:
        peak: The hour, UTC, of the day's high.
        trough: The hour of its low.
        waypoints: Hours of the day and how high the price then was, from 0 (low) to 1 (high).
    """

    peak: int
    trough: int
    waypoints: tuple[tuple[int, float], ...] = ()


# The same hours for every coin: nearly unchanged until 15:00 UTC, the low after 21:00.
SCENES = {date(2024, 12, 5): Scene(peak=13, trough=22), CRASH: Scene(peak=1, trough=21, waypoints=((15, 0.84),))}


@dataclass(frozen=True)
class Coin:
    """A coin of the script.

    Attributes:
        listed: When its spot pair opened.
        decimals: Digits after the point in its price.
        turnover_usd: The turnover of a calm day of early 2024, in USD.
        closes: Price in USD at the end of scripted UTC days.
        extremes: Low and high of scripted days, in USD.
        crash: Return of 2024-12-09, as a fraction; by default it is random.
    """

    listed: datetime
    decimals: int = 4
    turnover_usd: float = 6e7
    closes: dict[date, float] = field(default_factory=dict)
    extremes: dict[date, tuple[float | None, float | None]] = field(default_factory=dict)
    crash: float | None = None


# Days with scripted prices of the altcoins.
_ALTCOIN_DAYS = (
    date(2023, 6, 1), date(2023, 10, 1), date(2024, 1, 1), date(2024, 3, 12), date(2024, 4, 15), date(2024, 8, 5),
    date(2024, 9, 6), date(2024, 11, 5), date(2024, 11, 23), CRASH_EVE,
)  # fmt: skip


def _levels(*prices: float) -> dict[date, float]:
    """Prices on as many of the last `_ALTCOIN_DAYS`."""
    return dict(zip(_ALTCOIN_DAYS[-len(prices) :], prices, strict=True))


def _altcoin(listed: str, decimals: int, turnover_usd: float, crash: float, *prices: float) -> Coin:
    """A coin by the start of its listing (ISO 8601), and its prices on the last `_ALTCOIN_DAYS`."""
    opened = datetime.fromisoformat(listed).replace(tzinfo=UTC)
    return Coin(opened, decimals, turnover_usd, closes=_levels(*prices), crash=crash)


_BITCOIN_CLOSES = {
    date(2017, 8, 17): 4_285.0, date(2017, 12, 17): 18_960.0, date(2018, 12, 15): 3_180.0, date(2019, 6, 26): 12_900.0,
    date(2020, 3, 12): 4_800.0, date(2020, 12, 31): 28_900.0, date(2021, 4, 13): 63_500.0, date(2021, 7, 20): 29_800.0,
    date(2021, 11, 8): 67_500.0, date(2022, 6, 18): 18_970.0, date(2022, 11, 21): 15_780.0, date(2023, 4, 14): 30_480.0,
    date(2023, 6, 14): 25_100.0, date(2023, 7, 13): 31_450.0, date(2023, 9, 11): 25_160.0, date(2023, 10, 24): 33_900.0,
    date(2024, 1, 1): 44_180.0, date(2024, 1, 15): 42_510.0, date(2024, 1, 23): 39_900.0, date(2024, 3, 13): 73_070.0,
    date(2024, 3, 31): 71_280.0, date(2024, 5, 1): 58_360.0, date(2024, 6, 5): 71_080.0, date(2024, 7, 7): 55_860.0,
    date(2024, 7, 28): 68_250.0, date(2024, 8, 5): 54_020.0, date(2024, 8, 24): 64_160.0, date(2024, 9, 6): 53_960.0,
    date(2024, 9, 27): 65_800.0, date(2024, 10, 10): 60_270.0, date(2024, 10, 29): 72_720.0,
    date(2024, 11, 4): 67_800.0, date(2024, 11, 5): 69_360.0, date(2024, 11, 6): 75_570.0, date(2024, 11, 11): 88_640.0,
    date(2024, 11, 22): 98_910.0, date(2024, 11, 26): 91_970.0, date(2024, 11, 30): 96_410.0,
    date(2024, 12, 3): 95_849.69, date(2024, 12, 4): 98_587.32, date(2024, 12, 5): 96_945.63,
    date(2024, 12, 6): 99_740.84, date(2024, 12, 7): 99_831.99, CRASH_EVE: 101_109.60, CRASH: 97_276.47,
    date(2024, 12, 10): 96_593.00, date(2024, 12, 11): 101_125.00, date(2024, 12, 17): 106_130.0,
    date(2024, 12, 31): 93_580.0,
}  # fmt: skip

_BITCOIN_EXTREMES: dict[date, tuple[float | None, float | None]] = {
    date(2024, 8, 5): (49_000.00, None),
    date(2024, 12, 4): (94_587.83, 99_000.00),
    date(2024, 12, 5): (90_500.00, 104_088.00),
    CRASH: (94_150.05, 101_215.93),
}

_ETHER_CLOSES = {
    date(2017, 8, 17): 302.0, date(2018, 1, 13): 1_390.0, date(2018, 12, 15): 84.0, date(2021, 11, 8): 4_812.0,
    date(2022, 6, 18): 993.0, **_levels(1_862, 1_733, 2_352, 3_980, 3_102, 2_419, 2_225, 2_422, 3_396, 4_004.15),
    CRASH: 3_712.00, date(2024, 12, 10): 3_628.25, date(2024, 12, 31): 3_337.0,
}  # fmt: skip
_IO_CLOSES = {
    date(2024, 6, 11): 3.9, date(2024, 6, 13): 5.6, date(2024, 7, 1): 3.05, **_levels(1.50, 1.37, 1.60, 2.70, 3.602),
}  # fmt: skip
BINANCE_OPENED = datetime(2017, 8, 17, 4, tzinfo=UTC)

COINS: dict[str, Coin] = {
    "BTC": Coin(BINANCE_OPENED, 2, 1.6e9, closes=_BITCOIN_CLOSES, extremes=_BITCOIN_EXTREMES),
    "ETH": Coin(BINANCE_OPENED, 2, 8e8, closes=_ETHER_CLOSES, extremes={CRASH: (3_509.00, 4_006.17)}),
    "SOL": _altcoin("2020-08-11", 2, 5e8, -0.08, 21, 23.9, 109.9, 150, 138.5, 130, 129, 166, 255, 237.02),
    "SUI": _altcoin("2023-05-03", 4, 1.5e8, -0.12, 0.98, 0.48, 0.844, 1.65, 1.17, 0.62, 0.84, 1.95, 3.40, 4.2322),
    "APT": _altcoin("2022-10-19", 4, 8e7, -0.16, 8.5, 5.3, 9.94, 13.6, 9.13, 5.2, 5.9, 8.2, 13.3, 14.5),
    "SEI": _altcoin("2023-08-15", 4, 7e7, -0.16, 0.12, 0.709, 0.85, 0.496, 0.23, 0.26, 0.36, 0.56, 0.6911),
    "WLD": _altcoin("2023-07-24", 4, 9e7, -0.19, 1.6, 3.6, 9.0, 4.79, 1.75, 1.40, 1.75, 2.30, 3.811),
    "ARKM": _altcoin("2023-07-18", 4, 4e7, -0.20, 0.36, 0.607, 2.5, 1.555, 0.86, 0.93, 1.45, 2.20, 2.409),
    "IO": Coin(datetime(2024, 6, 11, 12, tzinfo=UTC), 4, 5e7, closes=_IO_CLOSES, crash=-0.12),
    "OP": _altcoin("2022-06-01", 4, 6e7, -0.14, 1.55, 1.35, 3.99, 4.3, 2.27, 1.20, 1.38, 1.42, 2.10, 2.67),
    "ARB": _altcoin("2023-03-23", 4, 9e7, -0.17, 1.17, 0.92, 1.73, 2.1, 1.15, 0.50, 0.50, 0.50, 0.80, 1.1583),
    "XRP": _altcoin("2018-05-04", 4, 4e8, -0.15, 0.51, 0.515, 0.63, 0.69, 0.498, 0.49, 0.53, 0.51, 1.47, 2.6013),
    "DOGE": _altcoin("2019-07-05", 5, 3e8, -0.11, 0.072, 0.0615, 0.092, 0.168, 0.161, 0.095, 0.096, 0.17, 0.43, 0.466),
    "ADA": _altcoin("2018-04-17", 4, 1.2e8, -0.16, 0.375, 0.26, 0.623, 0.74, 0.461, 0.31, 0.32, 0.335, 1.05, 1.194),
    "AVAX": _altcoin("2020-09-22", 2, 1e8, -0.166, 14.4, 9.3, 41.9, 53, 35.2, 21, 21.5, 23.5, 43, 53.98),
    "LINK": _altcoin("2019-01-16", 3, 9e7, -0.147, 6.5, 7.9, 15.5, 20.4, 13.6, 9.5, 10.0, 10.6, 17.5, 26.09),
    "BNB": _altcoin("2017-11-06", 2, 2e8, -0.08, 305, 217, 313, 530, 560, 465, 500, 560, 655, 745),
    "LTC": _altcoin("2017-12-13", 2, 8e7, -0.13, 67, 84, 120),
    "TRX": _altcoin("2018-06-11", 4, 5e7, -0.13, 0.162, 0.21, 0.32),
    "DOT": _altcoin("2020-08-18", 3, 6e7, -0.16, 3.8, 8.6, 10.6),
    "UNI": _altcoin("2020-09-17", 3, 5e7, -0.13, 6.9, 10.5, 18.2),
    "AAVE": _altcoin("2020-10-15", 2, 3e7, -0.12, 135, 190, 285),
    "WIF": _altcoin("2024-03-05", 4, 2e8, -0.16, 2.2, 3.2, 3.75),
    "PEPE": _altcoin("2023-05-05", 8, 3e8, -0.13, 9.3e-06, 2.05e-05, 2.68e-05),
    "ENA": _altcoin("2024-04-02", 4, 8e7, -0.14, 0.37, 0.62, 1.12),
    "TAO": _altcoin("2024-04-11", 2, 6e7, -0.17, 480, 530, 690),
}

# Coins pegged to the dollar; they have no crash.
PEGGED = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "DAI", "BUSD", "USDP", "PYUSD", "USDE", "USDS"})

# The activity of spot markets; 1 is that of early 2024.
ACTIVITY = {
    date(2023, 6, 1): 0.6, date(2023, 10, 1): 0.5, date(2024, 1, 10): 1.0, date(2024, 3, 10): 1.9,
    date(2024, 6, 20): 0.7, date(2024, 8, 5): 1.4, date(2024, 9, 10): 0.8, date(2024, 10, 31): 1.0,
    date(2024, 11, 12): 2.4, date(2024, 11, 25): 2.4, date(2024, 12, 5): 3.0, CRASH: 3.1, date(2024, 12, 31): 1.6,
}  # fmt: skip
