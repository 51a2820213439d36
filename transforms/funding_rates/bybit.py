"""Bybit funding payments, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.funding_intervals import with_intervals
from transforms.formats.funding_payments import named, nearest_hour, payments
from transforms.payload import member, rows
from transforms.units import decimal_text, epoch_to_instant


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    `fundingRateTimestamp` is when the payment was exchanged, at the rate beside it. Bybit's list of instruments states
    only today's interval, which differs from that of older payments where it was changed. So the interval is inferred
    from the distance between payments, and the oldest payment of a page is left out; the next page begins with that
    payment. A payment stamped more than a minute off its hour, or with an unknown interval, costs its day.

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
    stamped = page.select(stamped_at=stamp, funding_rate=decimal_text(pl.col("fundingRate")))
    return payments(with_intervals(named(stamped, nearest_hour())), asset=asset, venue="bybit")
