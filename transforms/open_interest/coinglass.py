"""Coinglass' open interest over all exchanges together, as rows of `open_interest`."""

from typing import Any

import polars as pl

from transforms.formats.coinglass import buckets
from transforms.refused import marks
from transforms.units import day_of, end_of


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn the daily buckets into rows of the venue `ALL`, which no total includes.

    A bucket is stamped with the start of its day in milliseconds; `close` is the open interest at its end, in dollars.
    The exchanges are Coinglass' own choice, CME among them, and change over time: this is another provider's total, to
    compare with ours.

    Args:
        payload: The decoded answer.
        asset: Our name of the asset; the answer does not say.

    Returns:
        Rows of `open_interest`.
    """
    daily = buckets(payload, "open", "high", "low", "close")
    day, unknown = day_of(pl.col("stamped_at")), pl.lit(None, pl.Float64)
    return daily.select(
        *marks(daily),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("ALL"),
        contract=pl.lit("ALL"),
        open_interest_coins=unknown,
        open_interest_usd=pl.col("close"),
        open_interest_usd_high=pl.col("high"),
        open_interest_usd_low=pl.col("low"),
        flush_usd=unknown,
        cadence=pl.lit("daily"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
