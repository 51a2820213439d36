"""Positions that were closed by force, one by one."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import BTC_USD, DEAR_SINCE, ETH_USD, since

_AMOUNT, _PRICE = pl.col("amount_usd"), pl.col("price_usd")


def _of(asset: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(value)


LIQUIDATION_EVENTS = Dataset(
    name="liquidation_events",
    meaning="Positions, in futures or on borrowed money, that a venue closed by force, one by one.",
    grain="one forced closing at one venue",
    key=("date", "asset", "venue", "event"),
    columns=("date", "asset", "venue", "event", "side", "amount_usd", "price_usd", "account"),
    nullable=frozenset({"side", "price_usd", "account"}),
    checks=(
        OneOf("side is long or short", "side", ("long", "short")),
        Range("amount_usd is not negative", _AMOUNT, low=0),
        # The largest single order that was ever told of came to some hundred millions. Contracts or coins of a cheap
        # token, taken for dollars or multiplied twice, lie beyond.
        Range("amount_usd is below 1 billion", _AMOUNT, high=1e9),
        Range("a day of an asset is below 10 billion", _AMOUNT.sum().over("date", "asset", "venue"), high=1e10),
        Range("price_usd is above 0", _PRICE, above=0),
        # Prices since 2019: a price in another currency, or the size in its place, lies beyond.
        Range("a coin of BTC costs 3,000 to 2,000,000 USD", _of("BTC", _PRICE), low=3_000, high=2_000_000),
        Range("a coin of ETH costs 80 to 100,000 USD", _of("ETH", _PRICE), low=80, high=100_000),
        Range(
            "a coin of BTC costs 10,000 to 1,000,000 USD since 2021",
            since(DEAR_SINCE, _of("BTC", _PRICE)),
            low=BTC_USD[0],
            high=BTC_USD[1],
        ),
        Range(
            "a coin of ETH costs 500 to 100,000 USD since 2021",
            since(DEAR_SINCE, _of("ETH", _PRICE)),
            low=ETH_USD[0],
            high=ETH_USD[1],
        ),
    ),
    one_per=("date", "asset", "venue"),
    quiet=True,
    caveats=(
        "A lower bound: of the venues that tell each closing, those markets that are read.",
        "What one venue tells as one event another tells in parts, as the trades that closed the position.",
        "USDT and USDC are taken at par with the dollar.",
        "On a chain, one with dollars on neither side has no value in its log, and is left out.",
        "A day without a row is one without liquidations only where ops.ledger says verified_empty.",
    ),
    notes={"date": "The day of the closing.", "price_usd": "Here: at which the value was taken."},
)
