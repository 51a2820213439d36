"""Prices of contracts on the outcomes of the Federal Reserve's meetings."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range

_OF_A_MEETING = ("date", "meeting_date", "venue")

MEETING_PROBABILITIES = Dataset(
    name="meeting_probabilities",
    meaning="Price, at the end of a day, of a contract that pays 1 dollar if a meeting has a certain outcome.",
    grain="one outcome of one meeting at one venue on one day",
    key=("date", "meeting_date", "outcome", "venue"),
    columns=("date", "meeting_date", "outcome", "venue", "probability", "price_basis", "outcomes"),
    checks=(
        Range("probability is between 0 and 1", pl.col("probability"), low=0, high=1),
        Range(
            "outcome is a move in basis points",
            pl.col("outcome").str.contains(r"^(hold|(cut|hike)_(over_)?[1-9]\d*)$").cast(pl.Int64),
            low=1,
        ),
        Range("the meeting is not over", (pl.col("meeting_date") - pl.col("date")).dt.total_days(), low=0),
        Range("outcomes is 1 or more", pl.col("outcomes"), low=1),
        OneOf("price_basis is one that we know", "price_basis", ("trade", "quotes")),
        # Prices from different hours, and the venue's margin, add some; the price of another outcome adds more.
        Range(
            "the probabilities of a meeting add up to at most 1.25",
            pl.col("probability").clip(0, 1).sum().over(_OF_A_MEETING),
            high=1.25,
            severity="warning",
        ),
    ),
    one_per=("date", "meeting_date"),
    caveats=(
        "A price is not a forecast: it includes a risk premium and the venue's margin, and is thin before May 2025.",
        "The day ends at midnight in New York, four or five hours after midnight UTC.",
        "An outcome that nobody traded, and that was not quoted on both sides, is unknown on that day.",
    ),
    sparse=True,
    notes={"date": "Here: the day in New York at whose end the price was taken."},
)
