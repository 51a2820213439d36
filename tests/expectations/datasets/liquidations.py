"""Rows of `liquidations`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row


def closed(total: float | None, **others: Any) -> Row:
    """Liquidations of a venue that publishes a total alone."""
    return {"long_usd": None, "short_usd": None, "largest_usd": None, "total_usd": total, **others}


CASES = Cases(
    good={
        "asset": "SOL",
        "venue": "gate",
        "long_usd": 3e6,
        "short_usd": 1e6,
        "total_usd": 4e6,
        "largest_usd": 5e5,
        "accounts": 10,
    },
    breaking={
        "long_usd is not negative": [{"long_usd": -1.0}],
        "short_usd is not negative": [{"short_usd": -1.0}],
        "total_usd is not negative": [closed(-1.0)],
        "long_usd and short_usd do not exceed total_usd": [{"total_usd": 3e6}],
        "largest_usd does not exceed total_usd": [{"largest_usd": 5e6}],
        "accounts are not negative": [{"accounts": -1}],
        "total_usd is below 10 billion": [closed(2e10)],
        "half of the days of BTC and ETH are below 500 million, over 5 days or more": [
            closed(6e8, asset="BTC", venue="contracts", day=day) for day in range(5)
        ],
        "half of the days of BTC and ETH with liquidations are above 1,000, over 5 days or more": [
            closed(12.5, asset="ETH", venue="coins", day=day) for day in range(5)
        ],
    },
    rows_that_break={
        "half of the days of BTC and ETH are below 500 million, over 5 days or more": 5,
        "half of the days of BTC and ETH with liquidations are above 1,000, over 5 days or more": 5,
    },
    true_history={
        "a crash at the largest venue": [closed(4.5e9, asset="BTC", venue="largest")],
        "two wild weeks there": [closed(3e8, asset="ETH", venue="largest", day=day) for day in range(14)],
        "a quiet week at a small one": [closed(0.0, asset="BTC", venue="small", day=day) for day in range(7)],
        "one order alone": [{"long_usd": 85.63, "short_usd": 0.0, "total_usd": 85.63, "largest_usd": 85.63}],
    },
)
