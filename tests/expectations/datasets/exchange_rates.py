"""Rows of `exchange_rates`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={"currency": "KRW", "rate_per_usd": 1400.0},
    breaking={
        "rate_per_usd is above 0": [{"currency": "GBP", "rate_per_usd": 0.0}],
        "a dollar is worth 300 to 5,000 won": [{"rate_per_usd": 1 / 1400}],
        "a dollar is worth 0.5 to 1.4 euro": [{"currency": "EUR", "rate_per_usd": 1400.0}],
        "a dollar is worth 50 to 400 yen": [{"currency": "JPY", "rate_per_usd": 1 / 150}],
        "a dollar is worth 4 to 15 yuan": [{"currency": "CNY", "rate_per_usd": 1 / 7.2}],
        "a dollar is worth as many euro as on the last days, within 9 %": [
            {"currency": "EUR", "rate_per_usd": 0.95},
            {"currency": "EUR", "rate_per_usd": 1 / 0.95, "day": 1},
        ],
        "rate_per_usd is within 15 % of the fixing before": [{}, {"day": 1, "rate_per_usd": 1700.0}],
    },
    true_history={
        "1998": [{"rate_per_usd": 1962.0}],
        "yen": [{"currency": "JPY", "rate_per_usd": 162.7}],
        "euro": [{"currency": "EUR", "rate_per_usd": 1.21}],
    },
)
