"""BitMEX's funding payments, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import rows
from transforms.payments import hour_of, payments
from transforms.units import iso_to_instant

MINUTES_AN_HOUR = 60
MOST_HOURS = 24


def _hours(page: pl.DataFrame) -> pl.Expr:
    """The whole hours that a stamp lies after the year 2000 began, which is how BitMEX tells a length of time."""
    minutes = (iso_to_instant(pl.col("fundingInterval")) - pl.datetime(2000, 1, 1, time_zone="UTC")).dt.total_minutes()
    whole = (minutes % MINUTES_AN_HOUR == 0) & minutes.is_between(MINUTES_AN_HOUR, MOST_HOURS * MINUTES_AN_HOUR)
    odd = page.filter(~whole.fill_null(value=False))
    if odd.height:
        raise PayloadChanged(f"expected an interval of whole hours after 2000-01-01, found {odd['fundingInterval'][0]}")
    return minutes // MINUTES_AN_HOUR


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    The stamp is the instant of the payment, at 04:00, 12:00 and 20:00. The rate was fixed eight hours before it and
    applies to those hours. We read `fundingRate`; `fundingRateDaily` is the same times three.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        symbol: BitMEX's name of the perpetual; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts.
    """
    page = rows(payload, timestamp=pl.String, symbol=pl.String, fundingInterval=pl.String, fundingRate=pl.Float64)
    others = page.filter(pl.col("symbol").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['symbol'][0]}")
    stamped = page.with_columns(stamped_at=iso_to_instant(pl.col("timestamp")))
    return payments(
        stamped.select(
            "stamped_at",
            settled_at=hour_of(stamped, "stamped_at"),
            funding_rate=pl.col("fundingRate"),
            interval_hours=_hours(stamped),
        ),
        asset=asset,
        venue="bitmex",
    )
