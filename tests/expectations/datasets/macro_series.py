"""Rows of `macro_series`: a good one, rows that break each check, and rows as they happened."""

from datetime import date
from typing import Any

from tests.expectations.cases import Cases, Row


def rate(**values: Any) -> Row:
    """A row that has a rate instead of an amount."""
    return {"currency": None, "amount": None, **values}


CASES = Cases(
    good={"series": "fed_assets", "currency": "USD", "amount": 7e12},
    breaking={
        "either an amount or a rate is known": [{"amount": None}],
        "an amount has its currency": [{"currency": None}],
        "amount is not negative": [{"series": "m2", "amount": -1.0}],
        "an amount in dollars or euro is below 100 trillion": [{"series": "m2", "amount": 2e14}],
        "amount is below 10,000 trillion": [{"series": "m2", "currency": "JPY", "amount": 2e16}],
        "ecb_assets is 0.5 to 20 trillion": [{"series": "ecb_assets", "currency": "EUR", "amount": 6.4e6}],
        "boj_assets is 50 to 3,000 trillion": [{"series": "boj_assets", "currency": "JPY", "amount": 7.5e12}],
        "pboc_assets is 2 to 200 trillion": [{"series": "pboc_assets", "currency": "CNY", "amount": 4.4e11}],
        "us_m2 is 0.2 to 60 trillion": [{"series": "us_m2", "amount": 2.1e10}],
        "euro_m2 is 2 to 60 trillion": [{"series": "euro_m2", "currency": "EUR", "amount": 1.5e10}],
        "japan_m2 is 300 to 5,000 trillion": [{"series": "japan_m2", "currency": "JPY", "amount": 1.2e13}],
        "china_m2 is 10 to 2,000 trillion": [{"series": "china_m2", "currency": "CNY", "amount": 3.1e12}],
        "fed_assets is 0.5 to 20 trillion": [{"amount": 7e6}],
        "tga is 0.1 billion to 5 trillion": [{"series": "tga", "amount": 725_000.0}],
        "rrp is 0, or 1 million to 5 trillion": [{"series": "rrp", "amount": 151.25}],
        "tga since 2016 is 10 billion or more": [{"series": "tga", "amount": 735e6}],
        "assets and money are within a factor of 3 of their last values": [
            {"amount": 7e12},
            {"amount": 7e11, "day": 1},
        ],
        "tga is within a factor of 30 of its last values": [
            {"series": "tga_daily", "amount": 4e10},
            {"series": "tga_daily", "amount": 4e12, "day": 1},
        ],
        "rrp of a billion or more is within a factor of 30 of its last values": [
            {"series": "rrp", "amount": 1.432e11},
            {"series": "rrp", "amount": 1.432e8, "day": 1},
        ],
        "effective_rate is 0.0003 or more": [rate(series="effective_rate", rate_apr=0.0001)],
        "a rate that moves by two points is within a factor of 20 of its last values": [
            rate(series="yield_1y", rate_apr=0.0458),
            rate(series="yield_1y", rate_apr=0.000458, day=1),
        ],
        "rate_apr is between -0.05 and 0.3": [rate(series="effective_rate", rate_apr=4.58)],
        "the rates of a day lie within 0.1 of each other": [
            rate(series="target_low", rate_apr=0.0),
            rate(series="target_high", rate_apr=0.25),
        ],
    },
    rows_that_break={"the rates of a day lie within 0.1 of each other": 2},
    also_breaks={
        "fed_assets is 0.5 to 20 trillion": {"assets and money are within a factor of 3 of their last values"},
        "tga is 0.1 billion to 5 trillion": {
            "tga since 2016 is 10 billion or more",
            "tga is within a factor of 30 of its last values",
        },
        # Checks against the last values read all cases as one series, by its name.
        "rate_apr is between -0.05 and 0.3": {
            "a rate that moves by two points is within a factor of 20 of its last values"
        },
        "tga since 2016 is 10 billion or more": {"tga is within a factor of 30 of its last values"},
    },
    true_history={
        "repo at zero": [{"series": "rrp", "amount": 0.0}],
        "repo at its height": [{"series": "rrp", "amount": 2.5537e12}],
        "banks and money abroad": [
            {"series": "boj_assets", "currency": "JPY", "amount": 7.6e14},
            {"series": "pboc_assets", "currency": "CNY", "amount": 4.8e13},
            {"series": "japan_m2", "currency": "JPY", "amount": 1.297e15},
            {"series": "china_m2", "currency": "CNY", "amount": 3.567e14},
        ],
        "treasury nearly empty in 2007": [{"series": "tga", "amount": 4e9, "date": date(2007, 12, 12)}],
        "treasury nearly empty in 2023": [
            {"series": "tga_daily", "amount": 4.8e10},
            {"series": "tga_daily", "amount": 2.2892e10, "day": 1},
        ],
        "bills in a panic, September 2008": [
            *(
                rate(series="yield_3m", rate_apr=apr, day=day)
                for day, apr in enumerate((0.0167, 0.0164, 0.0149, 0.0102, 0.0087, 0.0003, 0.0023, 0.0099))
            )
        ],
        "assets at their height": [{"amount": 8.9655e12}],
        "near zero": [
            rate(series="target_low", rate_apr=0.0),
            rate(series="target_high", rate_apr=0.0025),
            rate(series="yield_1y", rate_apr=-0.0002),
        ],
        "1981": [rate(series="effective_rate", rate_apr=0.2236), rate(series="yield_1y", rate_apr=0.16)],
    },
    real_steps={
        "the Federal Reserve's autumn of 2008": [
            {"amount": amount * 1e12, "day": 7 * week}
            for week, amount in enumerate((0.92, 0.99, 1.21, 1.5, 1.6, 1.77, 1.8, 1.97, 2.07))
        ],
    },
)
