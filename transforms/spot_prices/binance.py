"""Binance spot klines, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import table
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, require_midnights


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily klines into candles.

    A kline is stamped with its open; the value is final when the UTC day is over. Turnover is the
    quote volume (USDT, taken at par), which Binance sums trade by trade: volume times a price is not it.

    Args:
        payload: The decoded answer: lists of twelve fields, prices as text.
        asset: Which asset was asked for; the answer does not say.

    Returns:
        Rows of `spot_prices`: prices and turnover in USD (USDT at par), quantity in units of the asset.
    """
    klines = table(
        payload,
        open_time=pl.Int64,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        volume=pl.String,
        close_time=pl.Int64,
        quote_volume=pl.String,
        trades=pl.Int64,
        taker_base=pl.String,
        taker_quote=pl.String,
        unused=pl.String,
    )
    stamped = klines.with_columns(stamped_at=epoch_to_instant(pl.col("open_time")))
    day = day_of(pl.col("stamped_at"))
    # The last millisecond (or microsecond) of the day: anything else is a candle of another length.
    ends = day_of(epoch_to_instant(pl.col("close_time") + 1))
    others = stamped.filter(ends != day.dt.offset_by("1d"))
    if others.height:
        raise PayloadChanged(f"expected candles that end with their day, found {others.row(0)[:7]}")
    return require_midnights(stamped, "stamped_at").select(
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("binance"),
        quote=pl.lit("USDT"),
        open_usd=decimal_text(pl.col("open")),
        high_usd=decimal_text(pl.col("high")),
        low_usd=decimal_text(pl.col("low")),
        close_usd=decimal_text(pl.col("close")),
        volume_base=decimal_text(pl.col("volume")),
        volume_usd=decimal_text(pl.col("quote_volume")),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
