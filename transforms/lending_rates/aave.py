"""Aave's own history of a pool's two rates, as rows of `lending_rates`."""

from typing import Any

import polars as pl

from transforms.payload import column, member, members, rows
from transforms.refused import REFUSED, told_once
from transforms.units import day_of, decimal_text, end_of, iso_to_instant, require_midnights


def normalize(payload: Any, *, protocol: str, chain: str, asset: str) -> pl.DataFrame:
    """Turn the two histories of one pool into one row per UTC day.

    `avgRate` is the average of the day; how it is weighted within the day is not stated, and neither is the day's
    highest. `value` is a fraction per year as text. The field is called APY, but Aave's page shows it as `Supply APR`
    and `Borrow APR, variable`: we take it for the simple rate. A point is stamped with the first second of its day: the
    newest one was stamped with the current day when others looked late in the evening. A stamp at another hour costs
    its day.

    Args:
        payload: The decoded answer: lists of points under `supplyAPYHistory` and `borrowAPYHistory`.
        protocol: Our name of the protocol; the answer does not say.
        chain: The chain.
        asset: The asset that is lent.

    Returns:
        Rows of `lending_rates`: fractions per year, simple.
    """
    data = members(payload, "data")
    supply = _side(member(data, "supplyAPYHistory"), "supply_apr")
    borrow = _side(member(data, "borrowAPYHistory"), "borrow_apr")
    both = supply.join(borrow, on="stamped_at", how="full", coalesce=True, suffix="_borrowing").sort("stamped_at")
    day = day_of(pl.col("stamped_at"))
    unknown = pl.lit(None, pl.Float64)
    return both.select(
        pl.coalesce(REFUSED, f"{REFUSED}_borrowing"),
        date=day,
        protocol=pl.lit(protocol),
        chain=pl.lit(chain),
        asset=pl.lit(asset),
        supply_apr=pl.col("supply_apr"),
        supply_apr_max=unknown,
        supply_apr_last=unknown,
        supply_apy_realised=unknown,
        borrow_apr=pl.col("borrow_apr"),
        borrow_apr_max=unknown,
        borrow_apr_last=unknown,
        borrow_apy_realised=unknown,
        utilization=unknown,
        available_usd=unknown,
        sampling=pl.lit("hourly_mean"),
        stamped_at=pl.col("stamped_at"),
        # The average is complete only when the day's last hour has been gathered.
        available_at=end_of(day).dt.offset_by("30m"),
    )


def _side(points: Any, name: str) -> pl.DataFrame:
    """One rate by the start of its day; a point without an average stays unknown."""
    stamps = rows(points, date=pl.String)
    averages = [member(point, "avgRate") for point in points]
    values = column(name, [None if average is None else member(average, "value") for average in averages], pl.String)
    stamp = iso_to_instant(pl.col("date").str.replace(r"\+00:00$", "Z")).dt.truncate("1s")
    side = stamps.select(stamped_at=stamp, value=values).select("stamped_at", decimal_text(pl.col("value")).alias(name))
    return told_once(require_midnights(side, "stamped_at"), "stamped_at", thing="average for a day")
