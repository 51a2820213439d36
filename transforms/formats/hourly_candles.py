"""Hourly candles in the columns of their dataset, for every venue."""

import polars as pl

from transforms.refused import marks
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
    held = require_hours(candles, "opened_at")
    return held.select(
        *marks(held),
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


def hourly_krw_prices(candles: pl.DataFrame, *, asset: str, venue: str, estimated: bool = False) -> pl.DataFrame:
    """Rows of `hourly_krw_prices`.

    An hour is named by its start and belongs to the UTC day in which it starts, whenever the venue's own days begin.

    Args:
        candles: opened_at and stamped_at (instants), high, low, close (KRW), volume (units of the asset), turnover
            (KRW; not needed where it is estimated).
        asset: Our name of the asset.
        venue: Our name of the venue.
        estimated: Whether turnover is not reported, and is estimated as the quantity times the hour's last price.

    Returns:
        One row per hour.
    """
    turnover = pl.col("volume") * pl.col("close") if estimated else pl.col("turnover")
    held = require_hours(candles, "opened_at")
    return held.select(
        *marks(held),
        "opened_at",
        "stamped_at",
        date=day_of(pl.col("opened_at")),
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        hour_high_krw=pl.col("high"),
        hour_low_krw=pl.col("low"),
        hour_close_krw=pl.col("close"),
        hour_volume_base=pl.col("volume"),
        hour_volume_krw=turnover,
        volume_is_estimated=pl.lit(estimated),
        available_at=end_of_hour(pl.col("opened_at")),
    )
