"""Kraken's candles, as rows of `spot_prices`."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import column, member, members, table
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, require_midnights, seconds_to_instant

# How Kraken's answers name a pair; which name comes depends on how and when it was requested.
SPELLINGS = (
    ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"),
    ("XETHZUSD", "ETHUSD", "ETH/USD"),
    ("USDTZUSD", "USDTUSD", "USDT/USD"),
)


def name_in(result: Mapping[str, Any], pair: str) -> str:
    """The name of a pair in an answer.

    Args:
        result: The answer's `result`.
        pair: One of the pair's names.

    Raises:
        PayloadChanged: The answer has none of its names, or more than one.
    """
    names = next((names for names in SPELLINGS if pair in names), (pair,))
    present = [name for name in names if name in result]
    if len(present) != 1:
        raise PayloadChanged(f"expected an object with {pair!r}, found {sorted(result)[:8]}")
    return present[0]


def candles(payload: Any, pair: str) -> pl.DataFrame:
    """The finished candles of any length: opened_at, open, high, low, close, vwap, volume (units of the asset)."""
    result = members(payload, "result")
    page = table(
        result[name_in(result, pair)],
        time=pl.Int64,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        vwap=pl.String,
        volume=pl.String,
        trades=pl.Int64,
    )
    last = column("last", [member(result, "last")], pl.Int64)[0]
    return page.filter(pl.col("time") <= last).select(
        *(decimal_text(pl.col(name)).alias(name) for name in ("open", "high", "low", "close", "vwap", "volume")),
        opened_at=seconds_to_instant(pl.col("time")),
    )


def normalize(payload: Any, *, asset: str, pair: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle is stamped with its open, 00:00 UTC. `last` is the stamp of the newest finished candle; later ones are
    unfinished and left out. Kraken does not publish turnover but the mean price weighted by quantity, `vwap`, which is
    the turnover over the quantity: their product is the turnover again, to the digits that `vwap` has (a millionth). It
    is not an estimate from another price.

    Args:
        payload: The decoded answer: under `result` the pair's lists of eight fields, oldest first, prices as text.
        asset: Our name of the asset.
        pair: One of Kraken's names of the pair; an answer about another one is refused.

    Returns:
        Rows of `spot_prices`: prices and turnover in USD, quantity in units of the asset.
    """
    day = day_of(pl.col("opened_at"))
    held = require_midnights(candles(payload, pair), "opened_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("kraken"),
        quote=pl.lit("USD"),
        open_usd=pl.col("open"),
        high_usd=pl.col("high"),
        low_usd=pl.col("low"),
        close_usd=pl.col("close"),
        volume_base=pl.col("volume"),
        volume_usd=pl.col("vwap") * pl.col("volume"),
        stamped_at=pl.col("opened_at"),
        available_at=end_of(day),
    )
