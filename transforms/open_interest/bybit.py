"""Bybit open interest, as rows of `open_interest`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from transforms.formats.interest_readings import days_of
from transforms.payload import column, member, rows
from transforms.refused import marks, refuse
from transforms.units import both_sides_to_one, decimal_text, end_of, epoch_to_instant, unless_empty

HOURS = 24
ROUNDING = 0.001  # as a fraction; one side is rounded to what can be traded


def normalize(payload: Any, *, asset: str, symbol: str, category: str) -> pl.DataFrame:
    """Turn whole days of hourly readings into one row each.

    `openInterest` counts a contract twice, once for each side; newer rows also state one side as `singleOpenInterest`,
    or leave it empty, and where both are there, one must be twice the other. A linear contract is counted in coins, an
    inverse one in dollars; the other figure is unknown. A row is there from the instant of its stamp on, but nothing
    says whether it stays as it is; so hourly rows are read, of which the last lies within an hour of the day's end
    whatever the stamp means. A daily row could be off by a day.

    Args:
        payload: The decoded answer: objects under `result.list`, newest first, and the `time` of the answer.
        asset: Our name of the asset.
        symbol: Bybit's name of the contract; an answer about another one is refused.
        category: `linear` or `inverse`.

    Returns:
        Rows of `open_interest`; days that were not over at the time of the answer are left out.
    """
    result = member(payload, "result")
    market = (member(result, "category"), member(result, "symbol"))
    if market != (category, symbol):
        raise PayloadChanged(f"expected readings of {(category, symbol)}, found {market}")
    listed = member(result, "list")
    page = rows(listed, openInterest=pl.String, timestamp=pl.String)
    single = column("single", [row.get("singleOpenInterest") for row in listed], pl.String)
    read = page.with_columns(single).select(
        stamped_at=epoch_to_instant(pl.col("timestamp").cast(pl.Int64, strict=True)),
        both=decimal_text(pl.col("openInterest")),
        one=decimal_text(unless_empty(pl.col("single"))),
    )
    odd = (pl.col("both") - 2 * pl.col("one")).abs() > ROUNDING * pl.col("both")
    read = refuse(read, odd, pl.format("expected openInterest to be twice one side, found {} and {}", "both", "one"))
    value, unknown = both_sides_to_one(pl.col("both")), pl.lit(None, pl.Float64)
    readings = read.drop_nulls(["stamped_at", "both"]).select(
        "stamped_at",
        *marks(read),
        coins=value if category == "linear" else unknown,
        usd=unknown if category == "linear" else value,
    )
    answered_at = pl.from_epoch(pl.lit(member(payload, "time")), "ms").dt.replace_time_zone("UTC")
    days = days_of(readings, asset=asset, venue="bybit", contract=symbol, whole=HOURS)
    return days.filter(end_of(pl.col("date")) <= answered_at)
