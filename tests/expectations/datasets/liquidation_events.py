"""Rows of `liquidation_events`: a good one, rows that break each check, and rows as they happened."""

from datetime import date

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "asset": "SOL",
        "venue": "okx",
        "event": "1",
        "side": "long",
        "amount_usd": 1_000.0,
        "price_usd": 200.0,
        "account": None,
    },
    quiet=True,
    breaking={
        "side is long or short": [{"side": "buy"}],
        "amount_usd is not negative": [{"amount_usd": -1.0}],
        "amount_usd is below 1 billion": [{"amount_usd": 2e9}],
        "a day of an asset is below 10 billion": [{"event": f"{number}", "amount_usd": 9.5e8} for number in range(11)],
        "price_usd is above 0": [{"price_usd": 0.0}],
        "a coin of BTC costs 3,000 to 2,000,000 USD": [{"asset": "BTC", "price_usd": 0.5}],
        "a coin of ETH costs 80 to 100,000 USD": [{"asset": "ETH", "price_usd": 0.03}],
        "a coin of BTC costs 10,000 to 1,000,000 USD since 2021": [{"asset": "BTC", "price_usd": 9_700.0}],
        "a coin of ETH costs 500 to 100,000 USD since 2021": [{"asset": "ETH", "price_usd": 370.0}],
    },
    rows_that_break={"a day of an asset is below 10 billion": 11},
    also_breaks={
        "a coin of BTC costs 3,000 to 2,000,000 USD": {"a coin of BTC costs 10,000 to 1,000,000 USD since 2021"},
        "a coin of ETH costs 80 to 100,000 USD": {"a coin of ETH costs 500 to 100,000 USD since 2021"},
    },
    true_history={
        "dust": [{"amount_usd": 1e-8}],
        "a loan, which has no side": [
            {"asset": "ETH", "venue": "aave-v3", "side": None, "price_usd": 3_700.0, "account": "0x01"}
        ],
        "no price": [{"price_usd": None}],
        "the largest that was published": [{"asset": "BTC", "amount_usd": 2.0e8, "price_usd": 17_000.0}],
        "March 2020": [{"asset": "ETH", "price_usd": 90.0, "date": date(2020, 3, 13)}],
    },
)
