"""Single liquidations: positions that were closed by force."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import BTC_USD, DEAR_SINCE, ETH_USD, since

_AMOUNT, _PRICE = pl.col("amount_usd"), pl.col("price_usd")


def _of(asset: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(value)


LIQUIDATION_EVENTS = Dataset(
    name="liquidation_events",
    meaning="Single liquidations: positions in futures, or on borrowed money, that a venue closed by force.",
    grain="one liquidation at one venue",
    key=("date", "asset", "venue", "event"),
    columns=("date", "asset", "venue", "event", "side", "amount_usd", "price_usd", "account"),
    nullable=frozenset({"side", "price_usd", "account"}),
    checks=(
        OneOf("side is long or short", "side", ("long", "short")),
        Range("amount_usd is not negative", _AMOUNT, low=0),
        # The largest single order ever reported was some hundred million. Contracts or coins of a cheap token, taken
        # for dollars or multiplied twice, lie beyond.
        Range("amount_usd is below 1 billion", _AMOUNT, high=1e9),
        Range("a day of an asset is below 10 billion", _AMOUNT.sum().over("date", "asset", "venue"), high=1e10),
        Range("price_usd is above 0", _PRICE, above=0),
        # Prices since 2019: a price in another currency, or the size in its place, lies outside.
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
        "A lower bound: only venues that publish each liquidation, and only the markets that are read there.",
        "One venue reports a liquidation as one event, another in parts, as the trades that closed the position.",
        "USDT and USDC are taken at par with the dollar.",
        "On a chain, a liquidation with dollars on neither side has no value in its log, and is left out.",
        "A day without a row had no liquidations only if ops.ledger says verified_empty.",
    ),
    notes={"date": "Here: the day of the liquidation.", "price_usd": "Here: the price at which it was valued."},
)
