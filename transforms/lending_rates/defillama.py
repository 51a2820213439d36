"""DefiLlama's pool charts, as rows of `lending_rates`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.payload import member, rows
from transforms.units import day_of, percent_to_fraction


def normalize(payload: Any, *, protocol: str, chain: str, asset: str) -> pl.DataFrame:
    """Turn one pool's chart into one row per UTC day.

    Each point is the day's last hourly reading, near 23:01 UTC. We take `apyBase`: despite its name it is the simple
    yearly rate in percent for Aave, Spark and Compound, and it leaves rewards out, which `apy` does not. `tvlUsd` of a
    lending pool is what is deposited and not lent out. A point without `apyBase` does not state the lending rate (`apy`
    may hold rewards): its day is listed without a value.

    Args:
        payload: The decoded answer.
        protocol: Our name of the protocol; the answer does not say.
        chain: The chain.
        asset: The asset that is lent.

    Returns:
        Rows of `lending_rates`: the deposit rate as a fraction per year, the liquidity in USD; the borrowing side
        is not in this answer.
    """
    if member(payload, "status") != "success":
        raise PayloadChanged(f"expected status 'success', found {quoted(payload['status'])}")
    chart = rows(member(payload, "data"), timestamp=pl.String, tvlUsd=pl.Float64, apyBase=pl.Float64)
    stamp = pl.col("timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.replace_time_zone("UTC")
    unknown = pl.lit(None, pl.Float64)
    return chart.select(
        date=day_of(stamp),
        protocol=pl.lit(protocol),
        chain=pl.lit(chain),
        asset=pl.lit(asset),
        supply_apr=percent_to_fraction(pl.col("apyBase")),
        supply_apr_max=unknown,
        supply_apr_last=unknown,
        supply_apy_realised=unknown,
        borrow_apr=unknown,
        borrow_apr_max=unknown,
        borrow_apr_last=unknown,
        borrow_apy_realised=unknown,
        utilization=unknown,
        available_usd=pl.when(pl.col("apyBase").is_not_null()).then(pl.col("tvlUsd")),
        sampling=pl.lit("daily_last"),
        stamped_at=stamp,
        # DefiLlama's answers are up to an hour old when they leave its cache.
        available_at=stamp.dt.offset_by("1h"),
    )
