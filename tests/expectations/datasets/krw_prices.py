"""Rows of `krw_prices`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases, candle

CASES = Cases(
    good={
        "asset": "USDT",
        "venue": "upbit",
        "open_krw": 1430.0,
        "high_krw": 1450.0,
        "low_krw": 1420.0,
        "close_krw": 1440.0,
        "volume_base": 1000.0,
        "volume_krw": 1_435_000.0,
        "volume_is_estimated": False,
        "day_boundary": "UTC",
    },
    breaking={
        "low_krw is above 0": [{"low_krw": 0.0}],
        "high_krw is not below open_krw": [{"open_krw": 1451.0}],
        "high_krw is not below close_krw": [{"close_krw": 1451.0}],
        "open_krw is not below low_krw": [{"open_krw": 1419.0}],
        "close_krw is not below low_krw": [{"close_krw": 1419.0}],
        "volume_base is not negative": [{"volume_base": -1000.0}],
        "volume_krw is not negative": [{"volume_krw": -1.0}],
        "volume_krw over volume_base is a price of the day": [{"volume_krw": 1435.0}],
        "a stablecoin costs 500 to 5,000 won": [candle("krw", (1.43, 1.45, 1.42, 1.44), volume_krw=1435.0)],
        "day_boundary is UTC or KST": [{"day_boundary": "EST"}],
        "BTC costs 100,000 to 3 billion won": [{"asset": "BTC"}],
        "ETH costs 1,000 to 300 million won": [
            {"asset": "ETH", **candle("krw", (370.0, 380.0, 360.0, 375.0), volume_krw=370_000.0)}
        ],
        "close_krw of BTC and ETH is within a factor of 3 of its last days": [
            {"asset": "BTC", **candle("krw", (1.4e8,) * 4, volume_base=1.0, volume_krw=1.4e8)},
            {"asset": "BTC", "day": 1, **candle("krw", (1.4e7,) * 4, volume_base=1.0, volume_krw=1.4e7)},
        ],
        "volume_krw is at most 100 trillion": [{"volume_base": 1e11, "volume_krw": 1.435e14}],
        "volume_krw is above 0": [{"volume_base": 0.0, "volume_krw": 0.0}],
    },
    also_breaks={
        "volume_krw is not negative": {"volume_krw is above 0"},
    },
    true_history={
        # 3 December 2024.
        "martial law": [candle("krw", (1405, 1650, 1380, 1430), volume_krw=1_450_000.0)],
        "bitcoin": [{"asset": "BTC", **candle("krw", (134e6, 135e6, 88e6, 131e6), volume_base=2.0, volume_krw=260e6)}],
        "in Korea's day": [{"day_boundary": "KST", "volume_is_estimated": True}],
    },
)
