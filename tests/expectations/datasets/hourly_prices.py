"""Rows of `hourly_prices`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row

WHOLE_HOURS: tuple[Row, ...] = tuple({"hour": hour} for hour in range(24))


def day_of_hours(**changes: Any) -> list[Row]:
    """A day's 24 hours, the last of them changed."""
    return [*WHOLE_HOURS[:-1], {**WHOLE_HOURS[-1], **changes}]


CASES = Cases(
    good={
        "asset": "SOL",
        "venue": "binance",
        "quote": "USDT",
        "hour_high_usd": 110.0,
        "hour_low_usd": 90.0,
        "hour_close_usd": 105.0,
        "hour_volume_base": 10.0,
    },
    whole=WHOLE_HOURS,
    breaking={
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
    rows_that_break={
        "a day has 20 hours or more": 19,
        "a day has all of its 24 hours": 23,
        "BTC closes at 1,000 to 2,000,000 USD": 24,
        "ETH closes at 50 to 100,000 USD": 24,
    },
    also_breaks={
        "a day has 20 hours or more": {"a day has all of its 24 hours"},
        "hour_close_usd of BTC and ETH is within a factor of 3 of its last hours": {
            "hour_close_usd is within a factor of 1.5 of the hour before"
        },
        # An hour without its day is missing from the day.
        "date is known": {"a day has all of its 24 hours", "a day has 20 hours or more"},
    },
    true_history={
        "an hour without a trade": day_of_hours(hour_volume_base=0.0, hour_high_usd=105.0, hour_low_usd=105.0),
        # As on 12 March 2020.
        "a quarter lost in an hour": day_of_hours(hour_low_usd=70.0, hour_close_usd=78.0),
    },
)
