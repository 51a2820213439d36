"""Circulating supply of stablecoins."""

import polars as pl

from expectations.contract import Dataset, Range

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
        # Since 2017; thousands or millions taken for units lie far below.
        Range(
            "USDT counts at least 100 million in total",
            pl.when((pl.col("asset") == "USDT") & (pl.col("chain") == "ALL")).then(pl.col("supply")),
            low=1e8,
        ),
        Range(
            "supply is within a factor of 2 of the day before",
            (pl.col("supply") / pl.col("supply").shift(1).over("series", "chain", order_by="date")).log().abs(),
            high=0.694,
            severity="warning",
        ),
    ),
    caveats=(
        "A provider stamp of day D 00:00 is the state at the end of D-1, and has that date here.",
        "The provider leaves out an amount that is zero or unknown; such a day has no row.",
        "supply_usd counts each dollar coin at one dollar: what is owed, not what it trades at.",
        "The provider may replace a day by a better reading, mostly within ten days: see ops.restatements.",
        "Asked late in a day, it may answer for the day before with its latest reading, until asked again.",
    ),
)
