"""Bithumb's daily candles, as rows of `krw_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import rows
from transforms.refused import marks
from transforms.units import end_of_korean_day, epoch_to_instant, korean_day_of, require_korean_midnights


def candles(payload: Any, market: str) -> pl.DataFrame:
    """Candles of any length of one market.

    Args:
        payload: The decoded answer: objects, newest first.
        market: The requested market; an answer about another one is refused.

    Returns:
        opened_at, stamped_at (the last trade), open, high, low, close, volume (units of the asset), turnover (KRW).
    """
    page = rows(
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
    others = page.filter(pl.col("market").ne_missing(pl.lit(market)))
    if others.height:
        raise PayloadChanged(f"expected candles of {market}, found {others['market'][0]}")
    opened = pl.col("candle_date_time_utc").str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us")
    return page.select(
        opened_at=opened.dt.replace_time_zone("UTC"),
        stamped_at=epoch_to_instant(pl.col("timestamp")),
        open=pl.col("opening_price"),
        high=pl.col("high_price"),
        low=pl.col("low_price"),
        close=pl.col("trade_price"),
        volume=pl.col("candle_acc_trade_volume"),
        turnover=pl.col("candle_acc_trade_price"),
    )


def normalize(payload: Any, *, asset: str, market: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    Bithumb's day starts at 00:00 in Seoul, which is 15:00 UTC of the day before, and the candle states that start in
    both zones; `date` is the day in Seoul. `timestamp` is the day's last trade, kept as the provider's stamp. Turnover
    is `candle_acc_trade_price`, exact and in won.

    Args:
        payload: The decoded answer: objects, newest first.
        asset: Our name of the asset.
        market: Bithumb's name of the requested market; an answer about another one is refused.

    Returns:
        Rows of `krw_prices`: prices and turnover in KRW, quantity in units of the asset.
    """
    day = korean_day_of(pl.col("opened_at"))
    held = require_korean_midnights(candles(payload, market), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("bithumb"),
        open_krw=pl.col("open"),
        high_krw=pl.col("high"),
        low_krw=pl.col("low"),
        close_krw=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_krw=pl.col("turnover"),
        volume_is_estimated=pl.lit(value=False),
        day_boundary=pl.lit("KST"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of_korean_day(day),
    )
