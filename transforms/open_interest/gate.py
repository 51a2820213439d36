"""Gate's hourly statistics of a perpetual, as rows of `open_interest`."""

from typing import Any

import polars as pl

from transforms.formats.interest_readings import days_of
from transforms.payload import NUMBER_OR_TEXT, rows
from transforms.units import seconds_to_instant

HOURS = 24


def normalize(payload: Any, *, asset: str, contract: str) -> pl.DataFrame:
    """Turn whole days of hourly statistics into one row each.

    `open_interest_usd` is the value of the open contracts in the quote currency, USDT, taken at par; it is believed to
    count each contract once, as elsewhere; it comes as a number or as text. `open_interest` counts contracts, whose
    size the answer does not state, and is not read: coins are unknown here. Whether a bar describes its start or its
    end is not stated; the last hour of a day lies within an hour of its end either way.

    Args:
        payload: The decoded answer: a list of objects, oldest first.
        asset: Our name of the asset.
        contract: Gate's name of the perpetual; the answer does not say which it is about.

    Returns:
        Rows of `open_interest`: USD; none for a day without its last hour.
    """
    stats = rows(payload, time=pl.Int64, open_interest_usd=NUMBER_OR_TEXT)
    readings = stats.select(
        stamped_at=seconds_to_instant(pl.col("time")),
        coins=pl.lit(None, pl.Float64),
        usd=pl.col("open_interest_usd"),
    )
    return days_of(readings.drop_nulls("usd"), asset=asset, venue="gate", contract=contract, whole=HOURS)
