"""Bitfinex candles, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from transforms.payload import table
from transforms.refused import marks
from transforms.units import day_of, end_of, epoch_to_instant, require_midnights


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    The order of the fields is time, open, close, high, low, volume: close comes before high and low. The stamp is the
    start of the UTC day. Bitfinex publishes the quantity traded but no turnover, so `volume_usd` is unknown rather than
    estimated.

    Args:
        payload: The decoded answer: lists of six numbers.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `spot_prices`: prices in USD, quantity in units of the asset.
    """
    candles = table(
        payload,
        time=pl.Int64,
        open=pl.Float64,
        close=pl.Float64,
        high=pl.Float64,
        low=pl.Float64,
        volume=pl.Float64,
    )
    stamped = candles.with_columns(stamped_at=epoch_to_instant(pl.col("time")))
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(stamped, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("bitfinex"),
        quote=pl.lit("USD"),
        open_usd=pl.col("open"),
        high_usd=pl.col("high"),
        low_usd=pl.col("low"),
        close_usd=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_usd=pl.lit(None, pl.Float64),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
