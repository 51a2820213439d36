"""Every check of every dataset, through great-expectations: rows made to break exactly it, and rows that keep all.

A suite run costs a quarter of a second and the import four, so all cases of a dataset share one batch: each case has
its own series and its own days, and whatever fails is traced back to its case.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations import suite
from expectations.contract import Dataset, OneOf, Range, datasets
from expectations.errors import PipelineError
from expectations.suite import CheckBroken, Rule, rules, run_suite
from flows.steps.check import check
from tests.served import until
from transforms.funding_rates import binance as funding
from transforms.lending_rates import defillama as lending
from transforms.macro_series import fred
from transforms.spot_prices import binance as spot
from transforms.spot_prices import coinbase

pytestmark = pytest.mark.slow

Row = dict[str, Any]
FIRST_DAY = date(2024, 1, 1)
DAYS_BETWEEN_CASES = 3
NAMES = sorted(datasets())

# A row that keeps every promise. `day` is the number of days after the case's first, `hour` that of a payment.
GOOD: dict[str, Row] = {
    "borrow_rates": {
        "asset": "USDT",
        "venue": "okx",
        "borrow_apr": 0.1,
        "borrow_apr_max": 0.12,
        "samples": 24,
        "sampling": "hourly_mean",
    },
    "exchange_rates": {"currency": "KRW", "rate_per_usd": 1400.0},
    "funding_rates": {"asset": "SOL", "venue": "binance", "funding_rate": 1e-4, "interval_hours": 8},
    "hourly_krw_prices": {
        "asset": "USDT",
        "venue": "bithumb",
        "hour_high_krw": 1450.0,
        "hour_low_krw": 1420.0,
        "hour_close_krw": 1440.0,
        "hour_volume_base": 1000.0,
        "hour_volume_krw": 1_435_000.0,
        "volume_is_estimated": False,
    },
    "hourly_prices": {
        "asset": "SOL",
        "venue": "binance",
        "quote": "USDT",
        "hour_high_usd": 110.0,
        "hour_low_usd": 90.0,
        "hour_close_usd": 105.0,
        "hour_volume_base": 10.0,
    },
    "krw_prices": {
        "asset": "USDT",
        "venue": "upbit",
        "open_krw": 1430.0,
        "high_krw": 1450.0,
        "low_krw": 1420.0,
        "close_krw": 1440.0,
        "volume_base": 1000.0,
        "volume_krw": 1_435_000.0,
        "volume_is_estimated": False,
        "day_boundary": "UTC",
    },
    "lending_rates": {
        "protocol": "aave-v3",
        "chain": "ethereum",
        "asset": "USDC",
        "supply_apr": 0.05,
        "available_usd": 1e8,
        "sampling": "daily_last",
    },
    "liquidation_events": {
        "asset": "SOL",
        "venue": "okx",
        "event": "1",
        "side": "long",
        "amount_usd": 1_000.0,
        "price_usd": 200.0,
        "account": None,
    },
    "liquidations": {
        "asset": "SOL",
        "venue": "gate",
        "long_usd": 3e6,
        "short_usd": 1e6,
        "total_usd": 4e6,
        "largest_usd": 5e5,
        "accounts": 10,
    },
    "macro_series": {"series": "fed_assets", "currency": "USD", "amount": 7e12},
    "meeting_probabilities": {
        "meeting_date": date(2024, 12, 18),
        "outcome": "cut_25",
        "venue": "kalshi",
        "probability": 0.6,
        "price_basis": "trade",
        "outcomes": 2,
    },
    "open_interest": {
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
    "open_interest_witness": {"asset": "BTC", "venue": "binance", "open_interest_usd": 1e10},
    "unconfirmed_liquidations": {
        "asset": "BTC",
        "venue": "krakenfutures",
        "contract": "PF_XBTUSD",
        "liquidated_volume": 41.25,
    },
    "unconfirmed_rates": {
        "asset": "USDT",
        "venue": "gate",
        "rate_mean": 0.0001,
        "rate_max": 0.0002,
        "rate_last": 0.0001,
        "samples": 24,
    },
    "spot_prices": {
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
    "stablecoin_supply": {"asset": "DAI", "chain": "ALL", "supply": 5e9, "supply_usd": 5e9},
    "market_values": {"asset": "SOL", "market_cap_usd": 1e11, "price_usd": 200.0},
}
WHOLE_DAY: tuple[Row, ...] = ({"hour": 0}, {"hour": 8}, {"hour": 16})


WHOLE_HOURS: tuple[Row, ...] = tuple({"hour": hour} for hour in range(24))
# What a whole day is, where it is more than one row.
WHOLE: dict[str, tuple[Row, ...]] = {"funding_rates": WHOLE_DAY, "hourly_prices": WHOLE_HOURS}
OF_THE_HOUR = ("settled_at", "opened_at")


def day_of_hours(**changes: Any) -> list[Row]:
    """A day's 24 hours, the last of them changed."""
    return [*WHOLE_HOURS[:-1], {**WHOLE_HOURS[-1], **changes}]


def day_of_payments(**changes: Any) -> list[Row]:
    """A day's three payments, the last of them changed."""
    return [*WHOLE_DAY[:2], {**WHOLE_DAY[2], **changes}]


def rate(**values: Any) -> Row:
    return {"currency": None, "amount": None, **values}


def held(coins: float | None, usd: float | None, **others: Any) -> Row:
    """Open interest that stood still all day."""
    ends = {"open_interest_usd_high": usd, "open_interest_usd_low": usd, "flush_usd": None}
    return {"open_interest_coins": coins, "open_interest_usd": usd, **ends, **others}


def supplied(supply: float, **others: Any) -> Row:
    """A stablecoin's total, at a dollar each."""
    return {"supply": supply, "supply_usd": supply, **others}


def in_won(price: float, **others: Any) -> Row:
    """An hour of bitcoin in which one coin was traded."""
    prices = dict.fromkeys(("hour_high_krw", "hour_low_krw", "hour_close_krw", "hour_volume_krw"), price)
    return {"asset": "BTC", "hour_volume_base": 1.0, **prices, **others}


def candle(unit: str, prices: Sequence[float], **others: Any) -> Row:
    names = (f"open_{unit}", f"high_{unit}", f"low_{unit}", f"close_{unit}")
    return {**dict(zip(names, prices, strict=True)), **others}


def closed(total: float | None, **others: Any) -> Row:
    """Liquidations of a venue that tells a total alone."""
    return {"long_usd": None, "short_usd": None, "largest_usd": None, "total_usd": total, **others}


# Dataset, rule and the rows of its case; how many of them, at the end, break the rule (one unless said).
CASES: dict[str, dict[str, list[Row]]] = {
    "borrow_rates": {
        "borrow_apr is between 0 and 10": [{"borrow_apr": 12.0, "borrow_apr_max": 13.0}],
        "borrow_apr_max is between 0 and 30": [{"borrow_apr_max": 44.0}],
        "half of the borrow_apr are between 0.0005 and 0.9, over 5 rows or more": [],  # about a whole batch: see below
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
    "exchange_rates": {
        "rate_per_usd is above 0": [{"currency": "GBP", "rate_per_usd": 0.0}],
        "a dollar is worth 300 to 5,000 won": [{"rate_per_usd": 1 / 1400}],
        "a dollar is worth 0.5 to 1.4 euro": [{"currency": "EUR", "rate_per_usd": 1400.0}],
        "a dollar is worth 50 to 400 yen": [{"currency": "JPY", "rate_per_usd": 1 / 150}],
        "a dollar is worth 4 to 15 yuan": [{"currency": "CNY", "rate_per_usd": 1 / 7.2}],
        "a dollar is worth as many euro as on the last days, within 9 %": [
            {"currency": "EUR", "rate_per_usd": 0.95},
            {"currency": "EUR", "rate_per_usd": 1 / 0.95, "day": 1},
        ],
        "rate_per_usd is within 15 % of the fixing before": [{}, {"day": 1, "rate_per_usd": 1700.0}],
    },
    "funding_rates": {
        "funding_rate is between -0.04 and 0.04": day_of_payments(funding_rate=-0.05),
        "funding_rate of BTC and ETH is between -0.008 and 0.008": [
            {"asset": "BTC", **row} for row in day_of_payments(funding_rate=0.01)
        ],
        "half of the day's rates are within 0.004, over 5 assets or more": [
            {"asset": asset, "series": asset, "funding_rate": 0.01, **row}
            for asset in ("ADA", "SOL", "SUI", "TRX", "XLM")
            for row in WHOLE_DAY
        ],
        "interval_hours is between 1 and 24": [{"hour": 0, "interval_hours": 25}],
        "interval_hours divides a day": [{"hour": 0}, {"hour": 8}, {"hour": 15, "interval_hours": 7}],
        "the day's intervals add up to at most 24 hours, unless the interval changes that day": [
            {"hour": hour, "interval_hours": 8} for hour in (0, 6, 12, 18)
        ],
        "the day's intervals add up to 24 hours, unless the interval changes that day": list(WHOLE_DAY[:2]),
        "a payment does not come sooner than its interval": [
            {"hour": 0},
            {"hour": 8, "interval_hours": 4},
            {"hour": 10, "interval_hours": 4},
        ],
        "a payment comes whole intervals after the one before": [
            {"hour": 0},
            {"hour": 8},
            {"hour": 20},
        ],
        "payments come as often as their interval says, but for a gap": [
            {"hour": 0},
            {"hour": 8, "interval_hours": 4},
            {"hour": 20, "interval_hours": 4},
        ],
    },
    "hourly_krw_prices": {
        "hour_low_krw is above 0": [{"hour_low_krw": 0.0}],
        "hour_high_krw is not below hour_close_krw": [{"hour_close_krw": 1451.0}],
        "hour_close_krw is not below hour_low_krw": [{"hour_close_krw": 1419.0}],
        "hour_volume_base is not negative": [{"hour_volume_base": -1000.0}],
        "hour_volume_krw is not negative": [{"hour_volume_krw": -1.0}],
        "hour_volume_krw over hour_volume_base is a price of the hour": [{"hour_volume_krw": 1435.0}],
        "a stablecoin costs 500 to 5,000 won": [
            {"hour_high_krw": 1.45, "hour_low_krw": 1.42, "hour_close_krw": 1.44, "hour_volume_krw": 1435.0}
        ],
        "the hour lies in its day": [{"hour": 24}],
        "BTC costs 100,000 to 3 billion won": [{"asset": "BTC"}],
        "ETH costs 1,000 to 300 million won": [
            {
                "asset": "ETH",
                "hour_high_krw": 380.0,
                "hour_low_krw": 370.0,
                "hour_close_krw": 375.0,
                "hour_volume_krw": 375_000.0,
            }
        ],
        "hour_close_krw of BTC and ETH is within a factor of 3 of its last hours": [
            in_won(1.4e8, hour=0),
            in_won(1.4e7, hour=1),
        ],
        "hour_volume_krw is at most 20 trillion": [{"hour_volume_base": 2e10, "hour_volume_krw": 2.87e13}],
    },
    "hourly_prices": {
        "hour_low_usd is above 0": day_of_hours(hour_low_usd=0.0),
        "hour_high_usd is not below hour_close_usd": day_of_hours(hour_close_usd=111.0),
        "hour_close_usd is not below hour_low_usd": day_of_hours(hour_close_usd=89.0),
        "hour_volume_base is not negative": day_of_hours(hour_volume_base=-1.0),
        "the hour lies in its day": day_of_hours(hour=24),
        "a day has 20 hours or more": list(WHOLE_HOURS[:19]),
        "a day has all of its 24 hours": list(WHOLE_HOURS[1:]),
        "BTC closes at 1,000 to 2,000,000 USD": [{"asset": "BTC", **hour} for hour in WHOLE_HOURS],
        "ETH closes at 50 to 100,000 USD": [
            {"asset": "ETH", "hour_low_usd": 40.0, "hour_close_usd": 45.0, **hour} for hour in WHOLE_HOURS
        ],
        "quote is USD or USDT": day_of_hours(quote="EUR"),
        "hour_close_usd of BTC and ETH is within a factor of 3 of its last hours": [
            {"asset": "ETH", **hour} for hour in day_of_hours(hour_high_usd=400.0, hour_close_usd=390.0)
        ],
        "hour_close_usd is within a factor of 1.5 of the hour before": day_of_hours(
            hour_high_usd=200.0, hour_close_usd=180.0
        ),
    },
    "krw_prices": {
        "low_krw is above 0": [{"low_krw": 0.0}],
        "high_krw is not below open_krw": [{"open_krw": 1451.0}],
        "high_krw is not below close_krw": [{"close_krw": 1451.0}],
        "open_krw is not below low_krw": [{"open_krw": 1419.0}],
        "close_krw is not below low_krw": [{"close_krw": 1419.0}],
        "volume_base is not negative": [{"volume_base": -1000.0}],
        "volume_krw is not negative": [{"volume_krw": -1.0}],
        "volume_krw over volume_base is a price of the day": [{"volume_krw": 1435.0}],
        "a stablecoin costs 500 to 5,000 won": [candle("krw", (1.43, 1.45, 1.42, 1.44), volume_krw=1435.0)],
        "day_boundary is UTC or KST": [{"day_boundary": "EST"}],
        "BTC costs 100,000 to 3 billion won": [{"asset": "BTC"}],
        "ETH costs 1,000 to 300 million won": [
            {"asset": "ETH", **candle("krw", (370.0, 380.0, 360.0, 375.0), volume_krw=370_000.0)}
        ],
        "close_krw of BTC and ETH is within a factor of 3 of its last days": [
            {"asset": "BTC", **candle("krw", (1.4e8,) * 4, volume_base=1.0, volume_krw=1.4e8)},
            {"asset": "BTC", "day": 1, **candle("krw", (1.4e7,) * 4, volume_base=1.0, volume_krw=1.4e7)},
        ],
        "volume_krw is at most 100 trillion": [{"volume_base": 1e11, "volume_krw": 1.435e14}],
        "volume_krw is above 0": [{"volume_base": 0.0, "volume_krw": 0.0}],
    },
    "lending_rates": {
        "a supply or a borrow rate is known": [{"supply_apr": None}],
        "supply_apr is between 0 and 3": [{"supply_apr": 4.0}],
        "half of the supply_apr are below 0.5, over 5 rows or more": [],  # about a whole batch: see below
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
    "liquidation_events": {
        "side is long or short": [{"side": "buy"}],
        "amount_usd is not negative": [{"amount_usd": -1.0}],
        "amount_usd is below 1 billion": [{"amount_usd": 2e9}],
        "a day of an asset is below 10 billion": [{"event": f"{one}", "amount_usd": 9.5e8} for one in range(11)],
        "price_usd is above 0": [{"price_usd": 0.0}],
        "a coin of BTC costs 3,000 to 2,000,000 USD": [{"asset": "BTC", "price_usd": 0.5}],
        "a coin of ETH costs 80 to 100,000 USD": [{"asset": "ETH", "price_usd": 0.03}],
        "a coin of BTC costs 10,000 to 1,000,000 USD since 2021": [{"asset": "BTC", "price_usd": 9_700.0}],
        "a coin of ETH costs 500 to 100,000 USD since 2021": [{"asset": "ETH", "price_usd": 370.0}],
    },
    "liquidations": {
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
    "macro_series": {
        "either an amount or a rate is known": [{"amount": None}],
        "an amount has its currency": [{"currency": None}],
        "amount is not negative": [{"series": "m2", "amount": -1.0}],
        "an amount in dollars or euro is below 100 trillion": [{"series": "m2", "amount": 2e14}],
        "amount is below 10,000 trillion": [{"series": "m2", "currency": "JPY", "amount": 2e16}],
        "ecb_assets is 0.5 to 20 trillion": [{"series": "ecb_assets", "currency": "EUR", "amount": 6.4e6}],
        "boj_assets is 50 to 3,000 trillion": [{"series": "boj_assets", "currency": "JPY", "amount": 7.5e12}],
        "pboc_assets is 2 to 200 trillion": [{"series": "pboc_assets", "currency": "CNY", "amount": 4.4e11}],
        "us_m2 is 0.2 to 60 trillion": [{"series": "us_m2", "amount": 2.1e10}],
        "euro_m2 is 2 to 60 trillion": [{"series": "euro_m2", "currency": "EUR", "amount": 1.5e10}],
        "japan_m2 is 300 to 5,000 trillion": [{"series": "japan_m2", "currency": "JPY", "amount": 1.2e13}],
        "china_m2 is 10 to 2,000 trillion": [{"series": "china_m2", "currency": "CNY", "amount": 3.1e12}],
        "fed_assets is 0.5 to 20 trillion": [{"amount": 7e6}],
        "tga is 0.1 billion to 5 trillion": [{"series": "tga", "amount": 725_000.0}],
        "rrp is 0, or 1 million to 5 trillion": [{"series": "rrp", "amount": 151.25}],
        "tga since 2016 is 10 billion or more": [{"series": "tga", "amount": 735e6}],
        "assets and money are within a factor of 3 of their last values": [
            {"amount": 7e12},
            {"amount": 7e11, "day": 1},
        ],
        "tga is within a factor of 30 of its last values": [
            {"series": "tga_daily", "amount": 4e10},
            {"series": "tga_daily", "amount": 4e12, "day": 1},
        ],
        "rrp of a billion or more is within a factor of 30 of its last values": [
            {"series": "rrp", "amount": 1.432e11},
            {"series": "rrp", "amount": 1.432e8, "day": 1},
        ],
        "effective_rate is 0.0003 or more": [rate(series="effective_rate", rate_apr=0.0001)],
        "a rate that moves by two points is within a factor of 20 of its last values": [
            rate(series="yield_1y", rate_apr=0.0458),
            rate(series="yield_1y", rate_apr=0.000458, day=1),
        ],
        "rate_apr is between -0.05 and 0.3": [rate(series="effective_rate", rate_apr=4.58)],
        "the rates of a day lie within 0.1 of each other": [
            rate(series="target_low", rate_apr=0.0),
            rate(series="target_high", rate_apr=0.25),
        ],
    },
    "meeting_probabilities": {
        "probability is between 0 and 1": [{"probability": 74.0}],
        "outcome is a move in basis points": [{"outcome": "C25"}],
        "the meeting is not over": [{"meeting_date": date(2020, 1, 29)}],
        "outcomes is 1 or more": [{"outcomes": 0}],
        "price_basis is one that we know": [{"price_basis": "previous"}],
        "the probabilities of a meeting add up to at most 1.25": [{"probability": 0.7}, {"outcome": "hold"}],
    },
    "unconfirmed_liquidations": {
        "liquidated_volume is not negative": [{"liquidated_volume": -1.0}],
        "liquidated_volume is below 20 billion": [{"liquidated_volume": 2.1e10}],
    },
    "unconfirmed_rates": {
        "rate_mean is between 0 and 100": [{"rate_mean": 101.0, "rate_max": 101.0}],
        "rate_last is between 0 and 100": [{"rate_last": 101.0, "rate_max": 101.0}],
        "rate_max is not below rate_mean": [{"rate_max": 0.00015, "rate_mean": 0.0002}],
        "rate_max is not below rate_last": [{"rate_max": 0.00015, "rate_last": 0.0002}],
        "samples are those of 20 hours or more": [{"samples": 19}],
    },
    "open_interest": {
        "coins or dollars are known": [held(None, None)],
        "open_interest_coins is above 0": [held(0.0, None)],
        "BTC is at most 1,000,000 coins": [held(3_300_000.0, None, asset="BTC")],  # contracts of 0.01
        "ETH is at most 8,000,000 coins": [held(15_000_000.0, None, asset="ETH")],
        "open_interest_usd is 100,000 to 100 billion": [held(None, 95_000.0)],
        "open_interest_usd of all venues is 100 million to a trillion": [held(None, 2e12, venue="ALL")],
        # The contracts of 0.01 coins of a small market.
        "a coin of BTC is worth 3,000 to 2,000,000 USD": [held(100_000.0, 97e6, asset="BTC")],
        "a coin of ETH is worth 80 to 100,000 USD": [held(1_000_000.0, 37e6, asset="ETH")],
        "a coin of BTC is worth 10,000 to 1,000,000 USD since 2021": [held(250_000.0, 2.43e9, asset="BTC")],
        "a coin of ETH is worth 500 to 100,000 USD since 2021": [held(1_000_000.0, 3.7e8, asset="ETH")],
        "a coin is worth what it was worth within a factor of 3": [
            held(10_000.0, 2e6),
            held(1_500.0, 2e6, day=2),  # two days on, so that the step of a day is not told as well
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
    "spot_prices": {
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
    "stablecoin_supply": {
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
    "open_interest_witness": {
        "open_interest_usd is 100,000 to 100 billion": [{"open_interest_usd": 98_000.0}],
        "open_interest_usd of 100 million or more is within a factor of 5 of its last days": [
            {},
            {"day": 1, "open_interest_usd": 1e9},
        ],
    },
    "market_values": {
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
}
# How many rows of a case break its rule, where it is not its last row alone.
ROWS_THAT_BREAK = {
    "a day of an asset is below 10 billion": 11,
    "half of the days of BTC and ETH are below 500 million, over 5 days or more": 5,
    "half of the days of BTC and ETH with liquidations are above 1,000, over 5 days or more": 5,
    "half of the day's rates are within 0.004, over 5 assets or more": 15,
    "the day's intervals add up to at most 24 hours, unless the interval changes that day": 4,
    "the day's intervals add up to 24 hours, unless the interval changes that day": 2,
    "the rates of a day lie within 0.1 of each other": 2,
    "hour_close_usd of BTC and ETH is within a factor of 3 of its last hours": 1,
    "a day has 20 hours or more": 19,
    "a day has all of its 24 hours": 23,
    "BTC closes at 1,000 to 2,000,000 USD": 24,
    "ETH closes at 50 to 100,000 USD": 24,
    "the probabilities of a meeting add up to at most 1.25": 2,
}
# What breaks one rule and cannot help to break another one as well.
ALSO_BREAKS = {
    "funding_rates: interval_hours is between 1 and 24": {
        "interval_hours divides a day",
        "the day's intervals add up to at most 24 hours, unless the interval changes that day",
    },
    "funding_rates: the day's intervals add up to at most 24 hours, unless the interval changes that day": {
        "a payment does not come sooner than its interval"
    },
    # A payment that is late by half an interval leaves a part of the day uncovered.
    "funding_rates: a payment comes whole intervals after the one before": {
        "the day's intervals add up to 24 hours, unless the interval changes that day"
    },
    # Of a payment without its day, the day lacks one.
    "funding_rates: date is known": {"the day's intervals add up to 24 hours, unless the interval changes that day"},
    "hourly_prices: a day has 20 hours or more": {"a day has all of its 24 hours"},
    "hourly_prices: hour_close_usd of BTC and ETH is within a factor of 3 of its last hours": {
        "hour_close_usd is within a factor of 1.5 of the hour before"
    },
    "liquidation_events: a coin of BTC costs 3,000 to 2,000,000 USD": {
        "a coin of BTC costs 10,000 to 1,000,000 USD since 2021"
    },
    "liquidation_events: a coin of ETH costs 80 to 100,000 USD": {"a coin of ETH costs 500 to 100,000 USD since 2021"},
    "liquidation_events: price_usd is above 0": set(),
    "macro_series: fed_assets is 0.5 to 20 trillion": {
        "assets and money are within a factor of 3 of their last values"
    },
    "macro_series: tga is 0.1 billion to 5 trillion": {
        "tga since 2016 is 10 billion or more",
        "tga is within a factor of 30 of its last values",
    },
    # The cases are one after the other in one series.
    "macro_series: rate_apr is between -0.05 and 0.3": {
        "a rate that moves by two points is within a factor of 20 of its last values"
    },
    "macro_series: tga since 2016 is 10 billion or more": {"tga is within a factor of 30 of its last values"},
    "open_interest: a coin of BTC is worth 3,000 to 2,000,000 USD": {
        "a coin of BTC is worth 10,000 to 1,000,000 USD since 2021"
    },
    "open_interest: a coin of ETH is worth 80 to 100,000 USD": {"a coin of ETH is worth 500 to 100,000 USD since 2021"},
    "spot_prices: close_usd of BTC and ETH is within a factor of 3 of its last days": {
        "close_usd is within a factor of 5 of the day before"
    },
    "stablecoin_supply: supply is not negative": {"a coin counts at 0.2 to 2 dollars"},
    "stablecoin_supply: supply is below a trillion": {"a coin counts at 0.2 to 2 dollars"},
    "stablecoin_supply: supply_usd is not negative": {"a coin counts at 0.2 to 2 dollars"},
    "stablecoin_supply: USDT counts at least 100 million in total": {"a coin counts at 0.2 to 2 dollars"},
    "stablecoin_supply: a total of 100 million or more is within a factor of 50 of its last days": {
        "supply is within a factor of 2 of the day before"
    },
    "market_values: as many coins circulate as on the last days, within a factor of 8": set(),
    # Of an hour without its day, the day lacks one.
    "hourly_prices: date is known": {"a day has all of its 24 hours", "a day has 20 hours or more"},
    "krw_prices: volume_krw is not negative": {"volume_krw is above 0"},
    "spot_prices: volume_base is not negative": {"volume_base is above 0"},
}


def batch_of(dataset: Dataset, cases: Mapping[str, Sequence[Row]]) -> pl.DataFrame:
    """The rows of some cases in one batch, each case with its own series and days."""
    made: list[Row] = []
    for number, (name, rows) in enumerate(cases.items()):
        for changes in rows:
            row: Row = dict.fromkeys(dataset.columns) | {"series": name} | GOOD[dataset.name] | {"case": name}
            offset = number * DAYS_BETWEEN_CASES + changes.get("day", 0)
            row["date"] = FIRST_DAY + timedelta(days=offset)
            midnight = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=offset)
            for name_of_the_hour in set(OF_THE_HOUR) & set(dataset.columns):
                row[name_of_the_hour] = midnight + timedelta(hours=changes.get("hour", 0))
            made.append(row | {key: value for key, value in changes.items() if key not in {"day", "hour"}})
    extra = {"series": pl.String(), "case": pl.String()}
    schema = {name: kind for name, kind in dataset.schema().items() if name in dataset.columns} | extra
    return pl.DataFrame(made, schema=schema)


def known_values(dataset: Dataset) -> dict[str, list[Row]]:
    """For each column that must be known, rows of which the last does not say it."""
    whole = list(WHOLE.get(dataset.name, ({},)))
    return {f"{name} is known": [*whole[:-1], {**whole[-1], name: None}] for name in dataset.required}


def twice(dataset: Dataset) -> dict[str, list[Row]]:
    """A key that two rows have, with values that are not the same."""
    whole = list(WHOLE.get(dataset.name, ({},)))
    return {f"{', '.join(dataset.key)} is unique": [*whole, whole[-1]]}


def failures(dataset: Dataset, batch: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The failing rows by rule, after great-expectations has agreed on how many there are."""
    found = {}
    for verdict in run_suite(dataset, batch):
        rule = verdict.rule
        rows = batch.filter(verdict.broken) if verdict.broken is not None else batch.clear()
        assert verdict.success == (verdict.failing_rows == 0), rule.name
        assert rows.height == verdict.failing_rows
        if rows.height:
            found[rule.name] = rows
    return found


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_fails_on_the_rows_that_break_it_and_on_no_others(name: str) -> None:
    dataset = datasets()[name]
    declared = {check.name for check in dataset.checks}
    assert set(CASES[name]) == declared, "expected a case for every declared check"
    cases = CASES[name] | known_values(dataset) | twice(dataset)
    assert set(cases) == {rule.name for rule in rules(dataset)} - {"rows are there"}
    failing = failures(dataset, batch_of(dataset, cases))
    by_case: dict[str, dict[str, int]] = {}
    for rule, broken in failing.items():
        for case, count in broken.group_by("case").len().iter_rows():
            by_case.setdefault(case, {})[rule] = count
    for case, rows in cases.items():
        found = by_case.get(case, {})
        if not rows:
            continue
        others = found.keys() - {case}
        count = 2 if case.endswith("is unique") else ROWS_THAT_BREAK.get(case, 1)
        assert found.get(case) == count, case
        allowed = ALSO_BREAKS.get(f"{name}: {case}", set())
        if case.endswith("is unique") and name == "funding_rates":
            allowed = declared  # a payment twice is also too soon and too much
        assert others <= allowed, case


@pytest.mark.parametrize("name", NAMES)
def test_no_two_rules_have_one_name(name: str) -> None:
    names = [rule.name for rule in rules(datasets()[name])]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_a_good_batch_passes_every_rule(name: str) -> None:
    dataset = datasets()[name]
    rows = list(WHOLE.get(name, ({}, {"day": 1}, {"day": 2})))
    batch = batch_of(dataset, {"good": rows})
    assert failures(dataset, batch) == {}
    checked = check(dataset, batch.with_columns(snapshot=pl.lit("here")))
    assert all(result.success for result in checked.results)
    assert checked.held.is_empty()
    assert (checked.rows, checked.batch_rule) == ((), None)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_fails_for_want_of_rows_unless_it_may_be_quiet_and_for_nothing_else(name: str) -> None:
    dataset = datasets()[name]
    verdicts = run_suite(dataset, batch_of(dataset, {}))
    broken = [verdict.rule.name for verdict in verdicts if not verdict.success]
    assert broken == ([] if name == "liquidation_events" else ["rows are there"])


# what true history may do --------------------------------------------------------------------------------------------

ENDS = ("open_interest_usd", "open_interest_usd_high", "open_interest_usd_low")
TRUE_HISTORY: dict[str, dict[str, list[Row]]] = {
    "borrow_rates": {
        "spike": [{"borrow_apr": 0.72, "borrow_apr_max": 2.1}],
        "lent at seven percent a day": [
            {"borrow_apr": 1.1, "borrow_apr_max": 25.55, "samples": None, "sampling": "daily_last"}
        ],
        "nobody borrows": [{"borrow_apr": 0.0, "borrow_apr_max": 0.0}],
        "four hours are missing": [{"samples": 20}],
        "one reading": [{"borrow_apr_max": None, "samples": 1, "sampling": "daily_last"}],
    },
    "liquidation_events": {
        "dust": [{"amount_usd": 1e-8}],
        "a loan, of which no side is told": [
            {"asset": "ETH", "venue": "aave-v3", "side": None, "price_usd": 3_700.0, "account": "0x01"}
        ],
        "a price that is not told": [{"price_usd": None}],
        "the largest that was told of": [{"asset": "BTC", "amount_usd": 2.0e8, "price_usd": 17_000.0}],
        "march 2020": [{"asset": "ETH", "price_usd": 90.0, "date": date(2020, 3, 13)}],
    },
    "open_interest_witness": {
        "a small exchange": [{"venue": "delta", "open_interest_usd": 5e6}],
        "the largest": [{"open_interest_usd": 1.6e10}],
    },
    # 12 March 2020 and 10 October 2025: deep falls within a day; a coin that triples.
    "spot_prices": {
        "crash": [{"asset": "BTC", **candle("usd", (7900, 7970, 4400, 4800), volume_base=1.0, volume_usd=6000.0)}],
        "tenfold within the day": [candle("usd", (1, 12, 0.9, 4), volume_usd=50.0)],
        "no turnover published": [{"volume_usd": None}],
        "one trade": [candle("usd", (100, 100, 100, 100), volume_base=0.5, volume_usd=50.0)],
        "a day is missing": [{}, {"day": 2, **candle("usd", (130, 140, 120, 135), volume_usd=1300.0)}],
    },
    "funding_rates": {
        "shorts pay": day_of_payments(funding_rate=-0.0075),
        "cap of a hot coin": day_of_payments(funding_rate=0.03),
        "every hour": [{"hour": hour, "interval_hours": 1} for hour in range(24)],
        "from eight hours to four": [
            {"hour": 0},
            {"hour": 8},
            *({"hour": hour, "interval_hours": 4} for hour in (12, 16, 20)),
        ],
        "from four hours to eight": [*({"hour": hour, "interval_hours": 4} for hour in (0, 4, 8)), {"hour": 16}],
        "told an interval early": [
            {"hour": 0},
            *({"hour": hour, "interval_hours": 4} for hour in (8, 12, 16, 20)),
        ],
        "one coin alone at two percent": day_of_payments(funding_rate=-0.02),
        # The payment at midnight is for eight hours of the day before.
        "from eight hours to one": [{"hour": 0}, *({"hour": hour, "interval_hours": 1} for hour in range(1, 24))],
    },
    # The night of 3 December 2024.
    "hourly_krw_prices": {
        "martial law": [{"hour_high_krw": 1700.0, "hour_low_krw": 1400.0, "hour_close_krw": 1500.0}],
        "an hour without a trade": [{"hour_volume_base": 0.0, "hour_volume_krw": 0.0}],
    },
    # Such as an hour of 12 March 2020. What a venue leaves out while it stands still is warned of.
    "hourly_prices": {
        "an hour without a trade": day_of_hours(hour_volume_base=0.0, hour_high_usd=105.0, hour_low_usd=105.0),
        "a quarter lost in an hour": day_of_hours(hour_low_usd=70.0, hour_close_usd=78.0),
    },
    "lending_rates": {
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
    "liquidations": {
        "a crash at the largest venue": [closed(4.5e9, asset="BTC", venue="largest")],
        "two wild weeks there": [closed(3e8, asset="ETH", venue="largest", day=day) for day in range(14)],
        "a quiet week at a small one": [closed(0.0, asset="BTC", venue="small", day=day) for day in range(7)],
        "one order alone": [{"long_usd": 85.63, "short_usd": 0.0, "total_usd": 85.63, "largest_usd": 85.63}],
    },
    "unconfirmed_liquidations": {
        "a quiet day": [{"liquidated_volume": 0.0}],
        "coins": [{"liquidated_volume": 2_160.5}],
        "dollars": [{"liquidated_volume": 1.9e8}],
    },
    "unconfirmed_rates": {
        "per hour": [{}],
        "per year": [{"rate_mean": 0.4, "rate_max": 0.9, "rate_last": 0.5}],
        "nothing asked": [{"rate_mean": 0.0, "rate_max": 0.0, "rate_last": 0.0}],
    },
    "open_interest": {
        # 12 March 2020 and 10 October 2025: about half of it gone within a day, with the price; the proxy beyond it.
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
    "macro_series": {
        "repo at zero": [{"series": "rrp", "amount": 0.0}],
        "repo at its height": [{"series": "rrp", "amount": 2.5537e12}],
        "banks and money abroad": [
            {"series": "boj_assets", "currency": "JPY", "amount": 7.6e14},
            {"series": "pboc_assets", "currency": "CNY", "amount": 4.8e13},
            {"series": "japan_m2", "currency": "JPY", "amount": 1.297e15},
            {"series": "china_m2", "currency": "CNY", "amount": 3.567e14},
        ],
        "treasury nearly empty in 2007": [{"series": "tga", "amount": 4e9, "date": date(2007, 12, 12)}],
        "treasury nearly empty in 2023": [
            {"series": "tga_daily", "amount": 4.8e10},
            {"series": "tga_daily", "amount": 2.2892e10, "day": 1},
        ],
        "bills in a panic, September 2008": [
            *(
                rate(series="yield_3m", rate_apr=apr, day=day)
                for day, apr in enumerate((0.0167, 0.0164, 0.0149, 0.0102, 0.0087, 0.0003, 0.0023, 0.0099))
            )
        ],
        "assets at their height": [{"amount": 8.9655e12}],
        "near zero": [
            rate(series="target_low", rate_apr=0.0),
            rate(series="target_high", rate_apr=0.0025),
            rate(series="yield_1y", rate_apr=-0.0002),
        ],
        "1981": [rate(series="effective_rate", rate_apr=0.2236), rate(series="yield_1y", rate_apr=0.16)],
    },
    "meeting_probabilities": {
        "hardly possible": [{"outcome": "hike_over_50", "probability": 0.005, "price_basis": "quotes"}],
        "certain": [{"outcome": "hold", "probability": 1.0}],
        "the day of the meeting": [{"meeting_date": date(2024, 12, 1)}],
        "a margin": [{"probability": 0.75}, {"outcome": "hold", "probability": 0.3}],
    },
    "krw_prices": {
        "martial law": [candle("krw", (1405, 1650, 1380, 1430), volume_krw=1_450_000.0)],
        "bitcoin": [{"asset": "BTC", **candle("krw", (134e6, 135e6, 88e6, 131e6), volume_base=2.0, volume_krw=260e6)}],
        "in Korea's day": [{"day_boundary": "KST", "volume_is_estimated": True}],
    },
    "exchange_rates": {
        "1998": [{"rate_per_usd": 1962.0}],
        "yen": [{"currency": "JPY", "rate_per_usd": 162.7}],
        "euro": [{"currency": "EUR", "rate_per_usd": 1.21}],
    },
    "stablecoin_supply": {
        "gone": [{"supply": 0.0, "supply_usd": 0.0}, {"day": 1, "supply": 0.0, "supply_usd": 0.0}],
        "another peg": [{"asset": "EURC", "supply_usd": None}],
        "USDT on a small chain": [supplied(1000.0, asset="USDT", chain="kava")],
        "USDT at first": [supplied(6.7e8, asset="USDT")],
    },
    "market_values": {
        "bitcoin in 2013": [{"asset": "BTC", "price_usd": 135.3, "market_cap_usd": 1.5e9}],
        "bitcoin at its height": [{"asset": "BTC", "price_usd": 126_000.0, "market_cap_usd": 2.51e12}],
        "ether's first days": [{"asset": "ETH", "price_usd": 0.75, "market_cap_usd": 5.4e7}],
        "supply unknown": [{"market_cap_usd": None}],
        "price unknown": [{"price_usd": None}],
        "half of it gone in a day": [{}, {"day": 1, "market_cap_usd": 4.5e10}],
        "a day is missing": [{}, {"day": 2, "market_cap_usd": 4e11}],
    },
}


@pytest.mark.parametrize("name", NAMES)
def test_true_history_is_not_held_back(name: str) -> None:
    dataset = datasets()[name]
    batch = batch_of(dataset, TRUE_HISTORY[name])
    broken = {one.name: batch.filter(one.failing())["case"].to_list() for one in dataset.checks}
    assert {rule: cases for rule, cases in broken.items() if cases} == {}


# the mistakes that are made ------------------------------------------------------------------------------------------


REAL_STEPS: dict[str, dict[str, list[Row]]] = {
    "macro_series": {
        "the Federal Reserve's autumn of 2008": [
            {"amount": amount * 1e12, "day": 7 * week}
            for week, amount in enumerate((0.92, 0.99, 1.21, 1.5, 1.6, 1.77, 1.8, 1.97, 2.07))
        ],
    },
    "stablecoin_supply": {
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
}


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in REAL_STEPS.items() for case in cases])
def test_a_real_step_is_published(name: str, case: str) -> None:
    """Figures as reported at the time, rounded: a step may be warned of, and is never held back."""
    assert blocked(name, batch_of(datasets()[name], {case: REAL_STEPS[name][case]})) == set()


def test_a_day_alone_is_measured_beside_what_is_published() -> None:
    """A daily run judges one day: its neighbours are in the lake, and are not judged again."""
    dataset = datasets()["stablecoin_supply"]
    published = batch_of(dataset, {"one": [supplied(1.38e11, day=day) for day in range(3)]})
    today = batch_of(dataset, {"one": [supplied(6.2e10, day=3)]}).with_columns(snapshot=pl.lit("here"))
    rule = "a total of 10 billion or more is within a factor of 1.5 of its last days"
    assert not check(dataset, today).rows
    (row,) = check(dataset, today, published).rows
    assert (row.rule, row.date) == (rule, FIRST_DAY + timedelta(days=3))
    assert not check(dataset, today.with_columns(supply=1.4e11, supply_usd=1.4e11), published).rows
    assert all(result.rows == 1 for result in check(dataset, today, published).results)


def test_a_wrong_day_does_not_hold_back_the_right_one_after_it() -> None:
    dataset = datasets()["stablecoin_supply"]
    billions = (138.0, 138.1, 62.0, 138.2, 138.3)
    batch = batch_of(dataset, {"one": [supplied(amount * 1e9, day=day) for day, amount in enumerate(billions)]})
    checked = check(dataset, batch.with_columns(snapshot=pl.lit("here")))
    assert checked.held["date"].to_list() == [FIRST_DAY + timedelta(days=2)]


def blocked(dataset: str, rows: pl.DataFrame) -> set[str]:
    """The blocking checks that break."""
    rows = rows if "series" in rows.columns else rows.with_columns(series=pl.lit("one"))
    blocking = (one for one in datasets()[dataset].checks if one.severity == "blocking")
    return {one.name for one in blocking if rows.filter(one.failing()).height}


KLINE = [
    1733702400000, "101000.0", "101500.0", "94000.0", "97000.0", "40.0", 1733788799999, "3900000.0", 1, "20.0",
    "1940000.0", "0",
]  # fmt: skip
COINBASE = [1733702400, 94000.5, 101600, 101100, 97200.25, 9000.125]


def kline(**places: str) -> list[object]:
    changed = list(KLINE)
    for place, value in places.items():
        changed[int(place.removeprefix("at_"))] = value
    return changed


def test_candles_as_they_are_pass() -> None:
    assert blocked("spot_prices", spot.normalize([KLINE], asset="BTC")) == set()
    assert blocked("spot_prices", coinbase.normalize([COINBASE], asset="BTC")) == set()


def test_coinbase_read_in_the_usual_order_is_blocked() -> None:
    time, low, high, first, last, volume = COINBASE
    usual = [time, first, high, low, last, volume]  # what open, high, low, close would be taken for
    assert blocked("spot_prices", coinbase.normalize([usual], asset="BTC")) >= {"open_usd is not below low_usd"}
    swapped = [time, high, low, first, last, volume]
    assert blocked("spot_prices", coinbase.normalize([swapped], asset="BTC"))


@pytest.mark.parametrize(
    "mistaken",
    [
        pytest.param(kline(at_7="40.0"), id="quantity for turnover"),
        pytest.param(kline(at_5="3900000.0"), id="turnover for quantity"),
        pytest.param(kline(at_7="1940000.0"), id="takers' part for turnover"),
        pytest.param(kline(at_7="3900.0"), id="turnover in thousands"),
        pytest.param(
            kline(at_1="10100000", at_2="10150000", at_3="9400000", at_4="9700000", at_7="390000000"), id="cents"
        ),
        pytest.param(
            kline(at_1="140e6", at_2="141e6", at_3="139e6", at_4="140e6", at_7="5600e6"), id="won for dollars"
        ),
    ],
)
def test_candles_with_a_mistake_are_blocked(mistaken: list[object]) -> None:
    assert blocked("spot_prices", spot.normalize([mistaken], asset="BTC"))


def payments(rates: Mapping[str, str]) -> pl.DataFrame:
    frames = []
    for asset, funding_rate in rates.items():
        page = [
            {"symbol": asset, "fundingTime": 1733702400000 + slot * 28_800_000, "fundingRate": funding_rate}
            for slot in range(3)
        ]
        rows = funding.normalize(page, asset=asset, symbol=asset, interval_hours="8")
        frames.append(rows.with_columns(series=pl.lit(asset)))
    return pl.concat(frames)


CALM = {"BTC": "0.0001", "ETH": "0.0001", "ADA": "0.0001", "SOL": "0.00005", "XRP": "-0.00002"}


def test_funding_in_percent_is_blocked() -> None:
    assert blocked("funding_rates", payments(CALM)) == set()
    percent = {asset: str(100 * float(text)) for asset, text in CALM.items()}
    assert blocked("funding_rates", payments(percent)) == {
        "funding_rate of BTC and ETH is between -0.008 and 0.008",
        "half of the day's rates are within 0.004, over 5 assets or more",
    }


# The interval of payments ------------------------------------------------------------------------------------------


def paid_at(hours: Mapping[int, int]) -> pl.DataFrame:
    """Payments at these hours after a midnight, and the interval that is told of each."""
    midnight = datetime(2023, 6, 7, tzinfo=UTC)
    made = [
        {
            "date": (midnight + timedelta(hours=hour)).date(),
            "settled_at": midnight + timedelta(hours=hour),
            "asset": "BTC",
            "venue": "anywhere",
            "funding_rate": 1e-5,
            "interval_hours": interval,
        }
        for hour, interval in hours.items()
    ]
    schema = {name: kind for name, kind in datasets()["funding_rates"].schema().items() if name in made[0]}
    return pl.DataFrame(made, schema=schema).with_columns(series=pl.lit("BTC"))


def held_days(rows: pl.DataFrame) -> list[date]:
    """The days that the checks of a batch hold back."""
    checked = check(datasets()["funding_rates"], rows.with_columns(snapshot=pl.lit("here")))
    assert checked.batch_rule is None
    return sorted(checked.held["date"].unique())


EVERY_EIGHT = (0, 8, 16)
THEN_EVERY_HOUR = tuple(range(24, 48))


def test_eight_hours_read_as_one_are_held_back_on_the_day_too_that_adds_up_to_24_by_coincidence() -> None:
    """Hyperliquid, 7 and 8 June 2023: the payment of midnight is for eight hours, 23 of an hour follow it."""
    as_paid = dict.fromkeys(EVERY_EIGHT, 8) | {24: 8} | dict.fromkeys(THEN_EVERY_HOUR[1:], 1)
    assert held_days(paid_at(as_paid)) == []
    hourly = paid_at(dict.fromkeys((*EVERY_EIGHT, *THEN_EVERY_HOUR), 1))
    assert hourly.filter(pl.col("date") == date(2023, 6, 8))["interval_hours"].sum() == 24
    assert held_days(hourly) == [date(2023, 6, 7), date(2023, 6, 8)]
    # The day before alone does not pass either, whatever it is beside.
    assert held_days(hourly.filter(pl.col("date") == date(2023, 6, 7))) == [date(2023, 6, 7)]


@pytest.mark.parametrize(
    ("hours", "interval"),
    [
        (range(0, 72, 8), 4),  # Binance's list tells the interval of today
        (range(0, 72, 8), 2),
        (range(0, 72, 4), 1),
        (range(0, 72, 12), 4),
        (range(0, 72, 4), 8),
        (range(72), 8),
        (range(72), 24),
        (range(0, 72, 8), 24),
        ([0, 8, 16, 32, 40, 48, 56], 1),  # a payment is missing besides
    ],
)
def test_a_wrong_interval_is_held_back_on_every_day(hours: Sequence[int], interval: int) -> None:
    rows = paid_at(dict.fromkeys(hours, interval))
    assert held_days(rows) == sorted(rows["date"].unique())


@pytest.mark.parametrize(
    ("every", "missing"), [(1, [20]), (1, [30, 33, 34, 37]), (8, [24]), (4, [28, 36]), (1, [25, 47])]
)
def test_a_payment_that_is_missing_holds_nothing_back_and_is_warned_of(every: int, missing: Sequence[int]) -> None:
    rows = paid_at({hour: every for hour in range(0, 72, every) if hour not in missing})
    checked = check(datasets()["funding_rates"], rows.with_columns(snapshot=pl.lit("here")))
    assert checked.held.is_empty()
    (warned,) = [result for result in checked.results if not result.success]
    assert (warned.severity, warned.check) == (
        "warning",
        "the day's intervals add up to 24 hours, unless the interval changes that day",
    )


def test_the_day_on_which_a_stated_interval_becomes_shorter_is_published() -> None:
    """As BitMEX did in 2016: between the last payment of a day and the first of eight hours, 16 are covered by none."""
    rows = paid_at({-12: 24, 12: 24, 36: 8, 44: 8, 52: 8, 60: 8, 68: 8})
    assert held_days(rows) == []
    assert rows.filter(pl.col("date") == date(2023, 6, 8))["interval_hours"].sum() == 16


def test_a_payment_told_twice_is_held_back() -> None:
    twice = pl.concat([paid_at(dict.fromkeys(range(0, 72, 8), 8)), paid_at({33: 8})])
    assert held_days(twice) == [date(2023, 6, 8)]
    stretched = paid_at({0: 8, 8: 8, 16: 8, 24: 8, 32: 16, 48: 8})  # the gap is swallowed by the payment before it
    assert date(2023, 6, 8) in held_days(stretched)


def test_lending_rates_in_percent_are_blocked() -> None:
    points = [
        {"timestamp": f"2024-12-0{day}T23:01:00.000Z", "tvlUsd": 1e8, "apyBase": percent}
        for day, percent in enumerate((0.9, 1.5, 2.0, 2.5, 2.9), start=1)
    ]
    rows = lending.normalize({"status": "success", "data": points}, protocol="aave-v3", chain="ethereum", asset="USDC")
    assert blocked("lending_rates", rows) == set()
    in_percent = rows.with_columns(pl.col("supply_apr") * 100)
    assert blocked("lending_rates", in_percent) == {"half of the supply_apr are below 0.5, over 5 rows or more"}


@pytest.mark.parametrize("wrong_by", [100, 1 / 365, 1 / 8760, 365])
def test_borrow_rates_in_percent_or_of_another_period_are_blocked(wrong_by: float) -> None:
    quiet = enumerate((0.011, 0.03, 0.05, 0.08, 0.15))
    days = [{"day": day, "borrow_apr": rate, "borrow_apr_max": rate} for day, rate in quiet]
    rows = batch_of(datasets()["borrow_rates"], {"quiet": days})
    assert blocked("borrow_rates", rows) == set()
    wrong = rows.with_columns(pl.col("borrow_apr", "borrow_apr_max") * wrong_by)
    assert "half of the borrow_apr are between 0.0005 and 0.9, over 5 rows or more" in blocked("borrow_rates", wrong)


def statistic(fred_id: str, value: str) -> pl.DataFrame:
    return fred.normalize(pl.DataFrame({"observation_date": ["2020-12-09"], fred_id: [value]}), fred_id=fred_id)


@pytest.mark.parametrize(
    ("fred_id", "value", "wrong_by"),
    [
        ("WALCL", "7242696", 1e-6),  # millions taken for units
        ("WALCL", "7242696", 1e3),  # millions taken for billions
        ("WDTGAL", "1500000", 1e-6),
        ("WDTGAL", "1500000", 1e3),
        ("RRPONTSYD", "2.5", 1e-9),  # billions taken for units
        ("RRPONTSYD", "2553.716", 1e3),
        ("DFF", "4.58", 100),
        ("M2SL", "21336.7", 1e-9),  # billions taken for units
        ("ECBASSETSW", "6351987", 1e3),
        ("JPNASSETS", "7599596", 1e-2),  # hundreds of millions taken for millions
    ],
)
def test_statistics_in_another_unit_are_blocked(fred_id: str, value: str, wrong_by: float) -> None:
    rows = statistic(fred_id, value)
    assert blocked("macro_series", rows) == set()
    assert blocked("macro_series", rows.with_columns(pl.col("amount", "rate_apr") * wrong_by))


def test_percents_near_zero_are_blocked_where_fractions_pass() -> None:
    rows = pl.concat([statistic("DFEDTARL", "0.00"), statistic("DFEDTARU", "0.25"), statistic("DFF", "0.09")])
    assert blocked("macro_series", rows) == set()
    in_percent = rows.with_columns(pl.col("rate_apr") * 100)
    assert blocked("macro_series", in_percent) == {"the rates of a day lie within 0.1 of each other"}


def test_a_whole_batch_of_percents_is_held_back_through_great_expectations() -> None:
    dataset = datasets()["lending_rates"]
    batch = batch_of(dataset, {"percent": [{"day": day, "supply_apr": 2.0} for day in range(5)]})
    assert {name: rows.height for name, rows in failures(dataset, batch).items()} == {
        "half of the supply_apr are below 0.5, over 5 rows or more": 5
    }


# what becomes of a verdict -------------------------------------------------------------------------------------------


def test_a_warning_tells_and_does_not_block() -> None:
    dataset = datasets()["spot_prices"]
    warned: dict[str, list[Row]] = {"quiet": [{"volume_base": 0.0, "volume_usd": 0.0}], "fine": [{}]}
    batch = batch_of(dataset, warned).with_columns(snapshot=pl.lit("here"))
    checked = check(dataset, batch)
    assert [(one.check, one.severity, one.failing_rows) for one in checked.results if not one.success] == [
        ("volume_base is above 0", "warning", 1)
    ]
    assert checked.held.is_empty()
    assert (checked.rows, checked.batch_rule) == ((), None)


def test_a_broken_rule_holds_back_its_series_day_alone_and_a_key_twice_the_whole_batch() -> None:
    dataset = datasets()["spot_prices"]
    cases: dict[str, list[Row]] = {"wrong": [{"low_usd": 102.0}], "fine": [{}]}
    batch = batch_of(dataset, cases).with_columns(snapshot=pl.lit("here"))
    checked = check(dataset, batch)
    assert checked.batch_rule is None
    assert checked.held.select("series", "date").unique().rows() == [("wrong", FIRST_DAY)]
    (row,) = checked.rows
    assert set(row.rule.split("; ")) == {
        "open_usd is not below low_usd",
        "volume_usd over volume_base is a price of the day",
    }
    doubled = batch_of(dataset, {"twice": [{}, {"close_usd": 101.0}], "fine": [{}]})
    checked = check(dataset, doubled.with_columns(snapshot=pl.lit("here")))
    assert checked.batch_rule == "date, asset, venue is unique"


PROMISE = datasets()["exchange_rates"]
RULE = Rule("never", "blocking", "row", ("ExpectColumnValuesToNotBeNull", {"column": "currency"}), "-", None)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            Rule("raises", "blocking", "row", ("ExpectColumnValuesToNotBeNull", {"column": "nowhere"}), "-", None),
            "nowhere",
        ),
        (
            Rule("disagrees", "blocking", "row", RULE.expectation, "-", pl.col("currency").is_not_null()),
            "great-expectations finds 0 rows against 'disagrees', Polars 1",
        ),
        (
            Rule("cannot be computed", "blocking", "row", RULE.expectation, "-", pl.col("nowhere") > 0),
            "a check cannot be computed",
        ),
    ],
)
def test_a_check_that_does_not_work_says_so_and_reports_no_bad_data(
    monkeypatch: pytest.MonkeyPatch, rule: Rule, sentence: str
) -> None:
    def only(_: Dataset) -> list[Rule]:
        return [rule]

    monkeypatch.setattr(suite, "rules", only)
    with pytest.raises(CheckBroken, match=sentence) as raised:
        run_suite(PROMISE, batch_of(PROMISE, {"good": [{}]}))
    assert isinstance(raised.value, PipelineError)


def test_a_rule_without_a_result_is_a_broken_check(monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., Any] = suite._described

    def losing(results: Any) -> list[Any]:
        return list(run(results))[1:]

    monkeypatch.setattr(suite, "_described", losing)
    with pytest.raises(CheckBroken, match="expected a result for every rule, found none for"):
        run_suite(PROMISE, batch_of(PROMISE, {"good": [{}]}))


def together(batches: Sequence[pl.DataFrame], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[int]]:
    """What batches that wait for one suite are told, in their order, and how many were judged in each run of it."""
    runs: list[int] = []
    judge = suite._run

    def counted(asked: list[Rule], dataset: Dataset, rows: Sequence[pl.DataFrame]) -> Any:
        runs.append(len(rows))
        return judge(asked, dataset, rows)

    monkeypatch.setattr(suite, "_run", counted)
    with ThreadPoolExecutor(max(len(batches), 1)) as pool:
        with suite._ENGINE:  # as if a suite of another dataset ran
            asked = [pool.submit(run_suite, PROMISE, batch) for batch in batches]
            filled = sum(batch.height > 0 for batch in batches)
            until(lambda: len(suite._QUEUE.get(PROMISE.name, ())) == filled, what="batches that wait")
        told = [one.exception() or one.result() for one in asked]
    return told, runs


def failed(verdicts: Any) -> list[tuple[str, int]]:
    return [(verdict.rule.name, verdict.failing_rows) for verdict in verdicts if not verdict.success]


def test_batches_that_wait_are_judged_together_and_each_by_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    good = batch_of(PROMISE, {"good": [{}, {"day": 1}]})
    wrong = batch_of(PROMISE, {"good": [{}], "wrong": [{"rate_per_usd": -1.0}]})
    twice = pl.concat([good, good])
    told, runs = together([good, wrong, good, twice, good.clear()], monkeypatch)
    assert sorted(runs) == [1, 4]  # the same key in two batches is no key twice, and a batch without rows stands alone
    alone = [run_suite(PROMISE, batch) for batch in (good, wrong, good, twice, good.clear())]
    assert [failed(verdicts) for verdicts in told] == [failed(verdicts) for verdicts in alone]
    assert [bool(failed(verdicts)) for verdicts in told] == [False, True, False, True, True]


def test_a_batch_that_cannot_be_judged_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    good = batch_of(PROMISE, {"good": [{}]})
    confirm = suite._confirm

    def broken(waiting: Sequence[Any]) -> None:
        if any(each.measured.height > 1 for each in waiting):
            raise CheckBroken("two rows are too many")
        confirm(waiting)

    monkeypatch.setattr(suite, "_confirm", broken)
    told, _ = together([good, batch_of(PROMISE, {"good": [{}, {"day": 1}]}), good], monkeypatch)
    assert [isinstance(verdicts, CheckBroken) for verdicts in told] == [False, True, False]
    assert failed(told[0]) == failed(told[2]) == []


def test_a_number_that_is_none_is_unknown_to_both_engines() -> None:
    """0 over 0: Polars counts NaN as larger than any bound, pandas does not."""
    ratio = Range("ratio", pl.col("a") / pl.col("b"), low=0, high=1)
    frame = pl.DataFrame({"a": [0.0, 1.0, 0.5], "b": [0.0, 0.0, 1.0]})
    assert frame.select(ratio.failing()).to_series().to_list() == [False, True, False]
    assert frame.select(ratio.measured).to_series().to_list() == [None, float("inf"), 0.5]


def test_unknown_labels_and_numbers_pass_where_they_are_allowed() -> None:
    frame = pl.DataFrame({"a": [None, 1.0], "b": [None, "x"]}, schema={"a": pl.Float64, "b": pl.String})
    assert frame.select(Range("a", pl.col("a"), above=0).failing()).to_series().to_list() == [False, False]
    assert frame.select(OneOf("b", "b", ("y",)).failing()).to_series().to_list() == [False, True]
