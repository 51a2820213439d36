"""Hyperliquid's funding, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.funding_intervals import refuse_untold, tell_intervals
from transforms.formats.funding_payments import ended_hour, named, of_days, payments
from transforms.payload import rows
from transforms.units import decimal_text, epoch_to_instant


def normalize(payload: Any, *, asset: str, coin: str, first: str = "", last: str = "") -> pl.DataFrame:
    """Turn one window of funding history into payments.

    Hyperliquid pays at full hours, for the time since the payment before: every eight hours up to 8 June 2023 00:00,
    every hour since. It does not state the interval, so it is inferred from the distance between payments. The stamp is
    that of the block, some milliseconds late, so a payment is given its full hour; one was 24 minutes late (23 May
    2023), and hours are really missing (2 July 2023 20:00).

    We read `fundingRate`, which is what was paid for the interval: the documentation counts the hourly one as an
    eighth of a rate over eight hours. `premium` is one of the inputs of the rate, not a payment.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        coin: Hyperliquid's name of the perpetual; an answer about another one is refused.
        first: The first wanted day; the payments before it only serve to infer intervals. Empty: all are wanted.
        last: The last wanted day, in the same way.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts. A payment with an
        unknown interval, such as the very first, is marked and costs its day.
    """
    page = rows(payload, coin=pl.String, fundingRate=pl.String, time=pl.Int64)
    others = page.filter(pl.col("coin").ne_missing(coin))
    if others.height:
        raise PayloadChanged(f"expected payments of {coin}, found {others['coin'][0]}")
    stamped = page.select(stamped_at=epoch_to_instant(pl.col("time")), funding_rate=decimal_text(pl.col("fundingRate")))
    timed = refuse_untold(tell_intervals(named(stamped, ended_hour())))
    return of_days(payments(timed, asset=asset, venue="hyperliquid"), first, last)
