"""Liquidations: positions that were closed by force."""

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
        "text", "the venue's own name", "key", "The liquidation, or the part of it that was executed in one trade."
    ),
    "side": Column(
        "text",
        "long or short",
        "label",
        "Whether the closed position gained from rising (long) or falling (short) prices; unknown if from neither.",
    ),
    "amount_usd": Column(
        "number", "USD", "flow", "Value of the closed position, at the price that the venue states for it."
    ),
    "account": Column(
        "text",
        "the venue's own name",
        "label",
        "The account that held the position; unknown if the venue does not publish it.",
    ),
    "accounts": Column("count", "accounts", "flow", "Accounts that were liquidated in the day, each counted once."),
    "is_lower_bound": Column(
        "flag", "true or false", "label", "Whether the true amount can only be larger than the observed one."
    ),
    "assets": Column("count", "assets", "label", "Number of assets in the sum."),
    "reported_usd": Column(
        "number",
        "USD",
        "flow",
        "Someone else's figure for the day over all exchanges: a provider's count of the UTC day, otherwise the "
        "highest figure recorded by hand.",
    ),
    "share_of_reported": Column("number", "fraction", "rate", "total_usd divided by reported_usd."),
    "sources": Column("names", "lower-case names", "label", "The providers whose rows were summed."),
}
