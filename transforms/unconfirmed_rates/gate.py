"""Gate's hourly loan rates in unified accounts, as rows of `unconfirmed_rates`."""

from datetime import date
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.rate_prints import days_of_prints
from transforms.payload import member, rows
from transforms.units import day_of, decimal_text, epoch_to_instant


def normalize(payload: Any, *, asset: str, first: str, last: str) -> pl.DataFrame:
    """Turn one page of rates into one row per UTC day.

    A rate is stamped in milliseconds, once an hour but not on the full hour. Gate calls it "the historical interest
    rate for this hour" and states no unit: its own example would be 90 % a year if it were per hour, and 4 % if it were
    per day. The number is kept as it is. `tier_up_rate` is what customers of a level pay for each unit; we ask for
    level 1 and leave it out.

    A page holds whole days only between `first` and `last`; hours of other days are left out.

    Args:
        payload: The decoded answer; objects under `rates`, newest first.
        asset: Gate's name of the coin, which is ours; an answer about another one is refused.
        first: The first day that the page was asked to hold whole.
        last: The last one.

    Returns:
        Rows of `unconfirmed_rates`.
    """
    if member(payload, "currency") != asset:
        raise PayloadChanged(f"expected rates of {asset}, found {member(payload, 'currency')}")
    page = rows(member(payload, "rates"), time=pl.Int64, rate=pl.String)
    prints = page.select(stamped_at=epoch_to_instant(pl.col("time")), rate=decimal_text(pl.col("rate")))
    wanted = day_of(pl.col("stamped_at")).is_between(date.fromisoformat(first), date.fromisoformat(last))
    return days_of_prints(prints.filter(wanted), asset=asset, venue="gate")
