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
    "event": Column(
        "text", "the venue's own name", "key", "The forced closing, or the part of it that was traded at once."
    ),
    "side": Column(
        "text",
        "long or short",
        "label",
        "Whether the position that was closed gained from rising or from falling prices; unknown where it is neither.",
    ),
    "amount_usd": Column(
        "number", "USD", "flow", "Value of what was closed, at the price that the venue states for it."
    ),
    "account": Column(
        "text", "the venue's own name", "label", "Whose position it was; unknown where the venue keeps it."
    ),
    "accounts": Column("count", "accounts", "flow", "Accounts that were liquidated in the day, each counted once."),
    "is_lower_bound": Column(
        "flag", "true or false", "label", "Whether the true amount can only be larger than what was observed."
    ),
    "assets": Column("count", "assets", "label", "How many assets the sum is over."),
    "reported_usd": Column(
        "number",
        "USD",
        "flow",
        "What another counted of the day over all exchanges: a provider's count of the UTC day, otherwise the highest "
        "that was written down by hand.",
    ),
    "share_of_reported": Column("number", "fraction", "rate", "total_usd over reported_usd."),
    "sources": Column("names", "lower-case names", "label", "The providers whose rows were summed."),
}
