"""Rows of `unconfirmed_liquidations`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases

CASES = Cases(
    good={
        "asset": "BTC",
        "venue": "krakenfutures",
        "contract": "PF_XBTUSD",
        "liquidated_volume": 41.25,
    },
    breaking={
        "liquidated_volume is not negative": [{"liquidated_volume": -1.0}],
        "liquidated_volume is below 20 billion": [{"liquidated_volume": 2.1e10}],
    },
    true_history={
        "a quiet day": [{"liquidated_volume": 0.0}],
        "coins": [{"liquidated_volume": 2_160.5}],
        "dollars": [{"liquidated_volume": 1.9e8}],
    },
)
