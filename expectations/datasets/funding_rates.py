"""Funding payments of perpetual futures."""

import polars as pl

from expectations.contract import Dataset, Range

SEVERAL = 5

# Within a day, because the days of a batch need not be neighbours.
_DAY = ["series", "date"]
_GAP = pl.col("settled_at").diff().over(_DAY, order_by="settled_at").dt.total_minutes() / 60
_BEFORE = pl.col("interval_hours").shift(1).over(_DAY, order_by="settled_at")
_SHORTER = pl.min_horizontal(pl.col("interval_hours"), _BEFORE)
_LONGER = pl.max_horizontal(pl.col("interval_hours"), _BEFORE)

FUNDING_RATES = Dataset(
    name="funding_rates",
    meaning="One funding payment of a perpetual future.",
    grain="one settlement of one asset's perpetual at one venue",
    key=("settled_at", "asset", "venue"),
    columns=("date", "settled_at", "asset", "venue", "funding_rate", "interval_hours"),
    checks=(
        # The widest cap that a venue sets is 3 %; the documentation quotes -3.75 % of 2019.
        Range("funding_rate is between -0.04 and 0.04", pl.col("funding_rate"), low=-0.04, high=0.04),
        Range(
            "funding_rate of BTC and ETH is between -0.008 and 0.008",
            pl.when(pl.col("asset").is_in(["BTC", "ETH"])).then(pl.col("funding_rate")),
            low=-0.008,
            high=0.008,
        ),
        # In percent the usual rate would be 0.01; one asset may be as hot as that, half of them are not.
        Range(
            "half of the day's rates are within 0.004, over 5 assets or more",
            pl.when(pl.col("asset").n_unique().over("date") >= SEVERAL).then(
                pl.col("funding_rate").abs().median().over("date")
            ),
            high=0.004,
        ),
        Range("interval_hours is between 1 and 24", pl.col("interval_hours"), low=1, high=24),
        # A payment that is stamped an hour late, where the interval is told from the stamps, makes one of 7 hours.
        Range("interval_hours divides a day", pl.lit(24) % pl.col("interval_hours"), high=0),
        Range(
            "the day's intervals add up to 24 hours, unless the interval changes that day",
            pl.when(pl.col("interval_hours").n_unique().over("series", "date") == 1).then(
                pl.col("interval_hours").sum().over("series", "date")
            ),
            low=24,
            high=24,
        ),
        # Where the interval changes, the gap may be the old one or the new one, and nothing else.
        Range("a payment does not come sooner than its interval", _GAP / _SHORTER, low=0.99),
        Range("a payment does not come later than its interval", _GAP / _LONGER, high=1.01),
    ),
    caveats=(
        "A rate is per its own interval: annualise it with that interval, never with 8 hours by habit.",
        "A day on which the interval changes may cover more or less than 24 hours.",
    ),
)
