"""Upbit's daily candles, as rows of `krw_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import rows
from transforms.refused import marks
from transforms.units import day_of, end_of, epoch_to_instant, require_midnights


def normalize(payload: Any, *, asset: str, market: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    Upbit's day starts at 00:00 UTC (09:00 in Seoul), and `candle_date_time_utc` is that start; `timestamp` is the day's
    last trade, kept as the provider's stamp. Turnover is `candle_acc_trade_price`, exact and in won.

    Args:
        payload: The decoded answer: objects, newest first.
        asset: Our name of the asset.
        market: Upbit's name of the requested market; an answer about another one is refused.

    Returns:
        Rows of `krw_prices`: prices and turnover in KRW, quantity in units of the asset.
    """
    candles = rows(
        payload,
        market=pl.String,
        candle_date_time_utc=pl.String,
        opening_price=pl.Float64,
        high_price=pl.Float64,
        low_price=pl.Float64,
        trade_price=pl.Float64,
        timestamp=pl.Int64,
        candle_acc_trade_price=pl.Float64,
        candle_acc_trade_volume=pl.Float64,
    )
    others = candles.filter(pl.col("market") != market)
    if others.height:
        raise PayloadChanged(f"expected candles of {market}, found {others['market'][0]}")
    opened = candles.with_columns(
        opened_at=pl.col("candle_date_time_utc")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us")
        .dt.replace_time_zone("UTC")
    )
    day = day_of(pl.col("opened_at"))
    held = require_midnights(opened, "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("upbit"),
        open_krw=pl.col("opening_price"),
        high_krw=pl.col("high_price"),
        low_krw=pl.col("low_price"),
        close_krw=pl.col("trade_price"),
        volume_base=pl.col("candle_acc_trade_volume"),
        volume_krw=pl.col("candle_acc_trade_price"),
        volume_is_estimated=pl.lit(value=False),
        day_boundary=pl.lit("UTC"),
        stamped_at=epoch_to_instant(pl.col("timestamp")),
        available_at=end_of(day),
    )
