"""Bitfinex's status of a perpetual, as rows of `open_interest`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, brief
from transforms.formats.interest_readings import days_of
from transforms.payload import table
from transforms.units import epoch_to_instant

FIELDS = 23
STAMP, OPEN = 0, 17


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn the readings of a perpetual's last hours into one row for each day.

    A reading is stamped with its instant, and the newest of a day is taken. The eighteenth field counts contracts, each
    of one coin and counted once; their worth in dollars needs a price and stays unknown. In the current status a name
    comes first, and every field stands one place later: rows that are one field longer are refused.

    Args:
        payload: The decoded answer: lists of 23 fields, newest first.
        asset: Our name of the asset.
        symbol: Bitfinex's name of the perpetual; the answer does not say which it is about.

    Returns:
        Rows of `open_interest`: coins; none for a day without a reading in its last hour.
    """
    if not isinstance(payload, list) or not all(isinstance(row, list) and len(row) == FIELDS for row in payload):
        raise PayloadChanged(f"expected lists of {FIELDS} fields, found {brief(payload, 120)}")
    page = table([[row[STAMP], row[OPEN]] for row in payload], stamp=pl.Int64, coins=pl.Float64)
    readings = page.drop_nulls().select(
        "coins", stamped_at=epoch_to_instant(pl.col("stamp")), usd=pl.lit(None, pl.Float64)
    )
    return days_of(readings, asset=asset, venue="bitfinex", contract=symbol)
