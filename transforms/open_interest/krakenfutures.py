"""Kraken Futures' open interest by the day, as rows of `open_interest`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, brief
from transforms.formats.kraken_analytics import bars
from transforms.payload import NUMBER_OR_TEXT, column
from transforms.refused import marks
from transforms.units import day_of, end_of, require_midnights, seconds_to_instant

BAR = ("open", "high", "low", "close")


def normalize(payload: Any, *, asset: str, symbol: str) -> pl.DataFrame:
    """Turn bars of whole days into rows.

    A bar is stamped with the start of its day, 00:00 UTC; its close, the last of four, is the end of the day. It is
    believed to count coins, one per contract; a figure in dollars would lie far beyond what the checks allow. The worth
    of the coins is not stated.

    Args:
        payload: The decoded answer: under `result` the stamps, and beside them as many bars of four numbers, as text.
        asset: Our name of the asset.
        symbol: Kraken's name of the perpetual; the answer does not say which it is about.

    Returns:
        Rows of `open_interest`: coins; the day's high and low in dollars are unknown.
    """
    stamps, entries = bars(payload)
    odd = [bar for bar in entries if not isinstance(bar, list) or len(bar) != len(BAR)]
    if odd:
        raise PayloadChanged(f"expected bars of {BAR}, found {brief(odd[0], 80)}")
    closes = column("close", [bar[-1] for bar in entries], NUMBER_OR_TEXT)
    page = pl.DataFrame([column("stamp", stamps, pl.Int64), closes]).with_columns(
        stamped_at=seconds_to_instant(pl.col("stamp"))
    )
    day, unknown = day_of(pl.col("stamped_at")), pl.lit(None, pl.Float64)
    held = require_midnights(page, "stamped_at")
    return held.select(
        *marks(held),
        date=day,
        asset=pl.lit(asset),
        venue=pl.lit("krakenfutures"),
        contract=pl.lit(symbol),
        open_interest_coins=pl.col("close"),
        open_interest_usd=unknown,
        open_interest_usd_high=unknown,
        open_interest_usd_low=unknown,
        flush_usd=unknown,
        cadence=pl.lit("daily"),
        stamped_at=pl.col("stamped_at"),
        available_at=end_of(day),
    )
