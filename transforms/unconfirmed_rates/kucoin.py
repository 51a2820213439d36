"""KuCoin's hourly rates of its lending market, as rows of `unconfirmed_rates`."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.rate_prints import days_of_prints
from transforms.payload import member, rows
from transforms.units import decimal_text, minutes_to_instant

AHEAD = timedelta(hours=1)


def normalize(payload: Any, *, asset: str, observed_at: datetime) -> pl.DataFrame:
    """Turn the newest 168 hours into one row per UTC day.

    `time` is text such as 202412092300, always on the full hour. No zone is stated; UTC is believed, and the answer is
    refused when an hour then lies in the future, as one of Hong Kong or Singapore would. `marketInterestRate` is what
    lenders earn, over a period that is not stated: the number is kept as it is. The oldest day is whole only by chance;
    the checks hold back a day with too few hours.

    Args:
        payload: The decoded answer; objects under `data`, in any order. It does not say which coin it is about.
        asset: Our name of the coin.
        observed_at: When the answer came.

    Returns:
        Rows of `unconfirmed_rates`.
    """
    page = rows(member(payload, "data"), time=pl.String, marketInterestRate=pl.String)
    prints = page.select(
        stamped_at=minutes_to_instant(pl.col("time")),
        rate=decimal_text(pl.col("marketInterestRate")),
    )
    future = prints.filter(pl.col("stamped_at") > observed_at + AHEAD)
    if future.height:
        raise PayloadChanged(f"expected hours in UTC, found {future['stamped_at'][0]} at {observed_at}")
    return days_of_prints(prints, asset=asset, venue="kucoin")
