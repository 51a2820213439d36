"""Bybit's current borrow rates, as rows of `borrow_rates`."""

from datetime import datetime
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import day_of_reading
from transforms.payload import member, rows
from transforms.units import decimal_text, per_hour_to_apr

LEVEL = "No VIP"


def normalize(payload: Any, *, asset: str, observed_at: datetime) -> pl.DataFrame:
    """Turn the current rate into the row of the day that has just ended.

    `hourlyBorrowRate` is a fraction per hour that customers without a discount pay from now on. The answer states no
    time, so the instant of the reading says which day ended; it is one print, so there is no highest.

    Args:
        payload: The decoded answer; under `result.vipCoinList` a list of coins for each level of customers.
        asset: Bybit's name of the coin, which is ours; an answer about another one is refused.
        observed_at: When the answer came.

    Returns:
        One row of `borrow_rates`: a fraction per year, simple.
    """
    levels = member(member(payload, "result"), "vipCoinList")
    coins = [coin for level in levels if member(level, "vipLevel") == LEVEL for coin in member(level, "list")]
    rates = rows(coins, currency=pl.String, hourlyBorrowRate=pl.String)
    if rates["currency"].to_list() != [asset]:
        raise PayloadChanged(f"expected the rate of {asset} for {LEVEL}, found {rates['currency'].to_list()[:8]}")
    return rates.select(
        date=pl.lit(day_of_reading(observed_at)),
        asset=pl.lit(asset),
        venue=pl.lit("bybit"),
        borrow_apr=per_hour_to_apr(decimal_text(pl.col("hourlyBorrowRate"))),
        borrow_apr_max=pl.lit(None, pl.Float64),
        samples=pl.lit(1, pl.Int64),
        sampling=pl.lit("daily_last"),
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=pl.lit(observed_at, pl.Datetime("us", "UTC")),
    )
