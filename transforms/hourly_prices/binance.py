"""Binance hourly spot klines, as rows of `hourly_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.hourly_candles import hourly_prices
from transforms.spot_prices.binance import archived_klines, candles, rest_klines


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of hourly klines into rows.

    A kline is stamped with its open. One that was cut short by an outage is kept. For two days after the outage of
    February 2018 hours began at 28 minutes and 14.789 seconds past: they are not clock hours, and are left out.

    Args:
        payload: The decoded answer: lists of twelve fields, prices as text.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `hourly_prices`: prices in USD (USDT at par), quantity in units of the asset.
    """
    return _hours(rest_klines(payload), asset)


def normalize_archive(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn a month's file of hourly klines into rows; the fields mean what they mean over REST.

    Args:
        payload: The archive's CSV: twelve columns, as a rule without a header, stamped in milliseconds up to 2024,
            then in microseconds.
        asset: The requested asset; the file does not say.

    Returns:
        Rows of `hourly_prices`.
    """
    return _hours(archived_klines(payload), asset)


def _hours(klines: pl.DataFrame, asset: str) -> pl.DataFrame:
    return hourly_prices(_on_the_hour(candles(klines, "hour")), asset=asset, venue="binance", quote="USDT")


def _on_the_hour(hours: pl.DataFrame) -> pl.DataFrame:
    """The candles that open on a full hour; most must, else the hours are those of another clock."""
    whole = hours.filter(pl.col("opened_at") == pl.col("opened_at").dt.truncate("1h"))
    if hours.height and 2 * whole.height <= hours.height:
        odd = hours.join(whole, on="opened_at", how="anti")
        raise PayloadChanged(f"expected hours that start at a full hour, found {odd['opened_at'][0]}")
    return whole
