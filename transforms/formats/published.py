"""Published values of statistics, as rows of `macro_series`, for every provider."""

import polars as pl

from transforms.refused import marks

_NOBODY_STAMPED = pl.lit(None, pl.Datetime("us", "UTC"))
_UNKNOWN = pl.lit(None, pl.Float64)


def amounts(values: pl.DataFrame, *, series: str, available_at: pl.Expr | pl.Series) -> pl.DataFrame:
    """Rows of an amount of dollars.

    Args:
        values: date, amount (USD; unknown where the day is listed without a value); `refused` where it is marked.
        series: Our name of the statistic.
        available_at: When the value of a day is public.
    """
    return values.select(
        "date",
        "amount",
        *marks(values),
        series=pl.lit(series),
        currency=pl.lit("USD"),
        rate_apr=_UNKNOWN,
        stamped_at=_NOBODY_STAMPED,
        available_at=available_at,
    )


def rates(values: pl.DataFrame, *, series: str, available_at: pl.Expr | pl.Series) -> pl.DataFrame:
    """Rows of an interest rate.

    Args:
        values: date, rate_apr (fraction per year; unknown where the day is listed without a value); `refused` where it
            is marked.
        series: Our name of the statistic.
        available_at: When the value of a day is public.
    """
    return values.select(
        "date",
        "rate_apr",
        *marks(values),
        series=pl.lit(series),
        currency=pl.lit(None, pl.String),
        amount=_UNKNOWN,
        stamped_at=_NOBODY_STAMPED,
        available_at=available_at,
    )
