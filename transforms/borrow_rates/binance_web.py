"""Binance's past margin rates from its web page, as rows of `borrow_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import member, rows, spelled
from transforms.refused import marks
from transforms.units import (
    day_of,
    decimal_text,
    end_of,
    epoch_to_instant,
    per_day_to_apr,
    require_midnights,
)

LEVEL = "0"


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one window of daily rates into rows.

    A row is stamped 00:00 UTC and holds the rate of that day: `dailyInterestRate` is a fraction per day, as text. There
    is one figure a day, so no highest. How Binance forms it within the day is not stated. Stamp and level may be text
    or numbers.

    Args:
        payload: The decoded answer; objects under `data`, newest first.
        asset: Binance's name of the coin, which is ours; an answer about another one, or for customers with a
            discount, is refused.

    Returns:
        Rows of `borrow_rates`: fractions per year, simple.
    """
    listed = member(payload, "data")
    page = rows(listed, asset=pl.String, dailyInterestRate=pl.String).with_columns(
        spelled(name, [member(row, name) for row in listed]) for name in ("timestamp", "vipLevel")
    )
    others = page.filter(pl.col("asset").ne_missing(asset) | pl.col("vipLevel").ne_missing(LEVEL))
    if others.height:
        raise PayloadChanged(f"expected rates of {asset} at level {LEVEL}, found {others.row(0)}")
    stamped = page.with_columns(stamped_at=epoch_to_instant(pl.col("timestamp").cast(pl.Int64, strict=True)))
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(stamped, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("binance"),
        borrow_apr=per_day_to_apr(decimal_text(pl.col("dailyInterestRate"))),
        borrow_apr_max=pl.lit(None, pl.Float64),
        samples=pl.lit(1, pl.Int64),
        sampling=pl.lit("daily_last"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
