"""Open interest as others than the venues themselves tell it."""

import polars as pl

from expectations.contract import Dataset, Range

OPEN_INTEREST_WITNESS = Dataset(
    name="open_interest_witness",
    meaning="Open contracts in an asset at a venue, as somebody else reports them: to hold open_interest against.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=("date", "asset", "venue", "open_interest_usd"),
    checks=(Range("open_interest_usd is 100,000 to 100 billion", pl.col("open_interest_usd"), low=1e5, high=1e11),),
    caveats=(
        "A witness: no mart sums it. Compare it with open_interest, its contracts added for each asset and venue.",
        "Which contracts are counted, and at which hour of the day, is not told.",
    ),
    sparse=True,
)
