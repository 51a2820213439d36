"""A day's prints of a rate in an unknown unit, as one row of `unconfirmed_rates`, for every provider."""

import polars as pl

from transforms.refused import first_mark, told_once
from transforms.units import day_of, end_of


def days_of_prints(prints: pl.DataFrame, *, asset: str, venue: str) -> pl.DataFrame:
    """Rows of `unconfirmed_rates`.

    Args:
        prints: stamped_at, rate; several a day.
        asset: Our name of the asset.
        venue: Our name of the venue.

    Returns:
        One row per day, public when the day was over; the rates as published. A day with two rates under one stamp is
        marked as refused.
    """
    marked = told_once(prints, "stamped_at", thing="rate for each stamp")
    rate = pl.col("rate")
    return (
        marked.sort("stamped_at")
        .group_by(date=day_of(pl.col("stamped_at")), maintain_order=True)
        .agg(
            *first_mark(marked),
            rate_mean=rate.mean(),
            rate_max=rate.max(),
            rate_last=rate.last(),
            samples=pl.len().cast(pl.Int64),
            stamped_at=pl.col("stamped_at").last(),
        )
        .with_columns(asset=pl.lit(asset), venue=pl.lit(venue), available_at=end_of(pl.col("date")))
    )
