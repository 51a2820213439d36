"""Bithumb's hourly candles, as rows of `hourly_krw_prices`."""

from typing import Any

import polars as pl

from transforms.formats.hourly_candles import hourly_krw_prices
from transforms.krw_prices.bithumb import candles


def normalize(payload: Any, *, asset: str, market: str) -> pl.DataFrame:
    """Turn one page of hourly candles into rows.

    A candle states its start in UTC and in Seoul time; the one in UTC is read. `timestamp` is the hour's last trade,
    kept as the provider's stamp. Turnover is `candle_acc_trade_price`, exact and in won.

    Args:
        payload: The decoded answer: objects, newest first.
        asset: Our name of the asset.
        market: Bithumb's name of the requested market; an answer about another one is refused.

    Returns:
        Rows of `hourly_krw_prices`: prices and turnover in KRW, quantity in units of the asset.
    """
    return hourly_krw_prices(candles(payload, market), asset=asset, venue="bithumb")
