"""Rows of `unconfirmed_rates`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "asset": "USDT",
        "venue": "gate",
        "rate_mean": 0.0001,
        "rate_max": 0.0002,
        "rate_last": 0.0001,
        "samples": 24,
    },
    breaking={
        "rate_mean is between 0 and 100": [{"rate_mean": 101.0, "rate_max": 101.0}],
        "rate_last is between 0 and 100": [{"rate_last": 101.0, "rate_max": 101.0}],
        "rate_max is not below rate_mean": [{"rate_max": 0.00015, "rate_mean": 0.0002}],
        "rate_max is not below rate_last": [{"rate_max": 0.00015, "rate_last": 0.0002}],
        "samples are those of 20 hours or more": [{"samples": 19}],
    },
    true_history={
        "per hour": [{}],
        "per year": [{"rate_mean": 0.4, "rate_max": 0.9, "rate_last": 0.5}],
        "nothing asked": [{"rate_mean": 0.0, "rate_max": 0.0, "rate_last": 0.0}],
    },
)
