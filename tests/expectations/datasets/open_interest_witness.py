"""Rows of `open_interest_witness`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={"asset": "BTC", "venue": "binance", "open_interest_usd": 1e10},
    breaking={
        "open_interest_usd is 100,000 to 100 billion": [{"open_interest_usd": 98_000.0}],
        "open_interest_usd of 100 million or more is within a factor of 5 of its last days": [
            {},
            {"day": 1, "open_interest_usd": 1e9},
        ],
    },
    true_history={
        "a small exchange": [{"venue": "delta", "open_interest_usd": 5e6}],
        "the largest": [{"open_interest_usd": 1.6e10}],
    },
)
