"""bitcoin-data.com's open interest by exchange, as rows of `open_interest_witness`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import NUMBER_OR_TEXT, column, rows
from transforms.refused import REFUSED
from transforms.units import day_of, end_of, refuse_some, seconds_to_instant

# The fields of a day that hold an exchange's value; below, our own name where it differs.
FIELDS = "binance bybit okx bitget deribit bitmex huobi bitfinex gateIo kucoin kraken cryptoCom dydx deltaExchange"
OURS = {
    "huobi": "htx",
    "gateIo": "gate",
    "kraken": "krakenfutures",
    "cryptoCom": "cryptocom",
    "deltaExchange": "delta",
}
VENUES = {field: OURS.get(field, field) for field in FIELDS.split()}


def normalize(payload: Any) -> pl.DataFrame:
    """Turn the whole history into one row for each day and exchange.

    A row states its day and is stamped with 00:00 UTC of it; whether it describes the beginning or the end of that day
    is not stated. Values are dollars. A day holds the fields of the exchanges reported for it, which differ from day to
    day. A missing value is left out, or null, empty or "NaN"; and 0 is no value either, because open interest at these
    exchanges is never 0. An exchange without a value on a day has no row.

    Args:
        payload: The decoded answer: objects, oldest first; numbers come as numbers or as text.

    Returns:
        Rows of `open_interest_witness`, public when their day was over.
    """
    page = rows(payload, d=pl.String, unixTs=NUMBER_OR_TEXT)
    if payload and not any(field in day for day in payload for field in VENUES):
        raise PayloadChanged(f"expected days with some of {[*VENUES]}, found {sorted(payload[0])}")
    values = [column(ours, [day.get(field) for day in payload], NUMBER_OR_TEXT) for field, ours in VENUES.items()]
    days = page.with_columns(values).with_columns(
        pl.when(pl.col(ours).is_not_nan() & (pl.col(ours) != 0)).then(pl.col(ours)) for ours in VENUES.values()
    )
    days = days.with_columns(
        date=pl.col("d").str.to_date("%Y-%m-%d"),
        stamped_at=seconds_to_instant(pl.col("unixTs").cast(pl.Int64, strict=True)),
    )
    days = refuse_some(days, day_of(pl.col("stamped_at")) != pl.col("date"), "stamps of the day", "stamped_at")
    index = ["date", "stamped_at", *([REFUSED] if REFUSED in days.columns else [])]
    by_venue = days.unpivot(list(VENUES.values()), index=index, variable_name="venue", value_name="open_interest_usd")
    return by_venue.drop_nulls("open_interest_usd").with_columns(
        asset=pl.lit("BTC"), available_at=end_of(pl.col("date"))
    )
