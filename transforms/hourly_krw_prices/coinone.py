"""Coinone's hourly candles, as rows of `hourly_krw_prices`."""

from typing import Any

import polars as pl

from transforms.formats.hourly_candles import hourly_krw_prices
from transforms.krw_prices.coinone import candles


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of hourly candles into rows.

    A candle is stamped with its start, in milliseconds. `target_volume` counts coins, `quote_volume` is their exact
    value in won.

    Args:
        payload: The decoded answer: an object whose `chart` holds objects, newest first, numbers as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `hourly_krw_prices`: prices and turnover in KRW, quantity in units of the asset.
    """
    hours = candles(payload).with_columns(stamped_at=pl.col("opened_at"))
    return hourly_krw_prices(hours, asset=asset, venue="coinone")
