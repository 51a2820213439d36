"""Circulating supply of stablecoins."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.plausible import apart, factor, usual

_SUPPLY = pl.col("supply")
_USUAL = usual(_SUPPLY, "series", "chain")


def _total_from(least: float) -> pl.Expr:
    """How far a coin's own total is from its last days', if those come to at least this many coins."""
    return pl.when((pl.col("chain") == "ALL") & (least <= _USUAL)).then(apart(_SUPPLY, _USUAL))


STABLECOIN_SUPPLY = Dataset(
    name="stablecoin_supply",
    meaning="Circulating supply of a stablecoin at the end of the UTC day, in total and per chain.",
    grain="one coin on one chain on one UTC day; chain ALL is the coin's own total",
    key=("date", "asset", "chain"),
    columns=("date", "asset", "chain", "supply", "supply_usd"),
    nullable=frozenset({"supply_usd"}),
    checks=(
        Range("supply is not negative", pl.col("supply"), low=0),
        Range("supply is below a trillion", pl.col("supply"), high=1e12),
        Range("supply_usd is not negative", pl.col("supply_usd"), low=0),
        # Supply since 2017; thousands or millions taken for units lie far below.
        Range(
            "USDT counts at least 100 million in total",
            pl.when((pl.col("asset") == "USDT") & (pl.col("chain") == "ALL")).then(pl.col("supply")),
            low=1e8,
        ),
        Range("a coin counts at 0.2 to 2 dollars", pl.col("supply_usd") / _SUPPLY, low=0.2, high=2),
        # Redemptions must be paid in dollars: the fastest known ones of so large a coin (USDC in March 2023, BUSD in
        # December 2022, USDe in October 2025) came to less than a sixth in a few days.
        Range(
            "a total of 10 billion or more is within a factor of 1.5 of its last days",
            _total_from(1e10),
            high=factor(1.5),
        ),
        # A young coin has grown sixteenfold within a week (USD1 in 2025); a wrong unit is a factor of a thousand or a
        # million.
        Range(
            "a total of 100 million or more is within a factor of 50 of its last days",
            _total_from(1e8),
            high=factor(50),
        ),
        # It does not block: on a single chain, and for a young coin, supply has really doubled or halved in a day, when
        # the coin was launched there or moved to another chain.
        Range(
            "supply is within a factor of 2 of the day before",
            (pl.col("supply") / pl.col("supply").shift(1).over("series", "chain", order_by="date")).log().abs(),
            high=0.694,
            severity="warning",
        ),
    ),
    looks_back=14,
    caveats=(
        "A provider stamp of day D 00:00 is the state at the end of D-1, and has that date here.",
        "The provider leaves out an amount that is zero or unknown; such a day has no row.",
        "supply_usd counts each stablecoin at one dollar: what is owed, not what it trades at.",
        "The provider may replace a day's value with a better reading, mostly within ten days: see ops.restatements.",
        "Asked late in a day, the provider may give its latest reading for the day before, until asked again.",
    ),
)
