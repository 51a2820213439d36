"""A venue's liquidation volume in a unit that it does not state."""

import polars as pl

from expectations.contract import Dataset, Range

UNCONFIRMED_LIQUIDATIONS = Dataset(
    name="unconfirmed_liquidations",
    meaning="Liquidated volume of one contract at a venue, both sides together, in an unknown unit.",
    grain="one contract at one venue on one UTC day",
    key=("date", "asset", "venue", "contract"),
    columns=("date", "asset", "venue", "contract", "liquidated_volume"),
    checks=(
        Range("liquidated_volume is not negative", pl.col("liquidated_volume"), low=0),
        # In any unit: above the largest day of all venues together, in dollars.
        Range("liquidated_volume is below 20 billion", pl.col("liquidated_volume"), high=2e10),
    ),
    caveats=(
        "The unit is not known; it is believed to be coins. No mart reads this table: liquidation sums lack the venue.",
        "tidemark doctor compares the volume with the coins traded on the same days.",
    ),
    sparse=True,
)
