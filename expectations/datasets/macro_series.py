"""Statistics of central banks and the Treasury."""

from datetime import date

import polars as pl

from expectations.contract import Dataset, Range
from expectations.plausible import apart, factor, since, usual

WORTH_A_STEP = 1e9  # dollars
TWO_POINTS = 0.02

_RATE, _AMOUNT = pl.col("rate_apr"), pl.col("amount")
_USUAL_RATE, _USUAL_AMOUNT = usual(_RATE, "series"), usual(_AMOUNT, "series")
_STOCKS = (
    *("fed_assets", "ecb_assets", "boj_assets", "pboc_assets"),
    *("us_m2", "euro_m2", "japan_m2", "china_m2"),
)


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
        # A dollar and a euro are worth about the same; amounts in yen and yuan have more digits.
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
        # Since 2016 the lowest was 22.9 billion (1 June 2023); in 2002 it was a few billion.
        Range("tga since 2016 is 10 billion or more", since(date(2016, 1, 1), _of("tga", "tga_daily")), low=1e10),
        # The fastest growth of a central bank: the Federal Reserve doubled in eight weeks of autumn 2008.
        Range(
            "assets and money are within a factor of 3 of their last values",
            pl.when(pl.col("series").is_in(_STOCKS)).then(apart(_AMOUNT, _USUAL_AMOUNT)),
            high=factor(3),
        ),
        # The account is drawn down and refilled within weeks, by a factor of ten at most.
        Range(
            "tga is within a factor of 30 of its last values",
            pl.when(pl.col("series").is_in(["tga", "tga_daily"])).then(apart(_AMOUNT, _USUAL_AMOUNT)),
            high=factor(30),
        ),
        # It does not block: at ends of quarters it has gone from a billion to a hundred and back.
        Range(
            "rrp of a billion or more is within a factor of 30 of its last values",
            pl.when((pl.col("series") == "rrp") & (_USUAL_AMOUNT >= WORTH_A_STEP) & (_AMOUNT > 0)).then(
                apart(_AMOUNT, _USUAL_AMOUNT)
            ),
            high=factor(30),
            severity="warning",
        ),
        # The lowest rate was 0.04 percent (2011).
        Range(
            "effective_rate is 0.0003 or more",
            pl.when(pl.col("series") == "effective_rate").then(_RATE),
            low=0.0003,
        ),
        # Catches a hundredth, or a hundredfold. Bills fell from 1.5 percent to 0.03 within a week of September 2008,
        # less than two points: closer to zero only the range is checked.
        Range(
            "a rate that moves by two points is within a factor of 20 of its last values",
            pl.when(((_RATE - _USUAL_RATE).abs() > TWO_POINTS) & (_RATE > 0) & (_USUAL_RATE > 0)).then(
                apart(_RATE, _USUAL_RATE)
            ),
            high=factor(20),
        ),
        # Near zero even percents look like fractions, but they lie too far apart.
        Range(
            "the rates of a day lie within 0.1 of each other",
            (pl.col("rate_apr").max() - pl.col("rate_apr").min()).over("date"),
            high=0.1,
        ),
    ),
    looks_back=160,
    caveats=(
        "Only the newest vintage is held: a value that was revised after its first publication shows the revision.",
        "A monthly value is dated with the month's last day: it is that day's stock, or the mean (us_m2, japan_m2).",
        "Amounts are in the currency of the statistic, and are converted where they are used.",
        "Where the day of publication is not known, a later one is taken: nothing is used before it was public.",
        "effective_rate and the target range are listed for every day by one source, for business days by another.",
        "tga is the Treasury's cash at the Federal Reserve on Wednesdays, tga_daily that of each working day.",
        "fed_funds_futures is 100 minus the price of the calendar month's future: the month's expected mean rate.",
    ),
    notes={"series": "Here: the statistic."},
    sparse=True,
)
