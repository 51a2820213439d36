"""Yahoo's charts of futures, as rows of `macro_series`."""

from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, brief
from expectations.releases import market_days
from transforms.formats.published import rates
from transforms.payload import column, member, members
from transforms.refused import marks, refuse
from transforms.units import percent_to_fraction, seconds_to_instant

# The session ends at 17:00 in New York, 22:00 UTC in winter; its bar is taken to be whole when the UTC day is over.
SESSIONS = market_days(timedelta(days=1, minutes=15))

ZONE = "America/New_York"
SESSION_END = time(17, 0)  # in New York; the next session begins an hour later
PAR = 100.0
TICK_DIGITS = 4  # a price moves by 0.0025


def normalize(payload: Any) -> pl.DataFrame:
    """Turn the daily bars of the front fed funds future into one row per trading day.

    A bar is stamped with midnight in New York, the beginning of its day, or on some half days with the morning: only
    its day in New York is read. The last one may be the current session, which begins on the evening before, and is
    then stamped with its last trade, as `regularMarketTime` is too: it is left out. Any other bar stamped after the
    session's end, and two bars of one day that differ, cost their day.

    The price is 100 less a rate in percent a year, so the rate is 100 less the price: the mean effective rate that the
    market expects for the calendar month. The front contract is that of the current month up to its last trading day.
    The close is the last trade, which lies within a tick of the settlement; a day without one is listed without a
    value.

    Args:
        payload: The decoded answer.

    Returns:
        Rows of `macro_series` for `fed_funds_futures`, as fractions per year.
    """
    results = member(members(payload, "chart"), "result")
    if not isinstance(results, list) or len(results) != 1:
        raise PayloadChanged(f"expected one chart, found {brief(results, 80)}")
    (chart,) = results
    about = members(chart, "meta")
    if member(about, "exchangeTimezoneName") != ZONE or member(about, "dataGranularity") != "1d":
        raise PayloadChanged(f"expected daily bars in the time of {ZONE}, found {brief(about, 120)}")
    # A window without a session has no stamps at all.
    stamps = chart.get("timestamp", [])
    (quote,) = member(members(chart, "indicators"), "quote")
    closes = member(quote, "close") if stamps else []
    bars = pl.DataFrame([column("stamp", stamps, pl.Int64), column("close", closes, pl.Float64)])
    local = seconds_to_instant(pl.col("stamp")).dt.convert_time_zone(ZONE)
    days = bars.with_columns(local=local, date=local.dt.date(), on_time=local == local.dt.truncate("1d"))
    if days.height and not days["on_time"][-1] and about.get("regularMarketTime", stamps[-1]) == stamps[-1]:
        days = days.head(-1)
    # Sent as 95.41999816894531 where 95.42 was traded.
    price = pl.col("close").round(TICK_DIGITS)
    marked = refuse(
        refuse(
            days,
            local.dt.time() >= SESSION_END,
            pl.format("expected bars of a day in New York, stamped before 17:00, found {}", "local"),
        ),
        price.n_unique().over("date") > 1,
        pl.format("expected one bar of {}, found several that differ", "date"),
    )
    values = marked.select("date", *marks(marked), rate_apr=percent_to_fraction(PAR - price))
    return rates(values, series="fed_funds_futures", available_at=SESSIONS.available_at(values["date"]))
