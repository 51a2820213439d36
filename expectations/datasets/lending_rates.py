"""Deposit and borrowing rates of on-chain lending pools."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range

LENDING_RATES = Dataset(
    name="lending_rates",
    meaning="What an on-chain lending pool pays its depositors and asks of its borrowers.",
    grain="one pool on one UTC day",
    key=("date", "protocol", "chain", "asset"),
    columns=(
        "date",
        "protocol",
        "chain",
        "asset",
        "supply_apr",
        "supply_apr_max",
        "borrow_apr",
        "borrow_apr_max",
        "utilization",
        "available_usd",
        "sampling",
    ),
    nullable=frozenset(
        {"supply_apr", "supply_apr_max", "borrow_apr", "borrow_apr_max", "utilization", "available_usd"}
    ),
    checks=(
        Range(
            "a supply or a borrow rate is known",
            (pl.col("supply_apr").is_not_null() | pl.col("borrow_apr").is_not_null()).cast(pl.Int64),
            low=1,
        ),
        Range("supply_apr is between 0 and 3", pl.col("supply_apr"), low=0, high=3),
        Range("borrow_apr is between 0 and 5", pl.col("borrow_apr"), low=0, high=5),
        Range("utilization is between 0 and 1", pl.col("utilization"), low=0, high=1),
        Range("available_usd is not negative", pl.col("available_usd"), low=0),
        OneOf("sampling is known", "sampling", ("time_weighted", "hourly_mean", "daily_last")),
    ),
    caveats=(
        "A daily_last sample is one reading near 23:01 UTC and misses spikes within the day.",
        "Rewards are left out: supply_apr is the lending rate alone.",
    ),
    sparse=True,
)
