"""The leverage gauge and its components."""

from expectations.contract import Column

COMPONENTS = {
    "open_interest_coins": "open interest in coins",
    "open_interest_to_market_value": "open interest over market value",
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
        f"Percentile of {what} in the 365 days up to this one: the share of days at or below it, the members' mean.",
    )


COLUMNS = {
    "component": Column("text", "name", "key", "A component of the leverage gauge."),
    "speaks_of": Column("text", "`heat`, `fuel`", "label", "Whether it measures leverage, or what feeds it."),
    "weight": Column("number", "votes", "label", "How much the component counts on its side."),
    "made_of": Column("text", "one sentence", "label", "What the number is computed from."),
    "rationale": Column("text", "one sentence", "label", "The reason for the choice."),
    "rests_on": Column(
        "names",
        "cells of marts, as `mart.column name=value`",
        "label",
        "The cells that it is computed from, of the same day and before.",
    ),
    "member": Column("text", "name", "key", "One series of a component, such as an asset at a venue."),
    "member_value": Column("number", "unit of the member", "label", "The member's value."),
    "member_weight": Column("number", "votes", "label", "How much the member counts in its component."),
    "percentile": Column("number", "fraction", "rate", "Percentile of a value in the 365 days up to its own."),
    "regime": Column(
        "text",
        "`calm`, `warm`, `hot`, `overheated`, `flush`",
        "label",
        "The market's state by its leverage; `flush` is the unwinding itself.",
    ),
    "heat_from": Column("number", "fraction", "label", "The lowest heat of the regime."),
    "heat": Column(
        "number", "fraction", "rate", "How much leverage is in the system, relative to its own year: 0 to 1."
    ),
    "fuel": Column("number", "fraction", "rate", "How much feeds leverage, relative to its own year: 0 to 1."),
    **{f"{name}_percentile": _percentile(what) for name, what in COMPONENTS.items()},
    "median_return": Column("number", "fraction", "rate", "The day's return of the median basket asset."),
    "median_low": Column(
        "number", "fraction", "rate", "Median over the basket assets of the low divided by the previous close, minus 1."
    ),
    "low_return": Column("number", "fraction", "rate", "Bitcoin's low divided by its previous close, minus 1."),
    "open_interest_change": Column(
        "number",
        "fraction",
        "rate",
        "The day's change of bitcoin's open interest in coins, over contracts known on both days.",
    ),
    "is_flush": Column("flag", "true, false", "label", "Whether positions were being unwound."),
    "components_present": Column("count", "components", "label", "How many components are known on the day."),
    "components_missing": Column(
        "names", "names of components", "label", "The components that are not known on the day."
    ),
}
