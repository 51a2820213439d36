"""Coinalyze's liquidations of a venue's perpetuals, as rows of `liquidations`."""

from typing import Any

import polars as pl

from transforms.formats.coinalyze import histories
from transforms.refused import REFUSED, first_mark, marks
from transforms.units import day_of, end_of


def normalize(payload: Any, *, asset: str, venue: str, symbols: str) -> pl.DataFrame:
    """Turn the daily buckets of a venue's perpetuals into one row per UTC day, their sum.

    A bucket is stamped with the start of its day. `l` are the liquidated longs and `s` the shorts, in dollars because
    `convert_to_usd` asks for them; at which price is not stated. A day that lacks one of the perpetuals is left out:
    the sum of the others would look like a quiet day. A perpetual without a bucket in the window is not in the answer
    at all, and then no day is returned.

    Args:
        payload: The decoded answer: a list with an object for each perpetual that has buckets.
        asset: Our name of the asset.
        venue: Our name of the venue.
        symbols: Coinalyze's names of the perpetuals, with commas between them.

    Returns:
        Rows of `liquidations`; the largest liquidation and the accounts are not published.
    """
    buckets = histories(payload, symbols, l=pl.Float64, s=pl.Float64)
    day = day_of(pl.col("stamped_at"))
    return (
        buckets.drop_nulls(["l", "s"])
        .group_by("stamped_at", maintain_order=True)
        .agg(*first_mark(buckets), told=pl.len(), long_usd=pl.col("l").sum(), short_usd=pl.col("s").sum())
        .filter((pl.col("told") == len(symbols.split(","))) | pl.col(REFUSED).is_not_null())
        .select(
            *marks(buckets),
            date=day,
            asset=pl.lit(asset),
            venue=pl.lit(venue),
            long_usd=pl.col("long_usd"),
            short_usd=pl.col("short_usd"),
            total_usd=pl.col("long_usd") + pl.col("short_usd"),
            largest_usd=pl.lit(None, pl.Float64),
            accounts=pl.lit(None, pl.Int64),
            stamped_at=pl.col("stamped_at"),
            available_at=end_of(day),
        )
    )
