"""Market value of all circulating coins of an asset."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.plausible import apart, factor, usual

_CAP, _PRICE = pl.col("market_cap_usd"), pl.col("price_usd")
_BEFORE = _CAP.shift(1).over("series", order_by="date")
_DAYS_APART = pl.col("date").diff().over("series", order_by="date").dt.total_days()


def _of(asset: str, value: pl.Expr) -> pl.Expr:
    return pl.when(pl.col("asset") == asset).then(value)


MARKET_VALUES = Dataset(
    name="market_values",
    meaning="Market value of an asset: the circulating coins, each at a reference price.",
    grain="one asset on one UTC day",
    key=("date", "asset"),
    columns=("date", "asset", "market_cap_usd", "price_usd"),
    nullable=frozenset({"market_cap_usd", "price_usd"}),
    notes={"price_usd": "Here: a reference price at the end of the UTC day, over many venues; not one venue's trade."},
    checks=(
        Range("market_cap_usd is above 0", _CAP, above=0),
        Range("price_usd is above 0", _PRICE, above=0),
        Range("market_cap_usd is below 100 trillion", _CAP, high=1e14),
        # Circulating supply: prices in another currency, or another asset's value, would lie outside. Bitcoin's supply
        # has been above 1 million since 2009 and never exceeds 21 million; ether's has been near 120 million since
        # 2021.
        Range("1 to 21 million BTC circulate", _of("BTC", _CAP / _PRICE), low=1e6, high=21.05e6),
        Range("70 to 200 million ETH circulate", _of("ETH", _CAP / _PRICE), low=7e7, high=2e8),
        # Prices since 2015; cents, won or another asset's prices lie outside.
        Range("BTC is worth 100 to 2,000,000 USD", _of("BTC", _PRICE), low=100, high=2_000_000),
        Range("ETH is worth 0.4 to 100,000 USD", _of("ETH", _PRICE), low=0.4, high=100_000),
        # Circulating supply has doubled in a day, when locked coins were released or counted for the first time.
        Range(
            "as many coins circulate as on the last days, within a factor of 8",
            apart(_CAP / _PRICE, usual(_CAP / _PRICE, "series")),
            high=factor(8),
        ),
        Range(
            "price_usd of BTC and ETH is within a factor of 3 of its last days",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(apart(_PRICE, usual(_PRICE, "series"))),
            high=factor(3),
        ),
        # It does not block: small coins have really lost 99 percent in a day (LUNA in May 2022).
        Range(
            "market_cap_usd is within a factor of 3 of the day before",
            pl.when(_DAYS_APART == 1).then((_CAP / _BEFORE).log().abs()),
            high=1.0987,
            severity="warning",
        ),
    ),
    looks_back=14,
    caveats=(
        "Circulating supply is an estimate: one provider counts locked and lost coins, another does not.",
        "Providers revise their counts when they learn more: see ops.restatements.",
    ),
)
