"""Coinglass' borrow rates of exchanges, as rows of `unconfirmed_rates`."""

from typing import Any

import polars as pl

from transforms.formats.coinglass import buckets
from transforms.refused import marks
from transforms.units import day_of, end_of, seconds_to_instant


def normalize(payload: Any, *, asset: str, venue: str) -> pl.DataFrame:
    """Turn daily buckets into rows.

    A bucket is stamped with the start of its day, in seconds. `interest_rate` has no stated unit, and nothing says
    whether a day's figure is its mean or its last: it is kept as both, as it is.

    Args:
        payload: The decoded answer.
        asset: Our name of the coin; the answer does not say.
        venue: Our name of the exchange; the answer does not say.

    Returns:
        Rows of `unconfirmed_rates`.
    """
    daily = buckets(payload, "interest_rate", to_instant=seconds_to_instant)
    day = day_of(pl.col("stamped_at"))
    return daily.select(
        *marks(daily),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        rate_mean=pl.col("interest_rate"),
        rate_max=pl.lit(None, pl.Float64),
        rate_last=pl.col("interest_rate"),
        samples=pl.lit(None, pl.Int64),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
