"""Kraken Futures' funding, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.formats.funding_intervals import refuse_untold, tell_intervals
from transforms.formats.funding_payments import ended_hour, named, payments, told_at
from transforms.payload import member, rows
from transforms.refused import refuse
from transforms.units import iso_to_instant

ALMOST_A_DAY = pl.duration(hours=23, minutes=59)
LONG = pl.duration(days=300)  # an answer that spans more begins where the kept year begins


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn the whole history into payments.

    The stamp is "the date and time of the period to which the funding rate applies": the start of an hour, over which
    funding accrues and at whose end it is settled. So the row stamped 23:00 is the payment of the next midnight, and
    belongs to the next day. The length of the period is not stated (it was four hours up to 29 September 2022): the
    distance to the next row gives it. The newest row, that of the current hour, is left out, because its length is
    unknown; so are rows that are not over by the server's own time.

    Kraken keeps about a year, to the hour: of the oldest day listed, only the evening may be left. In an answer that
    spans that much, this day is left out unless it begins with its first payment. A shorter answer that begins within a
    day has lost earlier rows, and costs that day.

    We read `relativeFundingRate`, a fraction of the position's value. `fundingRate` is in dollars per contract.

    Args:
        payload: The decoded answer: `rates`, oldest first, and `serverTime`.
        asset: Our name of the asset; the answer does not say what it is about.

    Returns:
        Rows of `funding_rates`: a fraction per interval; positive means that longs paid shorts. A payment that is not
        stamped at its hour, or whose interval is unknown, is marked and costs its day.
    """
    if member(payload, "result") != "success":
        raise PayloadChanged(f"expected result 'success', found {quoted(payload['result'])}")
    listed = rows(member(payload, "rates"), timestamp=pl.String, relativeFundingRate=pl.Float64)
    stamped = listed.select(stamped_at=iso_to_instant(pl.col("timestamp")), funding_rate=pl.col("relativeFundingRate"))
    timed = refuse_untold(tell_intervals(named(stamped, ended_hour()), begins=True).slice(1))
    # An unknown interval is at least an hour, which is enough to give the day.
    paid = timed.with_columns(
        settled_at=pl.col("settled_at") + pl.duration(hours=pl.col("interval_hours").fill_null(1))
    )
    now = pl.select(iso_to_instant(pl.lit(member(payload, "serverTime"), pl.String))).item()
    oldest, newest = pl.col("settled_at").min(), pl.col("settled_at").max()
    # The first listed midnight: one minute less than a day after the oldest payment, truncated to the day.
    first_midnight = (oldest + ALMOST_A_DAY).dt.truncate("1d")
    kept = paid.filter((newest - oldest <= LONG) | (pl.col("settled_at") >= first_midnight))
    reason = pl.format("expected a history that begins with a day, found its first payment at {}", told_at(oldest))
    over = refuse(kept, pl.col("settled_at") < first_midnight, reason).filter(pl.col("settled_at") <= now)
    return payments(over, asset=asset, venue="krakenfutures")
