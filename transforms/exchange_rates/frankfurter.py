"""Frankfurter's copy of the ECB reference rates, as rows of `exchange_rates`."""

from datetime import time
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import target_days
from transforms.payload import member, members, numbers

# The ECB fixes at 14:15 and publishes around 16:00 in Frankfurt, 15:00 UTC in winter; we keep the later hour all year.
PUBLISHED = target_days(time(15, 0))


def normalize(payload: Any, *, currency: str) -> pl.DataFrame:
    """Turn a range of fixings into one row per business day.

    Args:
        payload: The decoded answer: `rates` maps a day to a currency to units per dollar.
        currency: The requested currency.

    Returns:
        Rows of `exchange_rates`: units of the currency per US dollar.
    """
    if member(payload, "base") != "USD" or member(payload, "amount") != 1.0:
        raise PayloadChanged(f"expected rates of 1 USD, found {payload['amount']} {payload['base']}")
    fixings = members(payload, "rates")
    days = pl.Series("date", list(fixings), pl.String).str.to_date("%Y-%m-%d")
    rates = numbers("rate", [member(fixing, currency) for fixing in fixings.values()])
    return pl.DataFrame([days, rates]).select(
        date=pl.col("date"),
        currency=pl.lit(currency),
        rate_per_usd=pl.col("rate"),
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=PUBLISHED.available_at(days),
    )
