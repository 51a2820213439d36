"""Bybit funding payments, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.intervals import with_intervals
from transforms.payload import member, rows
from transforms.units import day_of, decimal_text, epoch_to_instant


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    `fundingRateTimestamp` is when the payment was exchanged, at the rate beside it. Bybit's list of instruments
    tells only the interval of today, which is not that of an older payment where it was changed. So the interval is
    told from the distance of the payments, and the oldest payment of a page is left out; the page after it begins
    with that payment.

    Args:
        payload: The decoded answer: objects under `result.list`, newest first.
        asset: Our name of the asset.
        symbol: Bybit's name of the perpetual; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts.
    """
    listed = member(member(payload, "result"), "list")
    page = rows(listed, symbol=pl.String, fundingRate=pl.String, fundingRateTimestamp=pl.String)
    others = page.filter(pl.col("symbol").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['symbol'][0]}")
    stamp = epoch_to_instant(pl.col("fundingRateTimestamp").cast(pl.Int64, strict=True))
    stamped = page.select(
        stamped_at=stamp,
        settled_at=stamp.dt.round("1h"),
        funding_rate=decimal_text(pl.col("fundingRate")),
    )
    return with_intervals(stamped).select(
        date=day_of(pl.col("settled_at")),
        settled_at=pl.col("settled_at"),
        asset=pl.lit(asset),
        venue=pl.lit("bybit"),
        funding_rate=pl.col("funding_rate"),
        interval_hours=pl.col("interval_hours"),
        stamped_at=pl.col("stamped_at"),
        available_at=pl.col("settled_at"),
    )
