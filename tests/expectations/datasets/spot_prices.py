"""Rows of `spot_prices`: a good one, rows that break each check, and rows as they happened."""

from tests.expectations.cases import Cases, candle

CASES = Cases(
    good={
        "asset": "SOL",
        "venue": "binance",
        "quote": "USDT",
        "open_usd": 100.0,
        "high_usd": 110.0,
        "low_usd": 90.0,
        "close_usd": 105.0,
        "volume_base": 10.0,
        "volume_usd": 1000.0,
    },
    breaking={
        "low_usd is above 0": [{"low_usd": 0.0}],
        "high_usd is not below open_usd": [{"open_usd": 111.0}],
        "high_usd is not below close_usd": [{"close_usd": 111.0}],
        "open_usd is not below low_usd": [{"open_usd": 89.0}],
        "close_usd is not below low_usd": [{"close_usd": 89.0}],
        "volume_base is not negative": [{"volume_base": -10.0}],
        "volume_usd is not negative": [{"volume_usd": -1.0}],
        "volume_usd over volume_base is a price of the day": [{"volume_usd": 10.0}],
        "BTC closes at 100 to 2,000,000 USD": [{"asset": "BTC", **candle("usd", (50, 60, 40, 50), volume_usd=500.0)}],
        "ETH closes at 1 to 100,000 USD": [
            {"asset": "ETH", **candle("usd", (370_000, 380_000, 360_000, 375_000), volume_usd=3_700_000.0)}
        ],
        "USDT closes at 0.8 to 1.2 USD": [
            {"asset": "USDT", **candle("usd", (1400, 1410, 1390, 1400), volume_usd=14_000)}
        ],
        "quote is USD or USDT": [{"quote": "EUR"}],
        "close_usd of BTC and ETH is within a factor of 3 of its last days": [
            {"asset": "BTC", **candle("usd", (97_000,) * 4, volume_base=1.0, volume_usd=97_000.0)},
            {"asset": "BTC", "day": 2, **candle("usd", (970,) * 4, volume_base=1.0, volume_usd=970.0)},
        ],
        "close_usd is within a factor of 5 of the day before": [
            {},
            {"day": 1, **candle("usd", (100, 1100, 90, 1050))},
        ],
        "open_usd is within 10 % of the close before": [
            {},
            {"day": 1, **candle("usd", (130, 140, 120, 135), volume_usd=1300.0)},
        ],
        "volume_base is above 0": [{"volume_base": 0.0, "volume_usd": 0.0}],
    },
    also_breaks={
        "close_usd of BTC and ETH is within a factor of 3 of its last days": {
            "close_usd is within a factor of 5 of the day before"
        },
        "volume_base is not negative": {"volume_base is above 0"},
    },
    true_history={
        # As on 12 March 2020 and 10 October 2025.
        "crash": [{"asset": "BTC", **candle("usd", (7900, 7970, 4400, 4800), volume_base=1.0, volume_usd=6000.0)}],
        "tenfold within the day": [candle("usd", (1, 12, 0.9, 4), volume_usd=50.0)],
        "no turnover published": [{"volume_usd": None}],
        "one trade": [candle("usd", (100, 100, 100, 100), volume_base=0.5, volume_usd=50.0)],
        "a day is missing": [{}, {"day": 2, **candle("usd", (130, 140, 120, 135), volume_usd=1300.0)}],
    },
)
