"""Korbit's hourly candles, as rows of `hourly_krw_prices`."""

from typing import Any

import polars as pl

from transforms.formats.hourly_candles import hourly_krw_prices
from transforms.krw_prices.korbit import candles


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of hourly candles into rows.

    A candle is stamped with its start, in milliseconds. Turnover in won is not reported, so it is estimated as coins
    times the hour's last price, which is nearer to it than the day's.

    Args:
        payload: The decoded answer: an object whose `data` holds objects, oldest first, numbers as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `hourly_krw_prices`: prices and estimated turnover in KRW, quantity in units of the asset.
    """
    hours = candles(payload).with_columns(stamped_at=pl.col("opened_at"))
    return hourly_krw_prices(hours, asset=asset, venue="korbit", estimated=True)
