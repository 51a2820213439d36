"""Bitfinex's candles of margin funding, as rows of `borrow_rates`."""

from typing import Any

import polars as pl

from transforms.payload import table
from transforms.refused import marks
from transforms.units import day_of, end_of, epoch_to_instant, per_day_to_apr, require_midnights


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one page of daily candles of two-day loans into rows.

    The order of the fields is time, open, close, high, low, volume: close comes before high and low. The stamp is the
    start of the UTC day. A rate is a fraction per day, as borrowers pay it to lenders; lenders keep less, after
    Bitfinex's fee. We take the last loan of the day, and the most expensive as the highest. The number of loans is not
    stated, so `samples` is unknown; the volume is what was lent, in coins, and is left out.

    Args:
        payload: The decoded answer: lists of six numbers.
        asset: The requested asset; the answer does not say.

    Returns:
        Rows of `borrow_rates`: fractions per year, simple.
    """
    candles = table(
        payload,
        time=pl.Int64,
        open=pl.Float64,
        close=pl.Float64,
        high=pl.Float64,
        low=pl.Float64,
        volume=pl.Float64,
    )
    stamped = candles.with_columns(stamped_at=epoch_to_instant(pl.col("time")))
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(stamped, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("bitfinex"),
        borrow_apr=per_day_to_apr(pl.col("close")),
        borrow_apr_max=per_day_to_apr(pl.col("high")),
        samples=pl.lit(None, pl.Int64),
        sampling=pl.lit("daily_last"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
