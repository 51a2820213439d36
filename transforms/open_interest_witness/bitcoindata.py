"""bitcoin-data.com's open interest by exchange, as rows of `open_interest_witness`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.payload import column, rows
from transforms.units import day_of, decimal_text, end_of, seconds_to_instant

# The fields of a day that hold an exchange's value; those that we call otherwise.
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

    A row names its day and is stamped with 00:00 UTC of it; whether it tells how that day began or how it ended is not
    said. Values are dollars. An exchange without a value on a day has no row.

    Args:
        payload: The decoded answer: objects, oldest first; numbers come as numbers or as text.

    Returns:
        Rows of `open_interest_witness`, public when their day was over.
    """
    rows(payload, d=pl.String)
    odd = [day for day in payload if not {"unixTs", *VENUES} <= day.keys()]
    if odd:
        raise PayloadChanged(f"expected days with {['unixTs', *VENUES]}, found {sorted(odd[0])}")
    fields = ("d", "unixTs", *VENUES)
    page = pl.DataFrame([column(name, [_text(day[name]) for day in payload], pl.String) for name in fields])
    told = page.select(
        pl.col("d"),
        *(decimal_text(pl.col(theirs)).alias(ours) for theirs, ours in VENUES.items()),
        stamped_at=seconds_to_instant(pl.col("unixTs").cast(pl.Int64, strict=True)),
    ).with_columns(date=pl.col("d").str.to_date("%Y-%m-%d"))
    elsewhere = told.filter(day_of(pl.col("stamped_at")) != pl.col("date"))
    if elsewhere.height:
        raise PayloadChanged(f"expected stamps of the day, found {elsewhere.select('d', 'stamped_at').row(0)}")
    each = told.unpivot(
        list(VENUES.values()), index=["date", "stamped_at"], variable_name="venue", value_name="open_interest_usd"
    )
    return each.drop_nulls("open_interest_usd").with_columns(asset=pl.lit("BTC"), available_at=end_of(pl.col("date")))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else repr(value)
