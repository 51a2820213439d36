"""Binance spot klines of an hour, as rows of `hourly_prices`."""

from typing import Any

import polars as pl

from transforms.hours import hourly_prices
from transforms.spot_prices.binance import archived_klines, candles, rest_klines


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of hourly klines into rows.

    A kline is stamped with its open; a kline that lasts longer or shorter than an hour is refused.

    Args:
        payload: The decoded answer: lists of twelve fields, prices as text.
        asset: Which asset was asked for; the answer does not say.

    Returns:
        Rows of `hourly_prices`: prices in USD (USDT at par), quantity in units of the asset.
    """
    return _hours(rest_klines(payload), asset)


def normalize_archive(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn a month's file of hourly klines into rows; the fields mean what they mean over REST.

    Args:
        payload: The archive's CSV: twelve columns without a header, stamped in milliseconds up to 2024, then in
            microseconds.
        asset: Which asset was asked for; the file does not say.

    Returns:
        Rows of `hourly_prices`.
    """
    return _hours(archived_klines(payload), asset)


def _hours(klines: pl.DataFrame, asset: str) -> pl.DataFrame:
    return hourly_prices(candles(klines, "hour"), asset=asset, venue="binance", quote="USDT")
