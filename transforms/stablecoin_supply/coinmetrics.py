"""Coin Metrics' supply of one stablecoin, as rows of `stablecoin_supply`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import completed, member, rows
from transforms.refused import marks
from transforms.units import day_of, decimal_text, end_of, require_midnights


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of daily values into rows of the coin's total.

    Coin Metrics stamps a daily metric with the beginning of its day, and `SplyCur` is what is visible on the ledger as
    of that day, up to the point at which the metric is calculated: the state at the day's end. So the row stamped 00:00
    of a day describes that day, not the one before, unlike DefiLlama's. It counts issued coins, including those in the
    issuer's treasury, over the chains that Coin Metrics follows; a single coin has no split by chain, and the row is of
    chain ALL. We take it and not `CapMrktCurUSD`, which would count every move of the price as issuance. A day without
    it is unknown, as if it were null.

    Args:
        payload: The decoded answer: objects under `data`, oldest first, the value as text.
        asset: Our name of the coin.
        symbol: Coin Metrics' name of the coin; an answer about another one is refused.

    Returns:
        Rows of `stablecoin_supply`: supply in coins, supply_usd at one dollar each.
    """
    page = rows(completed(member(payload, "data"), "SplyCur"), asset=pl.String, time=pl.String, SplyCur=pl.String)
    others = page.filter(pl.col("asset").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected the supply of {symbol}, found {others['asset'][0]}")
    # The stamps have nanoseconds that are all zero.
    stamp = pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.replace_time_zone("UTC")
    stamped = require_midnights(page.with_columns(stamped_at=stamp), "stamped_at")
    day = day_of(pl.col("stamped_at"))
    supply = decimal_text(pl.col("SplyCur"))
    return stamped.select(
        *marks(stamped),
        date=day,
        asset=pl.lit(asset),
        chain=pl.lit("ALL"),
        supply=supply,
        supply_usd=supply,
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day).dt.offset_by("7h"),
    )
