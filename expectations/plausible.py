"""What a number can be: levels that are known to within a factor, and steps that only a slip of the unit explains.

A level is bounded where history bounds it. Where it does not, a number is held against what its own series has been:
the median of the values before it, of the batch and of what is published before the batch (`Dataset.looks_back`). Of a
median, because a single wrong value must not hold back the right one after it. A slip of the unit is a factor of ten or
more; a rule blocks only where no real history has come near its bound, and warns where something else can explain the
step.
"""

import math
from datetime import date

import polars as pl

VALUES = 5


def usual(value: pl.Expr, *by: str, order: str = "date") -> pl.Expr:
    """The median of the last five known values before, within the groups; unknown where there is none."""
    return value.shift(1).rolling_median(VALUES, min_samples=1).over(by, order_by=order)


def apart(value: pl.Expr, other: pl.Expr) -> pl.Expr:
    """By which factor two numbers lie apart, as a logarithm, whichever is larger."""
    return (value / other).log().abs()


def factor(times: float) -> float:
    """A factor, as `apart` measures it."""
    return math.log(times)


def since(first: date, value: pl.Expr) -> pl.Expr:
    """A value of a day from then on; unknown before."""
    return pl.when(pl.col("date") >= first).then(value)


# From this day on the price of neither has been outside the bounds below, by a wide margin: the lows of November and
# June 2022 were 15,500 and 880 dollars.
DEAR_SINCE = date(2021, 1, 1)
BTC_USD = (10_000.0, 1_000_000.0)
ETH_USD = (500.0, 100_000.0)
