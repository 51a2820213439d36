"""What a venue calls the volume of its liquidations without saying what it counts."""

import polars as pl

from expectations.contract import Dataset, Range

UNCONFIRMED_LIQUIDATIONS = Dataset(
    name="unconfirmed_liquidations",
    meaning="What was closed by force of one contract at a venue, both sides together, in an unknown unit.",
    grain="one contract at one venue on one UTC day",
    key=("date", "asset", "venue", "contract"),
    columns=("date", "asset", "venue", "contract", "liquidated_volume"),
    checks=(
        Range("liquidated_volume is not negative", pl.col("liquidated_volume"), low=0),
        # Whatever the unit is: more than the largest day of all venues together, in dollars.
        Range("liquidated_volume is below 20 billion", pl.col("liquidated_volume"), high=2e10),
    ),
    caveats=(
        "No unit is known; coins are believed. No mart reads this table: the sums of liquidations lack the venue.",
        "tidemark doctor holds the volume against the coins that were traded on the same days.",
    ),
    sparse=True,
)
