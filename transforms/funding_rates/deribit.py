"""Deribit's hourly funding, as rows of `funding_rates`."""

from typing import Any

import polars as pl

from transforms.formats.funding_payments import ended_hour, named, payments
from transforms.payload import member, rows
from transforms.units import epoch_to_instant

EVERY_HOUR = 1


def normalize(payload: Any, *, asset: str) -> pl.DataFrame:
    """Turn one window of funding history into one payment per hour.

    Deribit settles every second; a row holds the total of one hour. It is stamped at the end of the hour: its index
    price is the next row's previous one, and a window that starts at 00:00 begins with the row of 01:00. So the stamp
    is when the payment was complete, and the row of 00:00 belongs to the day that begins then.

    We read `interest_1h`, whose name states its interval: a row covers one hour, however far the next one is, and an
    hour without a row is covered by nothing. `interest_8h` is the total of the last eight hours, repeated every hour:
    eight rows of it count each hour eight times.

    Args:
        payload: The decoded answer of JSON-RPC: `result` holds the rows, oldest first.
        asset: Our name of the asset; the answer does not say what it is about.

    Returns:
        Rows of `funding_rates`: a fraction per hour; positive means that longs paid shorts.
    """
    page = rows(member(payload, "result"), timestamp=pl.Int64, interest_1h=pl.Float64)
    stamped = page.select(
        stamped_at=epoch_to_instant(pl.col("timestamp")),
        funding_rate=pl.col("interest_1h"),
        interval_hours=pl.lit(EVERY_HOUR),
    )
    return payments(named(stamped, ended_hour()), asset=asset, venue="deribit")
