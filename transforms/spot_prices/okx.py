"""OKX spot candles, as rows of `spot_prices`."""

from typing import Any

import polars as pl

from transforms.payload import member, table
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, refuse_some, require_midnights

UNFINISHED, FINISHED = "0", "1"


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles into rows.

    A candle of the bar `1Dutc` is stamped with its open, 00:00 UTC; one of the bar `1D` opens at 16:00 and is refused.
    `confirm` states whether the day is over; the candle of the current day is left out. For a spot market `vol` is in
    units of the asset and `volCcyQuote` in the quote currency, USDT: that is the turnover. `volCcy` is the same for
    spot, but the quantity of the base currency for derivatives, so the field whose meaning does not depend on the
    market is taken.

    Args:
        payload: The decoded answer: lists of nine texts under `data`, newest first.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `spot_prices`: prices and turnover in USD (USDT at par), quantity in units of the asset.
    """
    candles = table(
        member(payload, "data"),
        ts=pl.String,
        open=pl.String,
        high=pl.String,
        low=pl.String,
        close=pl.String,
        vol=pl.String,
        vol_ccy=pl.String,
        vol_ccy_quote=pl.String,
        confirm=pl.String,
    )
    stamped = candles.with_columns(stamped_at=epoch_to_instant(pl.col("ts").cast(pl.Int64, strict=True)))
    unclear = ~pl.col("confirm").is_in([UNFINISHED, FINISHED]).fill_null(value=False)
    marked = refuse_some(stamped, unclear, "confirm to be '0' or '1'", "confirm")
    finished = require_midnights(marked, "stamped_at").filter(pl.col("confirm").ne_missing(UNFINISHED))
    day = day_of(pl.col("stamped_at"))
    return finished.select(
        *marks(finished),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("okx"),
        quote=pl.lit("USDT"),
        open_usd=decimal_text(pl.col("open")),
        high_usd=decimal_text(pl.col("high")),
        low_usd=decimal_text(pl.col("low")),
        close_usd=decimal_text(pl.col("close")),
        volume_base=decimal_text(pl.col("vol")),
        volume_usd=decimal_text(pl.col("vol_ccy_quote")),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
