"""Coinbase Exchange hourly candles, as rows of `hourly_prices`."""

from typing import Any

import polars as pl

from transforms.formats.hourly_candles import hourly_prices
from transforms.spot_prices.coinbase import candles


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of hourly candles into rows.

    A candle is stamped with its open. Low and high come before open and close, newest first; an hour without a trade is
    left out.

    Args:
        payload: The decoded answer: lists of six numbers, newest first.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `hourly_prices`: prices in USD, quantity in units of the asset.
    """
    return hourly_prices(candles(payload), asset=asset, venue="coinbase", quote="USD")
