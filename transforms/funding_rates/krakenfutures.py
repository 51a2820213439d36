"""Kraken Futures' hourly funding, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.payload import member, rows
from transforms.payments import hour_of, payments
from transforms.units import iso_to_instant

EVERY_HOUR = 1
ALMOST_A_DAY = pl.duration(hours=23, minutes=59)
LONG = pl.duration(days=300)  # an answer that spans more begins where the year that is kept does


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn the whole history into one payment per hour.

    The stamp is "the date and time of the period to which the funding rate applies": the start of an hour, over which
    funding accrues and at whose end it is settled. So the row stamped 23:00 is the payment of the next midnight, and
    belongs to the next day. The running hour is listed with its rate; it is left out, by the server's own time.

    Kraken keeps about a year, to the hour: of the oldest day listed, only the evening may be left. In an answer that
    spans so much, that day is left out unless it begins with its first payment. A short answer is kept as it is: of a
    day that it holds in part, the hours do not add up to 24, and the checks hold it back.

    We read `relativeFundingRate`, a fraction of the position's value. `fundingRate` is in dollars per contract.

    Args:
        payload: The decoded answer: `rates`, oldest first, and `serverTime`.
        asset: Our name of the asset; the answer does not say what it is about.

    Returns:
        Rows of `funding_rates`: a fraction per hour; positive means that longs paid shorts.
    """
    if member(payload, "result") != "success":
        raise PayloadChanged(f"expected result 'success', found {quoted(payload['result'])}")
    listed = rows(member(payload, "rates"), timestamp=pl.String, relativeFundingRate=pl.Float64)
    stamped = listed.select(
        stamped_at=iso_to_instant(pl.col("timestamp")),
        funding_rate=pl.col("relativeFundingRate"),
        interval_hours=pl.lit(EVERY_HOUR),
    )
    paid = stamped.with_columns(settled_at=hour_of(stamped, "stamped_at").dt.offset_by("1h"))
    now = pl.select(iso_to_instant(pl.lit(member(payload, "serverTime"), pl.String))).item()
    oldest, newest = pl.col("settled_at").min(), pl.col("settled_at").max()
    # The first midnight that is listed: one minute less than a day after the oldest payment, cut to the day.
    first_midnight = (oldest + ALMOST_A_DAY).dt.truncate("1d")
    whole_from = pl.when(newest - oldest > LONG).then(first_midnight).otherwise(oldest)
    over = paid.filter(pl.col("settled_at") <= now, pl.col("settled_at") >= whole_from)
    return payments(over, asset=asset, venue="krakenfutures")
