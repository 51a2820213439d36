"""OKX funding payments, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.intervals import with_intervals
from transforms.payload import member, rows
from transforms.units import day_of, decimal_text, epoch_to_instant, unless_empty


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    `fundingTime` is when the payment was exchanged. We take `realizedRate`, which OKX calls the actual rate;
    `fundingRate` beside it is what had been predicted. A row without it is no payment yet. The interval is told from
    the distance of the payments, as OKX advises, so the oldest payment of a page is left out; the page after it begins
    with that payment.

    Args:
        payload: The decoded answer: objects under `data`, newest first.
        asset: Our name of the asset.
        symbol: OKX's name of the swap; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts.
    """
    page = rows(member(payload, "data"), instId=pl.String, fundingTime=pl.String, realizedRate=pl.String)
    others = page.filter(pl.col("instId").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['instId'][0]}")
    stamp = epoch_to_instant(pl.col("fundingTime").cast(pl.Int64, strict=True))
    stamped = page.select(
        stamped_at=stamp,
        settled_at=stamp.dt.round("1h"),
        funding_rate=decimal_text(unless_empty(pl.col("realizedRate"))),
    ).drop_nulls("funding_rate")
    return with_intervals(stamped).select(
        date=day_of(pl.col("settled_at")),
        settled_at=pl.col("settled_at"),
        asset=pl.lit(asset),
        venue=pl.lit("okx"),
        funding_rate=pl.col("funding_rate"),
        interval_hours=pl.col("interval_hours"),
        stamped_at=pl.col("stamped_at"),
        available_at=pl.col("settled_at"),
    )
