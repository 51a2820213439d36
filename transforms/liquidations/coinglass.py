"""Coinglass' liquidations at one exchange, as rows of `liquidations`."""

from typing import Any

import polars as pl

from transforms.formats.coinglass import buckets
from transforms.refused import marks
from transforms.units import day_of, end_of


def normalize(payload: Any, *, asset: str, venue: str) -> pl.DataFrame:
    """Turn the daily buckets of one exchange into rows.

    A bucket is stamped with the start of its day in milliseconds. "Aggregated" means over the exchanges that were
    requested, here one, and over its contracts; how Coinglass counts where an exchange throttles its feed is not
    stated. The newest bucket is the current day, and is never wanted.

    Args:
        payload: The decoded answer.
        asset: Our name of the asset; the answer does not say.
        venue: Our name of the exchange; the answer does not say.

    Returns:
        Rows of `liquidations`; the largest liquidation and the accounts are not published here.
    """
    daily = buckets(payload, "aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd").rename(
        lambda name: name.removeprefix("aggregated_").replace("_liquidation", "")
    )
    day = day_of(pl.col("stamped_at"))
    return daily.select(
        *marks(daily),
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
