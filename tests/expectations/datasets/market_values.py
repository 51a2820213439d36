"""Rows of `market_values`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={"asset": "SOL", "market_cap_usd": 1e11, "price_usd": 200.0},
    breaking={
        "market_cap_usd is above 0": [{"market_cap_usd": 0.0}],
        "price_usd is above 0": [{"price_usd": 0.0}],
        "market_cap_usd is below 100 trillion": [{"market_cap_usd": 2e14}],
        "1 to 21 million BTC circulate": [{"asset": "BTC", "price_usd": 1e5, "market_cap_usd": 2.2e12}],
        "70 to 200 million ETH circulate": [{"asset": "ETH", "price_usd": 4e3, "market_cap_usd": 1.2e12}],
        "BTC is worth 100 to 2,000,000 USD": [{"asset": "BTC", "price_usd": 50.0, "market_cap_usd": 1e9}],
        "ETH is worth 0.4 to 100,000 USD": [{"asset": "ETH", "price_usd": 0.2, "market_cap_usd": 2e7}],
        "as many coins circulate as on the last days, within a factor of 8": [
            {"market_cap_usd": 1e11},
            {"day": 2, "market_cap_usd": 1e12},
        ],
        "price_usd of BTC and ETH is within a factor of 3 of its last days": [
            {"asset": "BTC", "price_usd": 97_000.0, "market_cap_usd": None},
            {"asset": "BTC", "price_usd": 970.0, "market_cap_usd": None, "day": 1},
        ],
        "market_cap_usd is within a factor of 3 of the day before": [{}, {"day": 1, "market_cap_usd": 4e11}],
    },
    true_history={
        "bitcoin in 2013": [{"asset": "BTC", "price_usd": 135.3, "market_cap_usd": 1.5e9}],
        "bitcoin at its height": [{"asset": "BTC", "price_usd": 126_000.0, "market_cap_usd": 2.51e12}],
        "ether's first days": [{"asset": "ETH", "price_usd": 0.75, "market_cap_usd": 5.4e7}],
        "supply unknown": [{"market_cap_usd": None}],
        "price unknown": [{"price_usd": None}],
        "half of it gone in a day": [{}, {"day": 1, "market_cap_usd": 4.5e10}],
        "a day is missing": [{}, {"day": 2, "market_cap_usd": 4e11}],
    },
)
