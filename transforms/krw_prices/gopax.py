"""GOPAX's daily candles, as rows of `krw_prices`."""

from typing import Any

import polars as pl

from transforms.payload import table
from transforms.refused import marks
from transforms.units import day_of, end_of, epoch_to_instant, require_midnights


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle is stamped with its start, in milliseconds; the day starts at 00:00 UTC (09:00 in Seoul). Low and high come
    before open and close. The quantity counts coins. Turnover in won is not reported, so it is estimated as coins times
    the day's last price, and marked as such.

    Args:
        payload: The decoded answer: lists of six numbers, oldest first.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `krw_prices`: prices and estimated turnover in KRW, quantity in units of the asset.
    """
    candles = table(
        payload,
        timestamp=pl.Int64,
        low=pl.Float64,
        high=pl.Float64,
        open=pl.Float64,
        close=pl.Float64,
        volume=pl.Float64,
    )
    stamped = candles.with_columns(stamped_at=epoch_to_instant(pl.col("timestamp")))
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(stamped, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("gopax"),
        open_krw=pl.col("open"),
        high_krw=pl.col("high"),
        low_krw=pl.col("low"),
        close_krw=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_krw=pl.col("volume") * pl.col("close"),
        volume_is_estimated=pl.lit(value=True),
        day_boundary=pl.lit("UTC"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
