"""Plausible numbers: levels known to within a factor, and steps that only a wrong unit explains.

A level has fixed bounds if history gives them. Otherwise a number is compared with its own series: with the median of
the values before it, in the batch and in what was published before the batch (`Dataset.looks_back`). It is a median, so
that a single wrong value does not hold back the right one after it. A wrong unit is a factor of ten or more. A rule
blocks only if no real history has come near its bound; it warns if something else can explain the step.
"""

import math
from datetime import date

import polars as pl

VALUES = 5


def usual(value: pl.Expr, *by: str, order: str = "date") -> pl.Expr:
    """The median of the five known values before, within the groups; unknown if there is none."""
    return value.shift(1).rolling_median(VALUES, min_samples=1).over(by, order_by=order)


def apart(value: pl.Expr, other: pl.Expr) -> pl.Expr:
    """The factor between two numbers, as a logarithm, whichever is larger."""
    return (value / other).log().abs()


def factor(times: float) -> float:
    """A factor on the scale of `apart`."""
    return math.log(times)


def since(first: date, value: pl.Expr) -> pl.Expr:
    """A value from a day on; unknown before it."""
    return pl.when(pl.col("date") >= first).then(value)


# Since this day neither price has come near the bounds below: the lows of November and June 2022 were 15,500 and 880
# dollars.
DEAR_SINCE = date(2021, 1, 1)
BTC_USD = (10_000.0, 1_000_000.0)
ETH_USD = (500.0, 100_000.0)
