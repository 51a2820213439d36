"""Korbit's daily candles, as rows of `krw_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.payload import member, rows
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
        payload: The decoded answer: an object whose `data` holds objects, oldest first, numbers as text.

    Returns:
        opened_at, open, high, low, close, volume (units of the asset).
    """
    success = member(payload, "success")
    if success is not True:
        raise PayloadChanged(f"expected a success from Korbit, found {quoted(success)}")
    page = rows(
        member(payload, "data"),
        timestamp=pl.Int64,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        volume=pl.String,
    )
    return page.select(
        *(decimal_text(pl.col(name)).alias(name) for name in ("open", "high", "low", "close", "volume")),
        opened_at=epoch_to_instant(pl.col("timestamp")),
    )


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle is stamped with its start, in milliseconds. The day starts at 00:00 in Seoul, which is 15:00 UTC of the day
    before, and a candle that starts at another time is refused; `date` is the day in Seoul. `volume` counts coins.
    Turnover in won is not reported, so it is estimated as coins times the day's last price, and marked as such.

    Args:
        payload: The decoded answer: an object whose `data` holds objects, oldest first, numbers as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `krw_prices`: prices and estimated turnover in KRW, quantity in units of the asset.
    """
    day = korean_day_of(pl.col("opened_at"))
    held = require_korean_midnights(candles(payload), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("korbit"),
        open_krw=pl.col("open"),
        high_krw=pl.col("high"),
        low_krw=pl.col("low"),
        close_krw=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_krw=pl.col("volume") * pl.col("close"),
        volume_is_estimated=pl.lit(value=True),
        day_boundary=pl.lit("KST"),
        stamped_at=pl.col("opened_at"),
        available_at=end_of_korean_day(day),
    )
