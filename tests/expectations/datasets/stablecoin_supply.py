"""Rows of `stablecoin_supply`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row


def supplied(supply: float, **others: Any) -> Row:
    """A supply in which each coin is worth a dollar."""
    return {"supply": supply, "supply_usd": supply, **others}


CASES = Cases(
    good={"asset": "DAI", "chain": "ALL", "supply": 5e9, "supply_usd": 5e9},
    breaking={
        "supply is not negative": [{"supply": -1.0}],
        "supply is below a trillion": [{"supply": 2e12}],
        "supply_usd is not negative": [{"supply_usd": -1.0}],
        "USDT counts at least 100 million in total": [{"asset": "USDT", "supply": 138_000.0}],
        "a coin counts at 0.2 to 2 dollars": [{"supply_usd": 5e12}],
        "a total of 10 billion or more is within a factor of 1.5 of its last days": [
            supplied(1.381e11),
            supplied(7.6e10, day=1),
        ],
        "a total of 100 million or more is within a factor of 50 of its last days": [
            supplied(2e8),
            supplied(2e11, day=1),
        ],
        "supply is within a factor of 2 of the day before": [supplied(5e9), supplied(1.1e10, day=1)],
    },
    also_breaks={
        "supply is not negative": {"a coin counts at 0.2 to 2 dollars"},
        "supply is below a trillion": {"a coin counts at 0.2 to 2 dollars"},
        "supply_usd is not negative": {"a coin counts at 0.2 to 2 dollars"},
        "USDT counts at least 100 million in total": {"a coin counts at 0.2 to 2 dollars"},
        "a total of 100 million or more is within a factor of 50 of its last days": {
            "supply is within a factor of 2 of the day before"
        },
    },
    true_history={
        "gone": [{"supply": 0.0, "supply_usd": 0.0}, {"day": 1, "supply": 0.0, "supply_usd": 0.0}],
        "another peg": [{"asset": "EURC", "supply_usd": None}],
        "USDT on a small chain": [supplied(1000.0, asset="USDT", chain="kava")],
        "USDT at first": [supplied(6.7e8, asset="USDT")],
    },
    real_steps={
        "USDC in March 2023": [
            supplied(supply * 1e9, asset="USDC", day=day)
            for day, supply in enumerate((43.5, 43.3, 42.4, 40.6, 39.4, 38.2, 37.1, 36.4))
        ],
        "USDe in October 2025": [
            supplied(supply * 1e9, asset="USDE", day=day) for day, supply in enumerate((14.7, 14.6, 12.7, 12.6, 12.3))
        ],
        "a coin that a fund takes up": [
            supplied(supply * 1e9, asset="USD1", day=day) for day, supply in enumerate((0.13, 0.13, 0.13, 1.1, 2.1))
        ],
    },
)
