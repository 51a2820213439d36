"""Coinbase Exchange candles, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from transforms.payload import table
from transforms.refused import marks
from transforms.units import day_of, end_of, require_midnights, seconds_to_instant


def candles(payload: Any) -> pl.DataFrame:
    """Candles of any length: opened_at, open, high, low, close, volume (units of the asset)."""
    buckets = table(
        payload,
        time=pl.Int64,
        low=pl.Float64,
        high=pl.Float64,
        open=pl.Float64,
        close=pl.Float64,
        volume=pl.Float64,
    )
    return buckets.select("open", "high", "low", "close", "volume", opened_at=seconds_to_instant(pl.col("time")))


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    The order of the fields is time, low, high, open, close, volume: low and high come first. Coinbase
    publishes the quantity traded but no turnover, so `volume_usd` is unknown rather than estimated.

    Args:
        payload: The decoded answer: lists of six numbers, newest first.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `spot_prices`: prices in USD, quantity in units of the asset.
    """
    day = day_of(pl.col("opened_at"))
    held = require_midnights(candles(payload), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("coinbase"),
        quote=pl.lit("USD"),
        open_usd=pl.col("open"),
        high_usd=pl.col("high"),
        low_usd=pl.col("low"),
        close_usd=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_usd=pl.lit(None, pl.Float64),
        stamped_at=pl.col("opened_at"),
        available_at=end_of(day),
    )
