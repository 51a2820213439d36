"""Open interest as reported by others than the venues."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.datasets.open_interest import LARGE_USD
from expectations.plausible import apart, factor, usual

_USD = pl.col("open_interest_usd")
_USUAL = usual(_USD, "series", "venue")

OPEN_INTEREST_WITNESS = Dataset(
    name="open_interest_witness",
    meaning="Open contracts in an asset at a venue, as someone else reports them: to compare open_interest with.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=("date", "asset", "venue", "open_interest_usd"),
    checks=(
        Range("open_interest_usd is 100,000 to 100 billion", _USD, low=1e5, high=1e11),
        Range(
            "open_interest_usd of 100 million or more is within a factor of 5 of its last days",
            pl.when(_USUAL >= LARGE_USD).then(apart(_USD, _USUAL)),
            high=factor(5),
        ),
    ),
    looks_back=14,
    caveats=(
        "A witness: no mart sums it. Compare it with open_interest, summed over contracts by asset and venue.",
        "Which contracts are counted, and at which hour of the day, is not stated.",
    ),
    sparse=True,
)
