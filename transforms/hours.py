"""Candles of an hour in the columns of their dataset, whoever traded."""

import polars as pl

from transforms.units import day_of, end_of_hour, require_hours


def hourly_prices(candles: pl.DataFrame, *, asset: str, venue: str, quote: str) -> pl.DataFrame:
    """Rows of `hourly_prices`.

    An hour is named by its start, belongs to the UTC day in which it starts, and is public when it is over.

    Args:
        candles: opened_at (an instant), high, low, close (USD, or USDT at par), volume (units of the asset).
        asset: Our name of the asset.
        venue: Our name of the venue.
        quote: What the prices are quoted in.

    Returns:
        One row per hour.
    """
    return require_hours(candles, "opened_at").select(
        "opened_at",
        date=day_of(pl.col("opened_at")),
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        quote=pl.lit(quote),
        hour_high_usd=pl.col("high"),
        hour_low_usd=pl.col("low"),
        hour_close_usd=pl.col("close"),
        hour_volume_base=pl.col("volume"),
        stamped_at=pl.col("opened_at"),
        available_at=end_of_hour(pl.col("opened_at")),
    )
