"""Positions that were closed by force."""

from expectations.contract import Column

COLUMNS = {
    "long_usd": Column("number", "USD", "flow", "Value of the long positions that were liquidated in the day."),
    "short_usd": Column("number", "USD", "flow", "Value of the short positions that were liquidated in the day."),
    "total_usd": Column(
        "number",
        "USD",
        "flow",
        "Value of the positions that were liquidated in the day; above long_usd + short_usd where sides are unknown.",
    ),
    "largest_usd": Column("number", "USD", "label", "Value of the largest single liquidation of the day."),
    "accounts": Column("count", "accounts", "flow", "Accounts that were liquidated in the day, each counted once."),
    "is_lower_bound": Column(
        "flag", "true or false", "label", "Whether the true amount can only be larger than what was observed."
    ),
    "sources": Column("names", "lower-case names", "label", "The providers whose rows were summed."),
}
