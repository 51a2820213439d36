"""OKX open interest, as rows of `open_interest`."""

from typing import Any

import polars as pl

from transforms.formats.interest_readings import days_of
from transforms.payload import member, table
from transforms.units import decimal_text, epoch_to_instant

HOURS = 24


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn whole days of hourly readings into one row each.

    A row holds contracts, coins and dollars, each contract counted once; the contract size differs from swap to swap,
    so coins and dollars are taken. Whether a row describes the beginning or the end of its bar is unclear: some readers
    say one, a recorded answer says the other, as its daily rows are priced as of their beginning. So hourly rows are
    read, of which the last lies within an hour of the day's end whatever the stamp means; besides, the daily bar (`1D`)
    begins at 16:00 UTC.

    Args:
        payload: The decoded answer: lists of four texts under `data`, newest first.
        asset: Our name of the asset.
        symbol: OKX's name of the requested swap; the answer does not say.

    Returns:
        Rows of `open_interest`: coins, USD. Only days that were over are requested.
    """
    page = table(member(payload, "data"), ts=pl.String, oi=pl.String, oi_ccy=pl.String, oi_usd=pl.String)
    readings = page.select(
        stamped_at=epoch_to_instant(pl.col("ts").cast(pl.Int64, strict=True)),
        coins=decimal_text(pl.col("oi_ccy")),
        usd=decimal_text(pl.col("oi_usd")),
    )
    return days_of(readings.drop_nulls(), asset=asset, venue="okx", contract=symbol, whole=HOURS)
