"""Bybit spot candles, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import column, member, table
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, require_midnights


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle is stamped with its open, 00:00 UTC. Nothing marks the newest one as unfinished, but `time` states when the
    answer was made: a candle whose day was not over by then is left out. For a spot market `volume` is in units of the
    asset and `turnover` in the quote currency, USDT; for an inverse contract it would be the other way round, so an
    answer about another category is refused.

    Args:
        payload: The decoded answer: lists of seven texts under `result.list`, newest first.
        asset: Our name of the asset.
        symbol: Bybit's name of the market; an answer about another one is refused.

    Returns:
        Rows of `spot_prices`: prices and turnover in USD (USDT at par), quantity in units of the asset.
    """
    result = member(payload, "result")
    market = (member(result, "category"), member(result, "symbol"))
    if market != ("spot", symbol):
        raise PayloadChanged(f"expected spot candles of {symbol}, found {market}")
    candles = table(
        member(result, "list"),
        start=pl.String,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        volume=pl.String,
        turnover=pl.String,
    )
    made_at = column("time", [member(payload, "time")], pl.Int64).to_frame().select(epoch_to_instant(pl.col("time")))
    stamped = candles.with_columns(stamped_at=epoch_to_instant(pl.col("start").cast(pl.Int64, strict=True)))
    day = day_of(pl.col("stamped_at"))
    finished = require_midnights(stamped, "stamped_at").filter(end_of(day) <= pl.lit(made_at["time"][0]))
    return finished.select(
        *marks(finished),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("bybit"),
        quote=pl.lit("USDT"),
        open_usd=decimal_text(pl.col("open")),
        high_usd=decimal_text(pl.col("high")),
        low_usd=decimal_text(pl.col("low")),
        close_usd=decimal_text(pl.col("close")),
        volume_base=decimal_text(pl.col("volume")),
        volume_usd=decimal_text(pl.col("turnover")),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
