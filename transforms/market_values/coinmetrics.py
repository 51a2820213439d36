"""Coin Metrics' market value of one asset, as rows of `market_values`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import completed, member, rows
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, iso_to_instant, require_midnights


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of daily values into one row per day.

    Coin Metrics stamps a daily metric with the beginning of its day. `PriceUSD` is the price at the day's end, that is
    00:00 UTC of the day after; `CapMrktCurUSD` is that price times `SplyCur`, the coins on the ledger at the day's end.
    We take it and not `CapMrktEstUSD`, which relies on what others say about the supply, nor the free float, which
    leaves out coins that have not moved for years. A metric missing from a day is unknown, as if it were null. A day
    with only a price is not yet computed to its end: it is left out, so that it does not count as settled.

    Args:
        payload: The decoded answer: objects under `data`, oldest first, values as text.
        asset: Our name of the asset.
        symbol: Coin Metrics' name of it; an answer about another one is refused.

    Returns:
        Rows of `market_values`: market_cap_usd and price_usd in dollars.
    """
    days = completed(member(payload, "data"), "CapMrktCurUSD", "PriceUSD")
    page = rows(days, asset=pl.String, time=pl.String, CapMrktCurUSD=pl.String, PriceUSD=pl.String)
    others = page.filter(pl.col("asset").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected the market value of {symbol}, found {others['asset'][0]}")
    whole = page.filter(pl.col("CapMrktCurUSD").is_not_null())
    stamped = require_midnights(whole.with_columns(stamped_at=iso_to_instant(pl.col("time"))), "stamped_at")
    day = day_of(pl.col("stamped_at"))
    return stamped.select(
        *marks(stamped),
        date=day,
        asset=pl.lit(asset),
        market_cap_usd=decimal_text(pl.col("CapMrktCurUSD")),
        price_usd=decimal_text(pl.col("PriceUSD")),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day).dt.offset_by("7h"),
    )
