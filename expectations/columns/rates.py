"""Funding, lending and borrowing."""

from expectations.contract import Column

COLUMNS = {
    "funding_rate": Column(
        "number",
        "fraction per funding interval",
        "rate",
        "What longs paid shorts at the settlement; negative if shorts paid longs.",
    ),
    "interval_hours": Column("count", "hours", "label", "Length of the funding interval."),
    "funding_apr": Column(
        "number",
        "fraction per year, simple",
        "rate",
        "Sum of the day's funding rates divided by the hours they cover, times 8,760; unknown if these are under 23.",
    ),
    "funding_apr_7d": Column(
        "number",
        "fraction per year, simple",
        "rate",
        "As funding_apr, over the 7 days that end with this one; unknown if one of them covers under 23 hours.",
    ),
    "hours_covered": Column(
        "count",
        "hours",
        "flow",
        "Sum of the intervals of the day's funding payments: 24; less if one is missing; less or more on a day on "
        "which the interval changes.",
    ),
    "settlements": Column("count", "payments", "flow", "Funding payments stamped in the day."),
    "percentile_1y": Column(
        "number",
        "fraction",
        "rate",
        "Share of the days with values in the 365 days up to this one whose value is not above it, "
        "ties at their middle rank; unknown with fewer than 180 such days.",
    ),
    "supply_apr": Column("number", "fraction per year, simple", "rate", "What depositors earn, without rewards."),
    "supply_apr_max": Column("number", "fraction per year, simple", "rate", "Highest deposit rate of the day."),
    "supply_apr_last": Column(
        "number", "fraction per year, simple", "rate", "Deposit rate in force at the end of the day."
    ),
    "supply_apy_realised": Column(
        "number",
        "fraction per year, compounded",
        "rate",
        "Growth of a deposit over the day by the protocol's own index, compounded over a year.",
    ),
    "borrow_apr": Column("number", "fraction per year, simple", "rate", "What borrowers pay."),
    "borrow_apr_max": Column("number", "fraction per year, simple", "rate", "Highest borrowing rate of the day."),
    "borrow_apr_last": Column(
        "number", "fraction per year, simple", "rate", "Borrowing rate in force at the end of the day."
    ),
    "borrow_apy_realised": Column(
        "number",
        "fraction per year, compounded",
        "rate",
        "Growth of a debt over the day by the protocol's own index, compounded over a year.",
    ),
    "utilization": Column("number", "fraction", "rate", "Share of the deposits that is lent out."),
    "available_usd": Column("number", "USD", "stock", "Deposits that are not lent out and can be withdrawn."),
    "sampling": Column(
        "text", "time_weighted, hourly_mean, daily_last", "label", "How the day's figure was computed from the prints."
    ),
}
