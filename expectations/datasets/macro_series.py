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
        # A dollar and a euro are worth about as much; the yen and the yuan of these economies count in more digits.
        Range(
            "an amount in dollars or euro is below 100 trillion",
            pl.when(pl.col("currency").is_in(["USD", "EUR"])).then(pl.col("amount")),
            high=1e14,
        ),
        Range("amount is below 10,000 trillion", pl.col("amount"), high=1e16),
        # Levels since 2002; millions or billions taken for units lie far outside.
        Range("fed_assets is 0.5 to 20 trillion", _of("fed_assets"), low=5e11, high=2e13),
        Range("tga is 0.1 billion to 5 trillion", _of("tga", "tga_daily"), low=1e8, high=5e12),
        Range("rrp is 0, or 1 million to 5 trillion", _of("rrp").replace(0.0, None), low=1e6, high=5e12),
        Range("ecb_assets is 0.5 to 20 trillion", _of("ecb_assets"), low=5e11, high=2e13),
        Range("boj_assets is 50 to 3,000 trillion", _of("boj_assets"), low=5e13, high=3e15),
        Range("pboc_assets is 2 to 200 trillion", _of("pboc_assets"), low=2e12, high=2e14),
        Range("us_m2 is 0.2 to 60 trillion", _of("us_m2"), low=2e11, high=6e13),
        Range("euro_m2 is 2 to 60 trillion", _of("euro_m2"), low=2e12, high=6e13),
        Range("japan_m2 is 300 to 5,000 trillion", _of("japan_m2"), low=3e14, high=5e15),
        Range("china_m2 is 10 to 2,000 trillion", _of("china_m2"), low=1e13, high=2e15),
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
        "A value of a month is dated with its last day: the stock of that day, or the month's mean (us_m2, japan_m2).",
        "Amounts are in the currency of the statistic, and are converted where they are used.",
        "Where the day of publication is not known a later one is taken: nothing is used before it was public.",
        "effective_rate and the target range are listed for every day by one source, for business days by another.",
        "tga is the Treasury's cash on Wednesdays in the Federal Reserve's books, tga_daily that of each working day.",
        "fed_funds_futures is 100 less the price of the calendar month's future: the mean rate expected of the month.",
    ),
    notes={"series": "Here: the statistic."},
    sparse=True,
)
