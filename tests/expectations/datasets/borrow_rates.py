"""Rows of `borrow_rates`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "asset": "USDT",
        "venue": "okx",
        "borrow_apr": 0.1,
        "borrow_apr_max": 0.12,
        "samples": 24,
        "sampling": "hourly_mean",
    },
    breaking={
        "borrow_apr is between 0 and 10": [{"borrow_apr": 12.0, "borrow_apr_max": 13.0}],
        "borrow_apr_max is between 0 and 30": [{"borrow_apr_max": 44.0}],
        "half of the borrow_apr are between 0.0005 and 0.9, over 5 rows or more": [],  # see test_borrow_rates.py
        "borrow_apr_max is not below borrow_apr": [{"borrow_apr": 0.13}],
        "borrow_apr is within a factor of 50 of its last days": [
            {},
            {"day": 1, "borrow_apr": 8.0, "borrow_apr_max": 9.0},
        ],
        "samples is 1 or more": [{"samples": 0, "sampling": "daily_last"}],
        "one sample alone has no highest": [{"samples": 1, "sampling": "daily_last"}],
        "an hourly mean is of 20 to 24 hours": [{"samples": 19}],
        "sampling is one that we know": [{"sampling": "guessed"}],
    },
    true_history={
        "spike": [{"borrow_apr": 0.72, "borrow_apr_max": 2.1}],
        "lent at seven percent a day": [
            {"borrow_apr": 1.1, "borrow_apr_max": 25.55, "samples": None, "sampling": "daily_last"}
        ],
        "nobody borrows": [{"borrow_apr": 0.0, "borrow_apr_max": 0.0}],
        "four hours are missing": [{"samples": 20}],
        "one reading": [{"borrow_apr_max": None, "samples": 1, "sampling": "daily_last"}],
    },
)
