"""Binance funding payments, from its REST answers and from its monthly archive, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.funding_intervals import tell_intervals
from transforms.formats.funding_payments import nearest_hour, of_days, payments, told_at
from transforms.payload import rows, text_columns
from transforms.refused import refuse
from transforms.units import decimal_text, epoch_to_instant


def normalize(
    payload: Any, *, asset: str, symbol: str, interval_hours: str, first: str = "", last: str = ""
) -> pl.DataFrame:
    """Turn one window of REST funding history into payments.

    The answer does not state the interval, and Binance's list of adjusted symbols states only today's. So the interval
    is inferred from the distance between payments. The list's value counts where they give none and do not contradict
    it: for the very first payment, and where the interval has just changed to it. Binance's stamps are a few
    milliseconds late.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        symbol: Binance's name of the perpetual; an answer about another one is refused.
        interval_hours: Hours between two payments, as listed when the window was requested.
        first: The first wanted day; the payments before it only serve to infer intervals. Empty: all are wanted.
        last: The last wanted day, in the same way.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts. A payment whose
        distance gives no interval, and is not the one of the list, is marked and costs its day.
    """
    page = rows(payload, symbol=pl.String, fundingTime=pl.Int64, fundingRate=pl.String)
    others = page.filter(pl.col("symbol") != symbol)
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['symbol'][0]}")
    stamped = page.select(
        stamped_at=epoch_to_instant(pl.col("fundingTime")), funding_rate=decimal_text(pl.col("fundingRate"))
    )
    listed = int(interval_hours)
    timed = tell_intervals(stamped.with_columns(settled_at=nearest_hour()))
    # The first payment has no distance; it is taken to be as long as the next one, if the list agrees.
    distance = pl.col("settled_at").diff().dt.total_hours()
    nearest = pl.coalesce(distance, pl.col("interval_hours").shift(-1))
    reason = pl.format(
        "expected payments whose distances tell their intervals, or {} hours apart, found one at {}",
        pl.lit(listed),
        told_at(pl.col("settled_at")),
    )
    known = refuse(timed, pl.col("interval_hours").is_null() & (nearest != listed), reason)
    known = known.with_columns(pl.col("interval_hours").fill_null(listed))
    return of_days(payments(known, asset=asset, venue="binance"), first, last)


def normalize_archive(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one monthly archive file into payments.

    Each row states its own interval, which the checks compare with the distance between payments.

    Args:
        payload: The CSV of the zip file, as text columns.
        asset: Our name of the asset.

    Returns:
        Rows of `funding_rates`, as `normalize` returns them.
    """
    lines = text_columns(payload, "calc_time", "funding_interval_hours", "last_funding_rate")
    stamped = lines.select(
        stamped_at=epoch_to_instant(pl.col("calc_time").cast(pl.Int64, strict=True)),
        funding_rate=decimal_text(pl.col("last_funding_rate")),
        interval_hours=pl.col("funding_interval_hours").cast(pl.Int64, strict=True),
    )
    return payments(stamped.with_columns(settled_at=nearest_hour()), asset=asset, venue="binance")
