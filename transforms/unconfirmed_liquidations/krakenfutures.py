"""Kraken Futures' volume of liquidations by the day, as rows of `unconfirmed_liquidations`."""

from typing import Any

import polars as pl

from transforms.formats.kraken_analytics import bars
from transforms.payload import NUMBER_OR_TEXT, column
from transforms.refused import marks
from transforms.units import day_of, end_of, require_midnights, seconds_to_instant


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn daily sums into rows.

    A sum is stamped with the start of its day, 00:00 UTC. Kraken calls it the volume of liquidated positions and states
    no unit: its other analytics are in coins, and coins are believed. Long and short are not separated.

    Args:
        payload: The decoded answer: under `result` the stamps, and beside them as many sums, as text or numbers.
        asset: Our name of the asset.
        symbol: Kraken's name of the perpetual; the answer does not say which it is about.

    Returns:
        Rows of `unconfirmed_liquidations`, the sums as they are.
    """
    stamps, sums = bars(payload)
    page = pl.DataFrame([column("stamp", stamps, pl.Int64), column("volume", sums, NUMBER_OR_TEXT)]).with_columns(
        stamped_at=seconds_to_instant(pl.col("stamp"))
    )
    day = day_of(pl.col("stamped_at"))
    held = require_midnights(page, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("krakenfutures"),
        contract=pl.lit(symbol),
        liquidated_volume=pl.col("volume"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
