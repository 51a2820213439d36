"""What exchanges charge margin borrowers."""

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.plausible import apart, factor, usual

_APR = pl.col("borrow_apr")

SEVERAL = 5
ENOUGH_HOURS = 20

BORROW_RATES = Dataset(
    name="borrow_rates",
    meaning="What it costs to borrow an asset at an exchange, for customers without a discount.",
    grain="one asset at one venue on one UTC day",
    key=("date", "asset", "venue"),
    columns=("date", "asset", "venue", "borrow_apr", "borrow_apr_max", "samples", "sampling"),
    nullable=frozenset({"borrow_apr_max", "samples"}),
    checks=(
        Range("borrow_apr is between 0 and 10", pl.col("borrow_apr"), low=0, high=10),
        # A loan for a moment, at eight percent a day.
        Range("borrow_apr_max is between 0 and 30", pl.col("borrow_apr_max"), low=0, high=30),
        # In percent, nearly every rate would exceed the upper bound; a daily or hourly rate taken for a yearly one
        # would fall below the lower bound. A single day may lie outside; half of a batch does not.
        Range(
            "half of the borrow_apr are between 0.0005 and 0.9, over 5 rows or more",
            pl.when(pl.len() >= SEVERAL).then(pl.col("borrow_apr").median()),
            low=0.0005,
            high=0.9,
        ),
        # Catches one row in percent, or per day. It does not block: on a day with no lender left, a rate has been a
        # hundred times that of a quiet week.
        Range(
            "borrow_apr is within a factor of 50 of its last days",
            pl.when(_APR > 0).then(apart(_APR, usual(_APR.replace(0.0, None), "series"))),
            high=factor(50),
            severity="warning",
        ),
        # A mean does not exceed its highest member, apart from its last digit.
        Range("borrow_apr_max is not below borrow_apr", pl.col("borrow_apr_max") / pl.col("borrow_apr"), low=1 - 1e-9),
        Range("samples is 1 or more", pl.col("samples"), low=1),
        Range(
            "one sample alone has no highest",
            pl.when(pl.col("samples") == 1).then(pl.col("borrow_apr_max").is_not_null().cast(pl.Int64)),
            high=0,
        ),
        Range(
            "an hourly mean is of 20 to 24 hours",
            pl.when(pl.col("sampling") == "hourly_mean").then(pl.col("samples").fill_null(0)),
            low=ENOUGH_HOURS,
            high=24,
        ),
        OneOf("sampling is one that we know", "sampling", ("time_weighted", "hourly_mean", "daily_last")),
    ),
    looks_back=14,
    caveats=(
        "Venues compute a day's figure differently (see sampling): compare a venue only with itself.",
        "Rates are those of customers without a discount, simple, per year.",
    ),
    sparse=True,
)
