"""Coinalyze's open interest of a perpetual, as rows of `open_interest`."""

from typing import Any

import polars as pl

from transforms.formats.coinalyze import histories
from transforms.refused import marks
from transforms.units import day_of, end_of


def normalize(payload: Any, *, asset: str, venue: str, contract: str, symbols: str) -> pl.DataFrame:
    """Turn the daily buckets of one perpetual into rows.

    A bucket is stamped with the start of its day and holds the open interest at its beginning (`o`), at most (`h`), at
    least (`l`) and at its end (`c`), in dollars because `convert_to_usd` asks for them. The end is what counts here.
    The coins would need a price that is not stated, and are unknown.

    Args:
        payload: The decoded answer: a list with one object, of the perpetual; none where it has no buckets.
        asset: Our name of the asset.
        venue: Our name of the venue.
        contract: The venue's own name of the perpetual.
        symbols: Coinalyze's name of it.

    Returns:
        Rows of `open_interest`.
    """
    buckets = histories(payload, symbols, o=pl.Float64, h=pl.Float64, l=pl.Float64, c=pl.Float64)
    day, unknown = day_of(pl.col("stamped_at")), pl.lit(None, pl.Float64)
    return buckets.select(
        *marks(buckets),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit(venue),
        contract=pl.lit(contract),
        open_interest_coins=unknown,
        open_interest_usd=pl.col("c"),
        open_interest_usd_high=pl.col("h"),
        open_interest_usd_low=pl.col("l"),
        flush_usd=unknown,
        cadence=pl.lit("daily"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
