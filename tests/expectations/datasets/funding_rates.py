"""Rows of `funding_rates`: a good one, rows that break each check, and rows as they happened."""

from typing import Any

from tests.expectations.cases import Cases, Row

WHOLE_DAY: tuple[Row, ...] = ({"hour": 0}, {"hour": 8}, {"hour": 16})


def day_of_payments(**changes: Any) -> list[Row]:
    """A day's three payments, the last of them changed."""
    return [*WHOLE_DAY[:2], {**WHOLE_DAY[2], **changes}]


CASES = Cases(
    good={"asset": "SOL", "venue": "binance", "funding_rate": 1e-4, "interval_hours": 8},
    whole=WHOLE_DAY,
    breaking={
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
    rows_that_break={
        "half of the day's rates are within 0.004, over 5 assets or more": 15,
        "the day's intervals add up to at most 24 hours, unless the interval changes that day": 4,
        "the day's intervals add up to 24 hours, unless the interval changes that day": 2,
    },
    also_breaks={
        "interval_hours is between 1 and 24": {
            "interval_hours divides a day",
            "the day's intervals add up to at most 24 hours, unless the interval changes that day",
        },
        "the day's intervals add up to at most 24 hours, unless the interval changes that day": {
            "a payment does not come sooner than its interval"
        },
        # A payment that is late by half an interval leaves a part of the day uncovered.
        "a payment comes whole intervals after the one before": {
            "the day's intervals add up to 24 hours, unless the interval changes that day"
        },
        # A payment that comes twice also comes too soon, and its hours count twice.
        "settled_at, asset, venue is unique": {
            "a payment does not come sooner than its interval",
            "the day's intervals add up to at most 24 hours, unless the interval changes that day",
        },
        # A payment without its day is missing from the day.
        "date is known": {"the day's intervals add up to 24 hours, unless the interval changes that day"},
    },
    true_history={
        "shorts pay": day_of_payments(funding_rate=-0.0075),
        "cap of a hot coin": day_of_payments(funding_rate=0.03),
        "every hour": [{"hour": hour, "interval_hours": 1} for hour in range(24)],
        "from eight hours to four": [
            {"hour": 0},
            {"hour": 8},
            *({"hour": hour, "interval_hours": 4} for hour in (12, 16, 20)),
        ],
        "from four hours to eight": [*({"hour": hour, "interval_hours": 4} for hour in (0, 4, 8)), {"hour": 16}],
        "the new interval stated one payment early": [
            {"hour": 0},
            *({"hour": hour, "interval_hours": 4} for hour in (8, 12, 16, 20)),
        ],
        "one coin alone at two percent": day_of_payments(funding_rate=-0.02),
        # The payment at midnight is for eight hours of the day before.
        "from eight hours to one": [{"hour": 0}, *({"hour": hour, "interval_hours": 1} for hour in range(1, 24))],
    },
)
