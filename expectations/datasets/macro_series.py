"""Statistics of central banks and the Treasury."""

import polars as pl

from expectations.contract import Dataset, Range


def _of(*series: str) -> pl.Expr:
    return pl.when(pl.col("series").is_in(series)).then(pl.col("amount"))


MACRO_SERIES = Dataset(
    name="macro_series",
    meaning="One published value of a macroeconomic statistic: an amount of money or an interest rate.",
    grain="one statistic on the day that it describes",
    key=("date", "series"),
    columns=("date", "series", "currency", "amount", "rate_apr"),
    nullable=frozenset({"currency", "amount", "rate_apr"}),
    checks=(
        Range(
            "either an amount or a rate is known",
            pl.col("amount").is_not_null().cast(pl.Int64) + pl.col("rate_apr").is_not_null().cast(pl.Int64),
            low=1,
            high=1,
        ),
        Range(
            "an amount has its currency",
            (pl.col("amount").is_null() | pl.col("currency").is_not_null()).cast(pl.Int64),
            low=1,
        ),
        Range("amount is not negative", pl.col("amount"), low=0),
        Range("amount is below 100 trillion", pl.col("amount"), high=1e14),
        # Levels since 2002; millions or billions taken for units lie far outside.
        Range("fed_assets is 0.5 to 20 trillion", _of("fed_assets"), low=5e11, high=2e13),
        Range("tga is 0.1 billion to 5 trillion", _of("tga", "tga_daily"), low=1e8, high=5e12),
        Range("rrp is 0, or 1 million to 5 trillion", _of("rrp").replace(0.0, None), low=1e6, high=5e12),
        Range("rate_apr is between -0.05 and 0.3", pl.col("rate_apr"), low=-0.05, high=0.3),
        # Near zero even percents look like fractions, but they lie too far from each other.
        Range(
            "the rates of a day lie within 0.1 of each other",
            (pl.col("rate_apr").max() - pl.col("rate_apr").min()).over("date"),
            high=0.1,
        ),
    ),
    caveats=(
        "Only the newest vintage is held: what was first published and later revised shows the revision.",
        "effective_rate and the target range are listed for every day by one source, for business days by another.",
        "tga is the Treasury's cash on Wednesdays in the Federal Reserve's books, tga_daily that of each working day.",
        "fed_funds_futures is 100 less the price of the calendar month's future: the mean rate expected of the month.",
    ),
    notes={"series": "Here: the statistic."},
    sparse=True,
)
