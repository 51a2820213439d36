"""Deposit and borrowing rates of on-chain lending pools."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import apart, factor, usual

SEVERAL = 5

LENDING_RATES = Dataset(
    name="lending_rates",
    meaning="What an on-chain lending pool pays its depositors and charges its borrowers.",
    grain="one pool on one UTC day",
    key=("date", "protocol", "chain", "asset"),
    columns=(
        "date",
        "protocol",
        "chain",
        "asset",
        "supply_apr",
        "supply_apr_max",
        "supply_apr_last",
        "supply_apy_realised",
        "borrow_apr",
        "borrow_apr_max",
        "borrow_apr_last",
        "borrow_apy_realised",
        "utilization",
        "available_usd",
        "sampling",
    ),
    nullable=frozenset(
        {
            "supply_apr",
            "supply_apr_max",
            "supply_apr_last",
            "supply_apy_realised",
            "borrow_apr",
            "borrow_apr_max",
            "borrow_apr_last",
            "borrow_apy_realised",
            "utilization",
            "available_usd",
        }
    ),
    checks=(
        Range(
            "a supply or a borrow rate is known",
            (pl.col("supply_apr").is_not_null() | pl.col("borrow_apr").is_not_null()).cast(pl.Int64),
            low=1,
        ),
        Range("supply_apr is between 0 and 3", pl.col("supply_apr"), low=0, high=3),
        # A single pool may pay that much for a day; in percent, nearly every rate would exceed it.
        Range(
            "half of the supply_apr are below 0.5, over 5 rows or more",
            pl.when(pl.len() >= SEVERAL).then(pl.col("supply_apr").median()),
            high=0.5,
        ),
        Range("borrow_apr is between 0 and 5", pl.col("borrow_apr"), low=0, high=5),
        # A mean does not exceed its highest member, apart from its last digit.
        Range("supply_apr_max is not below supply_apr", pl.col("supply_apr_max") / pl.col("supply_apr"), low=1 - 1e-9),
        Range("borrow_apr_max is not below borrow_apr", pl.col("borrow_apr_max") / pl.col("borrow_apr"), low=1 - 1e-9),
        # A debt grows every second at the current rate: index and mean agree, apart from the seconds between two known
        # blocks. If they do not, an update is missing, or one of them is in another unit.
        Range(
            "borrow_apr is what debts grew by, within 1 %",
            pl.col("borrow_apy_realised").log1p() / pl.col("borrow_apr"),
            low=0.99,
            high=1.01,
        ),
        # Deposits also earn the fees of flash loans, so it only warns.
        Range(
            "supply_apr is what deposits grew by, within 5 %",
            pl.col("supply_apy_realised").log1p() / pl.col("supply_apr"),
            low=0.99,
            high=1.05,
            severity="warning",
        ),
        # Catches one row in percent. It does not block: when a pool runs dry, its rate is twenty times that of a quiet
        # week, and more in a pool that hardly anybody borrows from.
        *(
            Range(
                f"{name} is within a factor of 50 of its last days",
                pl.when(pl.col(name) > 0).then(
                    apart(pl.col(name), usual(pl.col(name).replace(0.0, None), "series", "protocol", "chain", "asset"))
                ),
                high=factor(50),
                severity="warning",
            )
            for name in ("supply_apr", "borrow_apr")
        ),
        Range("utilization is between 0 and 1", pl.col("utilization"), low=0, high=1),
        Range("available_usd is not negative", pl.col("available_usd"), low=0),
        Range("available_usd is below 100 billion", pl.col("available_usd"), high=1e11),
        OneOf("sampling is one that we know", "sampling", ("time_weighted", "hourly_mean", "daily_last")),
    ),
    looks_back=14,
    caveats=(
        "A daily_last sample is one reading, near 23:01 UTC or soon after midnight, and misses spikes within the day.",
        "Rewards are left out: supply_apr is the lending rate alone.",
        "A time_weighted mean covers every rate in force within the day; the last one was in force at the day's end.",
        "An hourly_mean is Aave's own average of the day; how it is weighted within the day is not stated.",
    ),
    sparse=True,
)
