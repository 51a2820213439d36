"""The ECB's own reference rates, as rows of `exchange_rates`."""

from datetime import time
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import target_days
from transforms.formats.statistics import observations

# Fixed at 14:15 and published around 16:00 in Frankfurt, 15:00 UTC in winter; we keep the later hour all year.
PUBLISHED = target_days(time(15, 0))


def per_euro(payload: Any, currency: str) -> pl.DataFrame:
    """What one euro costs in a currency, day by day: date, rate; unknown where a day is listed without a rate."""
    listed = observations(payload, "FREQ", "CURRENCY").filter(pl.col("FREQ") == "D", pl.col("CURRENCY") == currency)
    return listed.select(date=pl.col("TIME_PERIOD").str.to_date("%Y-%m-%d"), rate=pl.col("value"))


def normalize(payload: Any, *, currency: str) -> pl.DataFrame:
    """Turn quotes per euro into units of a currency per dollar.

    The ECB fixes everything against the euro, so a rate against the dollar is the quotient of two quotes of the same
    day; for the euro itself it is one over the dollar's. A day with only one of the two is listed without a rate.

    Args:
        payload: The CSV as text columns: one line a day and currency, quotes per 1 EUR.
        currency: The requested currency.

    Returns:
        Rows of `exchange_rates`: units of the currency per US dollar.
    """
    dollars = per_euro(payload, "USD").rename({"rate": "dollars"})
    if dollars.is_empty():
        raise PayloadChanged("expected quotes of USD, found none")
    units = dollars.select("date", rate=1.0) if currency == "EUR" else per_euro(payload, currency)
    quotes = units.join(dollars, on="date", how="full", coalesce=True)
    return quotes.select(
        "date",
        currency=pl.lit(currency),
        rate_per_usd=pl.col("rate") / pl.col("dollars"),
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=PUBLISHED.available_at(quotes["date"]),
    )
