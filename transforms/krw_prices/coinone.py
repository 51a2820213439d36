"""Coinone's daily candles, as rows of `krw_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.payload import member, rows, with_numbers
from transforms.refused import marks
from transforms.units import (
    decimal_text,
    end_of_korean_day,
    epoch_to_instant,
    korean_day_of,
    require_korean_midnights,
)


def candles(payload: Any) -> pl.DataFrame:
    """Candles of any length, stamped with their start.

    Args:
        payload: The decoded answer: an object whose `chart` holds objects, newest first, numbers as text, the stamp as
            a number or as text.

    Returns:
        opened_at, open, high, low, close, volume (units of the asset), turnover (KRW).
    """
    result = member(payload, "result")
    if result != "success":
        raise PayloadChanged(f"expected a success from Coinone, found {quoted(result)}")
    chart = rows(
        with_numbers(member(payload, "chart"), "timestamp"),
        timestamp=pl.Int64,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        target_volume=pl.String,
        quote_volume=pl.String,
    )
    return chart.select(
        *(decimal_text(pl.col(name)).alias(name) for name in ("open", "high", "low", "close")),
        opened_at=epoch_to_instant(pl.col("timestamp")),
        volume=decimal_text(pl.col("target_volume")),
        turnover=decimal_text(pl.col("quote_volume")),
    )


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle is stamped with its start, in milliseconds. The day starts at 00:00 in Seoul, which is 15:00 UTC of the day
    before, and a candle that starts at another time is refused; `date` is the day in Seoul. `target_volume` counts
    coins, `quote_volume` is their exact value in won.

    Args:
        payload: The decoded answer: an object whose `chart` holds objects, newest first, numbers as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `krw_prices`: prices and turnover in KRW, quantity in units of the asset.
    """
    day = korean_day_of(pl.col("opened_at"))
    held = require_korean_midnights(candles(payload), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("coinone"),
        open_krw=pl.col("open"),
        high_krw=pl.col("high"),
        low_krw=pl.col("low"),
        close_krw=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_krw=pl.col("turnover"),
        volume_is_estimated=pl.lit(value=False),
        day_boundary=pl.lit("KST"),
        stamped_at=pl.col("opened_at"),
        available_at=end_of_korean_day(day),
    )
