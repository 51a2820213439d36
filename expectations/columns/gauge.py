"""The leverage gauge and its parts."""

from expectations.contract import Column

COMPONENTS = {
    "open_interest_coins": "futures open in coins",
    "open_interest_to_market_value": "futures open over market value",
    "funding": "a week's funding",
    "exchange_borrow": "borrow rates of stablecoins at exchanges",
    "onchain_rates": "rates of stablecoins in on-chain lending",
    "korean_turnover": "a week's Korean turnover in stablecoins",
    "stablecoin_issuance": "a week's issuance of stablecoins",
    "global_liquidity": "thirteen weeks' change of global liquidity",
    "coinbase_premium": "a week's Coinbase premium",
    "rate_expectations": "cuts priced in by the one-year Treasury",
}


def _percentile(what: str) -> Column:
    return Column(
        "number",
        "fraction",
        "rate",
        f"Where {what} stands in the 365 days up to this one: the share of days at or below it, the members' mean.",
    )


COLUMNS = {
    "component": Column("text", "name", "key", "A part of the leverage gauge."),
    "speaks_of": Column("text", "`heat`, `fuel`", "label", "What the part speaks of: leverage, or what feeds it."),
    "weight": Column("number", "votes", "label", "How much the part counts on its side."),
    "made_of": Column("text", "one sentence", "label", "What the part is made of."),
    "rationale": Column("text", "one sentence", "label", "Why."),
    "rests_on": Column(
        "names",
        "cells of marts, as `mart.column name=value`",
        "label",
        "The cells that it is made of, of the same day and before.",
    ),
    "member": Column("text", "name", "key", "One series of a part, such as an asset at a venue."),
    "member_value": Column("number", "that of the member", "label", "The member's value."),
    "member_weight": Column("number", "votes", "label", "How much the member counts in its part."),
    "percentile": Column("number", "fraction", "rate", "Where a value stands in the 365 days up to its own."),
    "regime": Column(
        "text",
        "`calm`, `warm`, `hot`, `overheated`, `flush`",
        "label",
        "How the market stands by its leverage; `flush` is the unwinding itself.",
    ),
    "heat_from": Column("number", "fraction", "label", "The lowest heat of the regime."),
    "heat": Column("number", "fraction", "rate", "How much leverage is in the system, against its own year: 0 to 1."),
    "fuel": Column("number", "fraction", "rate", "How much feeds it, against its own year: 0 to 1."),
    **{f"{name}_percentile": _percentile(what) for name, what in COMPONENTS.items()},
    "median_return": Column("number", "fraction", "rate", "The day's return of the median basket asset."),
    "median_low": Column(
        "number", "fraction", "rate", "Median of the basket assets' lows over their last closes, less one."
    ),
    "low_return": Column("number", "fraction", "rate", "Bitcoin's low over its last close, less one."),
    "open_interest_change": Column(
        "number",
        "fraction",
        "rate",
        "The day's change of bitcoin's open interest in coins, over contracts known on both days.",
    ),
    "is_flush": Column("flag", "true, false", "label", "Whether positions were being unwound."),
    "components_present": Column("count", "components", "label", "How many parts are known on the day."),
    "components_missing": Column("names", "names of components", "label", "The parts that are not known on the day."),
}
