"""Funding, lending and borrowing."""

from expectations.contract import Column

COLUMNS = {
    "funding_rate": Column(
        "number",
        "fraction per funding interval",
        "rate",
        "What longs paid shorts at the settlement; negative: shorts paid.",
    ),
    "interval_hours": Column("count", "hours", "label", "Length of the funding interval."),
    "funding_apr": Column(
        "number",
        "fraction per year, simple",
        "rate",
        "Sum of the day's funding rates over the hours they cover, times 8,760; unknown where these are under 23.",
    ),
    "funding_apr_7d": Column(
        "number",
        "fraction per year, simple",
        "rate",
        "The same over the 7 days that end with this one; unknown where one of them covers under 23 hours.",
    ),
    "hours_covered": Column(
        "count",
        "hours",
        "flow",
        "Sum of the intervals of the day's funding payments: 24, less where one is missing, less or more on a day on "
        "which the interval changes.",
    ),
    "settlements": Column("count", "payments", "flow", "Funding payments stamped in the day."),
    "percentile_1y": Column(
        "number",
        "fraction",
        "rate",
        "Share of the days with values in the 365 days up to this one that are not above it, "
        "ties at their middle rank; unknown under 180.",
    ),
    "supply_apr": Column("number", "fraction per year, simple", "rate", "What depositors earn, without rewards."),
    "supply_apr_max": Column("number", "fraction per year, simple", "rate", "Highest deposit rate of the day."),
    "supply_apr_last": Column(
        "number", "fraction per year, simple", "rate", "Deposit rate that stood when the day ended."
    ),
    "supply_apy_realised": Column(
        "number",
        "fraction per year, compounded",
        "rate",
        "What a deposit grew by over the day, by the protocol's own index, as if it did so all year.",
    ),
    "borrow_apr": Column("number", "fraction per year, simple", "rate", "What borrowers pay."),
    "borrow_apr_max": Column("number", "fraction per year, simple", "rate", "Highest borrowing rate of the day."),
    "borrow_apr_last": Column(
        "number", "fraction per year, simple", "rate", "Borrowing rate that stood when the day ended."
    ),
    "borrow_apy_realised": Column(
        "number",
        "fraction per year, compounded",
        "rate",
        "What a debt grew by over the day, by the protocol's own index, as if it did so all year.",
    ),
    "utilization": Column("number", "fraction", "rate", "Share of the deposits that is lent out."),
    "available_usd": Column("number", "USD", "stock", "Deposits that are not lent out and can be withdrawn."),
    "sampling": Column(
        "text", "time_weighted, hourly_mean, daily_last", "label", "How the day's figure was formed from the prints."
    ),
}
