"""Kraken's hourly candles, as rows of `hourly_prices`."""

from typing import Any

import polars as pl

from transforms.formats.hourly_candles import hourly_prices
from transforms.spot_prices.kraken import candles


def normalize(payload: Any, *, asset: str, pair: str) -> pl.DataFrame:
    """Turn one page of hourly candles into rows.

    A candle is stamped with its open. `last` is the stamp of the newest finished one; later ones are unfinished and
    left out. An hour without a trade repeats the price before, with a quantity of 0.

    Args:
        payload: The decoded answer: under `result` the pair's lists of eight fields, oldest first, prices as text.
        asset: Our name of the asset.
        pair: One of Kraken's names of the pair; an answer about another one is refused.

    Returns:
        Rows of `hourly_prices`: prices in USD, quantity in units of the asset.
    """
    return hourly_prices(candles(payload, pair), asset=asset, venue="kraken", quote="USD")
