"""Rows of `lending_rates`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "protocol": "aave-v3",
        "chain": "ethereum",
        "asset": "USDC",
        "supply_apr": 0.05,
        "available_usd": 1e8,
        "sampling": "daily_last",
    },
    breaking={
        "a supply or a borrow rate is known": [{"supply_apr": None}],
        "supply_apr is between 0 and 3": [{"supply_apr": 4.0}],
        "half of the supply_apr are below 0.5, over 5 rows or more": [],  # see test_lending_rates.py
        "borrow_apr is between 0 and 5": [{"borrow_apr": 6.0}],
        "supply_apr_max is not below supply_apr": [{"supply_apr_max": 0.04}],
        "borrow_apr_max is not below borrow_apr": [{"borrow_apr": 0.05, "borrow_apr_max": 0.04}],
        "borrow_apr is what debts grew by, within 1 %": [{"borrow_apr": 0.1, "borrow_apy_realised": 0.1067}],
        "supply_apr is what deposits grew by, within 5 %": [{"supply_apr": 0.1, "supply_apy_realised": 0.1}],
        "supply_apr is within a factor of 50 of its last days": [{}, {"day": 1, "supply_apr": 2.9}],
        "borrow_apr is within a factor of 50 of its last days": [
            {"borrow_apr": 0.05},
            {"day": 1, "borrow_apr": 4.9},
        ],
        "utilization is between 0 and 1": [{"utilization": 80.0}],
        "available_usd is not negative": [{"available_usd": -1.0}],
        "available_usd is below 100 billion": [{"available_usd": 1e14}],
        "sampling is one that we know": [{"sampling": "guessed"}],
    },
    true_history={
        "spike": [{"supply_apr": 0.46}],
        "grown by the mean, the borrowing side exactly": [
            {
                "supply_apr": 0.1,
                "supply_apy_realised": 0.11,
                "borrow_apr": 0.2,
                "borrow_apy_realised": 0.2214027581601699,
            }
        ],
        "nothing lent": [
            dict.fromkeys(("supply_apr", "supply_apy_realised", "borrow_apr", "borrow_apy_realised"), 0.0)
        ],
        "nothing earned": [{"supply_apr": 0.0, "available_usd": 0.0}],
        "borrowing alone": [{"supply_apr": None, "borrow_apr": 0.9, "utilization": 1.0}],
    },
)
