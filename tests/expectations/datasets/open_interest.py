"""Rows of `open_interest`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row

ENDS = ("open_interest_usd", "open_interest_usd_high", "open_interest_usd_low")


def held(coins: float | None, usd: float | None, **others: Any) -> Row:
    """Open interest that is the same all day."""
    ends = {"open_interest_usd_high": usd, "open_interest_usd_low": usd, "flush_usd": None}
    return {"open_interest_coins": coins, "open_interest_usd": usd, **ends, **others}


CASES = Cases(
    good={
        "asset": "SOL",
        "venue": "binance",
        "contract": "SOLUSDT",
        "open_interest_coins": 10_000.0,
        "open_interest_usd": 2_000_000.0,
        "open_interest_usd_high": 2_100_000.0,
        "open_interest_usd_low": 1_900_000.0,
        "flush_usd": 100_000.0,
        "cadence": "daily",
    },
    breaking={
        "coins or dollars are known": [held(None, None)],
        "open_interest_coins is above 0": [held(0.0, None)],
        "BTC is at most 1,000,000 coins": [
            held(3_300_000.0, None, asset="BTC")
        ],  # contracts of 0.01 coins, taken for coins
        "ETH is at most 8,000,000 coins": [held(15_000_000.0, None, asset="ETH")],
        "open_interest_usd is 100,000 to 100 billion": [held(None, 95_000.0)],
        "open_interest_usd of all venues is 100 million to a trillion": [held(None, 2e12, venue="ALL")],
        # Contracts of 0.01 coins in a small market, taken for coins.
        "a coin of BTC is worth 3,000 to 2,000,000 USD": [held(100_000.0, 97e6, asset="BTC")],
        "a coin of ETH is worth 80 to 100,000 USD": [held(1_000_000.0, 37e6, asset="ETH")],
        "a coin of BTC is worth 10,000 to 1,000,000 USD since 2021": [held(250_000.0, 2.43e9, asset="BTC")],
        "a coin of ETH is worth 500 to 100,000 USD since 2021": [held(1_000_000.0, 3.7e8, asset="ETH")],
        "a coin is worth what it was worth within a factor of 3": [
            held(10_000.0, 2e6),
            held(1_500.0, 2e6, day=2),  # two days later, so that no check against the day before fails too
        ],
        "open_interest_coins of a large contract of BTC or ETH is within a factor of 5 of its last days": [
            held(40_000.0, None, asset="BTC"),
            held(400_000.0, None, asset="BTC", day=2),
        ],
        "open_interest_usd of 100 million or more is within a factor of 5 of its last days": [
            held(None, 4e9, asset="BTC"),
            held(None, 4e8, asset="BTC", day=2),
        ],
        "open_interest_usd is not above the day's high": [{"open_interest_usd": 2_100_001.0}],
        "open_interest_usd is not below the day's low": [{"open_interest_usd": 1_899_999.0}],
        "the day's low is at least a fifth of its high": [{"open_interest_usd_low": 400_000.0}],
        "flush_usd is not negative": [{"flush_usd": -1.0}],
        "flush_usd is at most 20 times the day's high": [{"flush_usd": 1e8}],
        "cadence is daily or weekly": [{"cadence": "hourly"}],
        "open_interest_coins is within a factor of 1.8 of the day before": [
            {},
            {"day": 1, "open_interest_coins": 20_000.0},
        ],
    },
    also_breaks={
        "a coin of BTC is worth 3,000 to 2,000,000 USD": {"a coin of BTC is worth 10,000 to 1,000,000 USD since 2021"},
        "a coin of ETH is worth 80 to 100,000 USD": {"a coin of ETH is worth 500 to 100,000 USD since 2021"},
    },
    true_history={
        # 12 March 2020 and 10 October 2025: half of it is gone within a day, and the price falls too.
        "crash": [
            {"open_interest_coins": 100_000.0, "asset": "BTC", **dict.fromkeys(ENDS, 9e9), "flush_usd": 1e9},
            {
                "day": 1,
                "asset": "BTC",
                "open_interest_coins": 60_000.0,
                "open_interest_usd": 3.2e9,
                "open_interest_usd_high": 9.1e9,
                "open_interest_usd_low": 3.1e9,
                "flush_usd": 1.1e10,
            },
        ],
        "in coins alone": [held(28_000.0, None, asset="BTC")],
        "in dollars alone": [held(None, 4.1e8, asset="BTC")],
        "a small market": [held(110.0, 4e5, asset="ETH")],
        "CME": [held(212_620.0, None, asset="BTC", venue="cme", cadence="weekly"), held(187_940.0, None, day=7)],
        "a day is missing": [{}, {"day": 2, "open_interest_coins": 25_000.0}],
    },
)
