"""Funding payments of perpetual futures."""

import polars as pl

from expectations.contract import Dataset, Range

FUNDING_RATES = Dataset(
    name="funding_rates",
    meaning="One funding payment of a perpetual future.",
    grain="one settlement of one asset's perpetual at one venue",
    key=("settled_at", "asset", "venue"),
    columns=("date", "settled_at", "asset", "venue", "funding_rate", "interval_hours"),
    checks=(
        Range("funding_rate is between -0.1 and 0.1", pl.col("funding_rate"), low=-0.1, high=0.1),
        Range("interval_hours is between 1 and 24", pl.col("interval_hours"), low=1, high=24),
        Range(
            "the day's intervals add up to 24 hours",
            pl.col("interval_hours").sum().over("series", "date"),
            low=24,
            high=24,
        ),
    ),
    caveats=("A rate is per its own interval: annualise it with that interval, never with 8 hours by habit.",),
)
