"""Rows of `hourly_krw_prices`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row


def in_won(price: float, **others: Any) -> Row:
    """An hour in which one bitcoin was traded at one price."""
    prices = dict.fromkeys(("hour_high_krw", "hour_low_krw", "hour_close_krw", "hour_volume_krw"), price)
    return {"asset": "BTC", "hour_volume_base": 1.0, **prices, **others}


CASES = Cases(
    good={
        "asset": "USDT",
        "venue": "bithumb",
        "hour_high_krw": 1450.0,
        "hour_low_krw": 1420.0,
        "hour_close_krw": 1440.0,
        "hour_volume_base": 1000.0,
        "hour_volume_krw": 1_435_000.0,
        "volume_is_estimated": False,
    },
    breaking={
        "hour_low_krw is above 0": [{"hour_low_krw": 0.0}],
        "hour_high_krw is not below hour_close_krw": [{"hour_close_krw": 1451.0}],
        "hour_close_krw is not below hour_low_krw": [{"hour_close_krw": 1419.0}],
        "hour_volume_base is not negative": [{"hour_volume_base": -1000.0}],
        "hour_volume_krw is not negative": [{"hour_volume_krw": -1.0}],
        "hour_volume_krw over hour_volume_base is a price of the hour": [{"hour_volume_krw": 1435.0}],
        "a stablecoin costs 500 to 5,000 won": [
            {"hour_high_krw": 1.45, "hour_low_krw": 1.42, "hour_close_krw": 1.44, "hour_volume_krw": 1435.0}
        ],
        "the hour lies in its day": [{"hour": 24}],
        "BTC costs 100,000 to 3 billion won": [{"asset": "BTC"}],
        "ETH costs 1,000 to 300 million won": [
            {
                "asset": "ETH",
                "hour_high_krw": 380.0,
                "hour_low_krw": 370.0,
                "hour_close_krw": 375.0,
                "hour_volume_krw": 375_000.0,
            }
        ],
        "hour_close_krw of BTC and ETH is within a factor of 3 of its last hours": [
            in_won(1.4e8, hour=0),
            in_won(1.4e7, hour=1),
        ],
        "hour_volume_krw is at most 20 trillion": [{"hour_volume_base": 2e10, "hour_volume_krw": 2.87e13}],
    },
    true_history={
        # The night of 3 December 2024.
        "martial law": [{"hour_high_krw": 1700.0, "hour_low_krw": 1400.0, "hour_close_krw": 1500.0}],
        "an hour without a trade": [{"hour_volume_base": 0.0, "hour_volume_krw": 0.0}],
    },
)
