"""The price script: what each coin was worth on the days that matter.

Levels are rounded from public history; days in between are invented. The days around
2024-12-09 carry the figures that were published, so that a demo tells the true story.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flows.simulator.candles import Scene

CRASH_EVE = date(2024, 12, 8)
CRASH = date(2024, 12, 9)

# The same hours for every coin: nearly unchanged until 15:00 UTC, the low after 21:00.
SCENES = {
    date(2024, 12, 5): Scene(peak=13, trough=22),
    CRASH: Scene(peak=1, trough=21, waypoints=((15, 0.84),)),
}


@dataclass(frozen=True)
class Coin:
    """A coin of the script.

    Attributes:
        listed: When its spot pair opened.
        decimals: Digits after the point in its price.
        turnover_usd: What trades on a calm day of early 2024, in USD.
        closes: Price in USD at the end of scripted UTC days.
        extremes: Low and high of scripted days, in USD.
        crash: Return of 2024-12-09, as a fraction; drawn at random where none is given.
    """

    listed: datetime
    decimals: int = 4
    turnover_usd: float = 6e7
    closes: dict[date, float] = field(default_factory=dict)
    extremes: dict[date, tuple[float | None, float | None]] = field(default_factory=dict)
    crash: float | None = None


def _listed(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


_ALTCOIN_DAYS = (
    date(2023, 6, 1),
    date(2023, 10, 1),
    date(2024, 1, 1),
    date(2024, 3, 12),
    date(2024, 4, 15),
    date(2024, 8, 5),
    date(2024, 9, 6),
    date(2024, 11, 5),
    date(2024, 11, 23),
    CRASH_EVE,
)


def _levels(*prices: float) -> dict[date, float]:
    """Prices on the last days of `_ALTCOIN_DAYS`, one for each price given."""
    return dict(zip(_ALTCOIN_DAYS[-len(prices) :], prices, strict=True))


_BITCOIN_CLOSES = {
    date(2017, 8, 17): 4_285.0,
    date(2017, 12, 17): 18_960.0,
    date(2018, 12, 15): 3_180.0,
    date(2019, 6, 26): 12_900.0,
    date(2020, 3, 12): 4_800.0,
    date(2020, 12, 31): 28_900.0,
    date(2021, 4, 13): 63_500.0,
    date(2021, 7, 20): 29_800.0,
    date(2021, 11, 8): 67_500.0,
    date(2022, 6, 18): 18_970.0,
    date(2022, 11, 21): 15_780.0,
    date(2023, 4, 14): 30_480.0,
    date(2023, 6, 14): 25_100.0,
    date(2023, 7, 13): 31_450.0,
    date(2023, 9, 11): 25_160.0,
    date(2023, 10, 24): 33_900.0,
    date(2024, 1, 1): 44_180.0,
    date(2024, 1, 15): 42_510.0,
    date(2024, 1, 23): 39_900.0,
    date(2024, 3, 13): 73_070.0,
    date(2024, 3, 31): 71_280.0,
    date(2024, 5, 1): 58_360.0,
    date(2024, 6, 5): 71_080.0,
    date(2024, 7, 7): 55_860.0,
    date(2024, 7, 28): 68_250.0,
    date(2024, 8, 5): 54_020.0,
    date(2024, 8, 24): 64_160.0,
    date(2024, 9, 6): 53_960.0,
    date(2024, 9, 27): 65_800.0,
    date(2024, 10, 10): 60_270.0,
    date(2024, 10, 29): 72_720.0,
    date(2024, 11, 4): 67_800.0,
    date(2024, 11, 5): 69_360.0,
    date(2024, 11, 6): 75_570.0,
    date(2024, 11, 11): 88_640.0,
    date(2024, 11, 22): 98_910.0,
    date(2024, 11, 26): 91_970.0,
    date(2024, 11, 30): 96_410.0,
    date(2024, 12, 3): 95_849.69,
    date(2024, 12, 4): 98_587.32,
    date(2024, 12, 5): 96_945.63,
    date(2024, 12, 6): 99_740.84,
    date(2024, 12, 7): 99_831.99,
    CRASH_EVE: 101_109.60,
    CRASH: 97_276.47,
    date(2024, 12, 10): 96_593.00,
    date(2024, 12, 11): 101_125.00,
    date(2024, 12, 17): 106_130.0,
    date(2024, 12, 31): 93_580.0,
}

_BITCOIN_EXTREMES: dict[date, tuple[float | None, float | None]] = {
    date(2024, 8, 5): (49_000.00, None),
    date(2024, 12, 4): (94_587.83, 99_000.00),
    date(2024, 12, 5): (90_500.00, 104_088.00),
    CRASH: (94_150.05, 101_215.93),
}

COINS: dict[str, Coin] = {
    "BTC": Coin(_listed(2017, 8, 17, 4), 2, 1.6e9, closes=_BITCOIN_CLOSES, extremes=_BITCOIN_EXTREMES),
    "ETH": Coin(
        _listed(2017, 8, 17, 4),
        2,
        8e8,
        closes={
            date(2017, 8, 17): 302.0,
            date(2018, 1, 13): 1_390.0,
            date(2018, 12, 15): 84.0,
            date(2021, 11, 8): 4_812.0,
            date(2022, 6, 18): 993.0,
            **_levels(1_862, 1_733, 2_352, 3_980, 3_102, 2_419, 2_225, 2_422, 3_396, 4_004.15),
            CRASH: 3_712.00,
            date(2024, 12, 10): 3_628.25,
            date(2024, 12, 31): 3_337.0,
        },
        extremes={CRASH: (3_509.00, 4_006.17)},
    ),
    "SOL": Coin(
        _listed(2020, 8, 11),
        2,
        5e8,
        closes=_levels(21, 23.9, 109.9, 150, 138.5, 130, 129, 166, 255, 237.02),
        crash=-0.08,
    ),
    "SUI": Coin(
        _listed(2023, 5, 3),
        4,
        1.5e8,
        closes=_levels(0.98, 0.48, 0.844, 1.65, 1.17, 0.62, 0.84, 1.95, 3.40, 4.2322),
        crash=-0.12,
    ),
    "APT": Coin(
        _listed(2022, 10, 19),
        4,
        8e7,
        closes=_levels(8.5, 5.3, 9.94, 13.6, 9.13, 5.2, 5.9, 8.2, 13.3, 14.5),
        crash=-0.16,
    ),
    "SEI": Coin(
        _listed(2023, 8, 15),
        4,
        7e7,
        closes=_levels(0.12, 0.709, 0.85, 0.496, 0.23, 0.26, 0.36, 0.56, 0.6911),
        crash=-0.16,
    ),
    "WLD": Coin(
        _listed(2023, 7, 24),
        4,
        9e7,
        closes=_levels(1.6, 3.6, 9.0, 4.79, 1.75, 1.40, 1.75, 2.30, 3.811),
        crash=-0.19,
    ),
    "ARKM": Coin(
        _listed(2023, 7, 18),
        4,
        4e7,
        closes=_levels(0.36, 0.607, 2.5, 1.555, 0.86, 0.93, 1.45, 2.20, 2.409),
        crash=-0.20,
    ),
    "IO": Coin(
        _listed(2024, 6, 11, 12),
        4,
        5e7,
        closes={
            date(2024, 6, 11): 3.9,
            date(2024, 6, 13): 5.6,
            date(2024, 7, 1): 3.05,
            **_levels(1.50, 1.37, 1.60, 2.70, 3.602),
        },
        crash=-0.12,
    ),
    "OP": Coin(
        _listed(2022, 6, 1),
        4,
        6e7,
        closes=_levels(1.55, 1.35, 3.99, 4.3, 2.27, 1.20, 1.38, 1.42, 2.10, 2.67),
        crash=-0.14,
    ),
    "ARB": Coin(
        _listed(2023, 3, 23),
        4,
        9e7,
        closes=_levels(1.17, 0.92, 1.73, 2.1, 1.15, 0.50, 0.50, 0.50, 0.80, 1.1583),
        crash=-0.17,
    ),
    "XRP": Coin(
        _listed(2018, 5, 4),
        4,
        4e8,
        closes=_levels(0.51, 0.515, 0.63, 0.69, 0.498, 0.49, 0.53, 0.51, 1.47, 2.6013),
        crash=-0.15,
    ),
    "DOGE": Coin(
        _listed(2019, 7, 5),
        5,
        3e8,
        closes=_levels(0.072, 0.0615, 0.092, 0.168, 0.161, 0.095, 0.096, 0.17, 0.43, 0.466),
        crash=-0.11,
    ),
    "ADA": Coin(
        _listed(2018, 4, 17),
        4,
        1.2e8,
        closes=_levels(0.375, 0.26, 0.623, 0.74, 0.461, 0.31, 0.32, 0.335, 1.05, 1.194),
        crash=-0.16,
    ),
    "AVAX": Coin(
        _listed(2020, 9, 22),
        2,
        1e8,
        closes=_levels(14.4, 9.3, 41.9, 53, 35.2, 21, 21.5, 23.5, 43, 53.98),
        crash=-0.166,
    ),
    "LINK": Coin(
        _listed(2019, 1, 16),
        3,
        9e7,
        closes=_levels(6.5, 7.9, 15.5, 20.4, 13.6, 9.5, 10.0, 10.6, 17.5, 26.09),
        crash=-0.147,
    ),
    "BNB": Coin(
        _listed(2017, 11, 6),
        2,
        2e8,
        closes=_levels(305, 217, 313, 530, 560, 465, 500, 560, 655, 745),
        crash=-0.08,
    ),
    "LTC": Coin(_listed(2017, 12, 13), 2, 8e7, closes=_levels(67, 84, 120), crash=-0.13),
    "TRX": Coin(_listed(2018, 6, 11), 4, 5e7, closes=_levels(0.162, 0.21, 0.32), crash=-0.13),
    "DOT": Coin(_listed(2020, 8, 18), 3, 6e7, closes=_levels(3.8, 8.6, 10.6), crash=-0.16),
    "NEAR": Coin(_listed(2020, 10, 14), 3, 7e7, closes=_levels(3.6, 6.4, 7.9), crash=-0.15),
    "UNI": Coin(_listed(2020, 9, 17), 3, 5e7, closes=_levels(6.9, 10.5, 18.2), crash=-0.13),
    "AAVE": Coin(_listed(2020, 10, 15), 2, 3e7, closes=_levels(135, 190, 285), crash=-0.12),
    "TIA": Coin(_listed(2023, 10, 31), 3, 6e7, closes=_levels(4.7, 6.0, 8.9), crash=-0.17),
    "INJ": Coin(_listed(2020, 10, 21), 3, 6e7, closes=_levels(17.5, 26.5, 34.0), crash=-0.18),
    "STX": Coin(_listed(2019, 10, 25), 4, 3e7, closes=_levels(1.45, 2.1, 2.75), crash=-0.18),
    "IMX": Coin(_listed(2021, 12, 10), 4, 2e7, closes=_levels(1.12, 1.55, 2.15), crash=-0.17),
    "WIF": Coin(_listed(2024, 3, 5), 4, 2e8, closes=_levels(2.2, 3.2, 3.75), crash=-0.16),
    "PEPE": Coin(_listed(2023, 5, 5), 8, 3e8, closes=_levels(9.3e-06, 2.05e-05, 2.68e-05), crash=-0.13),
    "ENA": Coin(_listed(2024, 4, 2), 4, 8e7, closes=_levels(0.37, 0.62, 1.12), crash=-0.14),
    "TAO": Coin(_listed(2024, 4, 11), 2, 6e7, closes=_levels(480, 530, 690), crash=-0.17),
    "FET": Coin(_listed(2019, 2, 28), 4, 6e7, closes=_levels(1.18, 1.45, 2.05), crash=-0.17),
    "RENDER": Coin(_listed(2024, 7, 26), 3, 6e7, closes=_levels(4.8, 7.6, 10.6), crash=-0.16),
    "STRK": Coin(_listed(2024, 2, 20), 4, 3e7, closes=_levels(0.36, 0.58, 0.76), crash=-0.18),
    "TON": Coin(_listed(2024, 8, 8), 3, 5e7, closes=_levels(4.7, 5.5, 6.6), crash=-0.09),
}

# Coins held at one dollar; they have no crash.
PEGGED = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "DAI", "BUSD", "USDP", "PYUSD", "USDE", "USDS"})

# How busy spot markets were, against early 2024 = 1.
ACTIVITY = {
    date(2023, 6, 1): 0.6,
    date(2023, 10, 1): 0.5,
    date(2024, 1, 10): 1.0,
    date(2024, 3, 10): 1.9,
    date(2024, 6, 20): 0.7,
    date(2024, 8, 5): 1.4,
    date(2024, 9, 10): 0.8,
    date(2024, 10, 31): 1.0,
    date(2024, 11, 12): 2.4,
    date(2024, 11, 25): 2.4,
    date(2024, 12, 5): 3.0,
    CRASH: 3.1,
    date(2024, 12, 31): 1.6,
}
