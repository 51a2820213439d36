"""BitMEX's funding payments, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.funding_payments import ended_hour, named, payments
from transforms.payload import rows
from transforms.refused import refuse
from transforms.units import iso_to_instant

MINUTES_AN_HOUR = 60
MOST_HOURS = 24


def _with_hours(page: pl.DataFrame) -> pl.DataFrame:
    """Add the interval in whole hours; BitMEX states a length of time as an instant after 2000-01-01."""
    minutes = (iso_to_instant(pl.col("fundingInterval")) - pl.datetime(2000, 1, 1, time_zone="UTC")).dt.total_minutes()
    whole = (minutes % MINUTES_AN_HOUR == 0) & minutes.is_between(MINUTES_AN_HOUR, MOST_HOURS * MINUTES_AN_HOUR)
    stated = pl.col("fundingInterval").fill_null("nothing")
    return refuse(
        page.with_columns(interval_hours=minutes // MINUTES_AN_HOUR),
        ~whole.fill_null(value=False),
        pl.format("expected an interval of whole hours after 2000-01-01, found {}", stated),
    )


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn one page of funding history into payments.

    The stamp is the instant of the payment, at 04:00, 12:00 and 20:00; in the first weeks of 2016 only at 12:00. The
    rate was fixed an interval before it and applies to those hours. The interval is stated: where it became shorter,
    the first payment of eight hours came a day after the last one of 24, and the 16 hours between them are covered by
    nothing. We read `fundingRate`; `fundingRateDaily` is the same times three, or times one where the interval is a
    day.

    Args:
        payload: The decoded answer: objects, oldest first.
        asset: Our name of the asset.
        symbol: BitMEX's name of the perpetual; an answer about another one is refused.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts. A payment that is not
        stamped at its hour, or states no whole hours, is marked and costs its day.
    """
    page = rows(payload, timestamp=pl.String, symbol=pl.String, fundingInterval=pl.String, fundingRate=pl.Float64)
    others = page.filter(pl.col("symbol").ne_missing(symbol))
    if others.height:
        raise PayloadChanged(f"expected payments of {symbol}, found {others['symbol'][0]}")
    stamped = page.with_columns(stamped_at=iso_to_instant(pl.col("timestamp")), funding_rate=pl.col("fundingRate"))
    return payments(_with_hours(named(stamped, ended_hour())), asset=asset, venue="bitmex")
