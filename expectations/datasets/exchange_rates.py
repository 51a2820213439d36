"""Reference exchange rates against the dollar."""

import polars as pl

from expectations.contract import Dataset, Range
from expectations.plausible import apart, usual

_RATE = pl.col("rate_per_usd")

EXCHANGE_RATES = Dataset(
    name="exchange_rates",
    meaning="Reference exchange rate of a currency against the US dollar.",
    grain="one currency on one business day",
    key=("date", "currency"),
    columns=("date", "currency", "rate_per_usd"),
    checks=(
        Range("rate_per_usd is above 0", pl.col("rate_per_usd"), above=0),
        # Dollars per won, or won per 100 yen, would be a very different number.
        Range(
            "a dollar is worth 300 to 5,000 won",
            pl.when(pl.col("currency") == "KRW").then(pl.col("rate_per_usd")),
            low=300,
            high=5_000,
        ),
        # An inverted rate lies outside these ranges, except for the euro; there it shows as a jump.
        Range(
            "a dollar is worth 0.5 to 1.4 euro",
            pl.when(pl.col("currency") == "EUR").then(pl.col("rate_per_usd")),
            low=0.5,
            high=1.4,
        ),
        Range(
            "a dollar is worth 50 to 400 yen",
            pl.when(pl.col("currency") == "JPY").then(pl.col("rate_per_usd")),
            low=50,
            high=400,
        ),
        Range(
            "a dollar is worth 4 to 15 yuan",
            pl.when(pl.col("currency") == "CNY").then(pl.col("rate_per_usd")),
            low=4,
            high=15,
        ),
        # Catches dollars per euro instead of euro per dollar, where the two differ enough. The euro has moved by 5
        # percent within a week (December 2008).
        Range(
            "a dollar is worth as many euro as on the last days, within 9 %",
            pl.when(pl.col("currency") == "EUR").then(apart(_RATE, usual(_RATE, "series", "currency"))),
            high=0.09,
        ),
        # It does not block: the won lost a tenth in a day in 2008, and a wrong unit is outside the ranges above.
        Range(
            "rate_per_usd is within 15 % of the fixing before",
            (pl.col("rate_per_usd") / pl.col("rate_per_usd").shift(1).over("series", order_by="date")).log().abs(),
            high=0.15,
            severity="warning",
        ),
    ),
    looks_back=14,
    caveats=("No fixing on weekends and TARGET holidays: carry the last one forward and state its age.",),
    sparse=True,
)
