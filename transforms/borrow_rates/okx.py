"""OKX's hourly borrow rates, as rows of `borrow_rates`."""

from datetime import date
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import member, rows
from transforms.refused import first_mark, marks, told_once
from transforms.units import day_of, decimal_text, end_of, epoch_to_instant, refuse_some


def normalize(payload: Any, *, asset: str, first: str, last: str) -> pl.DataFrame:
    """Turn one page of hourly rates into one row per UTC day.

    A rate is stamped with the full hour from which it holds, in UTC. `rate` is what borrowers pay and is already a
    fraction per year, though it is published each hour: it is not multiplied. `lendingRate` beside it is what lenders
    get, and `amt` is no longer filled. A day is the plain mean of its hours 00:00 to 23:00, and its highest hour.

    A page holds whole days only between `first` and `last`; hours of other days are left out. `samples` is the number
    of hours of a day: the checks hold back a mean of fewer than 20.

    Args:
        payload: The decoded answer: objects under `data`, newest first.
        asset: OKX's name of the coin, which is ours; an answer about another one is refused.
        first: The first day that the page was asked to hold whole.
        last: The last one.

    Returns:
        Rows of `borrow_rates`: fractions per year, simple; stamped with the last hour of the day.
    """
    page = rows(member(payload, "data"), ccy=pl.String, rate=pl.String, ts=pl.String)
    others = page.filter(pl.col("ccy").ne_missing(asset))
    if others.height:
        raise PayloadChanged(f"expected rates of {asset}, found {others['ccy'][0]}")
    hour = pl.col("hour")
    hours = page.select(
        hour=epoch_to_instant(pl.col("ts").cast(pl.Int64, strict=True)),
        rate=decimal_text(pl.col("rate")),
    )
    prints = refuse_some(
        told_once(hours, "hour", thing="rate for an hour"),
        hour != hour.dt.truncate("1h"),
        "a rate for each full hour",
        "hour",
    )
    wanted = day_of(hour).is_between(date.fromisoformat(first), date.fromisoformat(last))
    days = (
        prints.filter(wanted)
        .sort("hour")
        .group_by(date=day_of(hour), maintain_order=True)
        .agg(
            *first_mark(prints),
            borrow_apr=pl.col("rate").mean(),
            borrow_apr_max=pl.col("rate").max(),
            samples=pl.col("rate").count(),
            stamped_at=hour.max(),
        )
    )
    return days.select(
        *marks(days),
        date=pl.col("date"),
        asset=pl.lit(asset),
        venue=pl.lit("okx"),
        borrow_apr=pl.col("borrow_apr"),
        borrow_apr_max=pl.col("borrow_apr_max"),
        samples=pl.col("samples"),
        sampling=pl.lit("hourly_mean"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(pl.col("date")),
    )
