"""DefiLlama's list of lending pools as they are now, as rows of `lending_rates`."""

from datetime import datetime
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import day_of_reading
from transforms.payload import member, rows
from transforms.units import percent_to_fraction

NAME = ("protocol", "chain", "asset")


def normalize(payload: Any, *, observed_at: datetime, **pools: str) -> pl.DataFrame:
    """Turn the current state into the row of the day that has just ended, for each pool that we follow.

    We take `apyBaseBorrow`: despite its name it is the simple yearly rate in percent for Aave v3 and Compound v3. It
    leaves out rewards, which lower what a borrower pays in the end. The utilization is borrowed over supplied; what can
    be withdrawn is supplied less borrowed, which the pool's chart calls `tvlUsd`. The answer states no time, so the
    instant of the reading says which day ended. A pool without `apyBaseBorrow` has no rate: its day is listed without a
    value. Other pools are ignored.

    Args:
        payload: The decoded answer, a list of pools.
        observed_at: When the answer came.
        **pools: Name of a pool by its DefiLlama number, as `protocol/chain/asset`; the answer does not say.

    Returns:
        Rows of `lending_rates`: the borrow rate as a fraction per year, simple, the utilization, and the liquidity in
        USD; the deposit side is not in this answer.
    """
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of pools, found {type(payload).__name__}")
    ours = [pool for pool in payload if member(pool, "pool") in pools]
    state = rows(ours, pool=pl.String, apyBaseBorrow=pl.Float64, totalSupplyUsd=pl.Float64, totalBorrowUsd=pl.Float64)
    if state.is_empty() or state["pool"].is_duplicated().any():
        raise PayloadChanged(f"expected each of {len(pools)} pools once, found {state['pool'].to_list()[:8]}")
    names = pl.DataFrame([(pool, *name.split("/")) for pool, name in pools.items()], ["pool", *NAME], orient="row")
    supplied, borrowed = pl.col("totalSupplyUsd"), pl.col("totalBorrowUsd")
    known = pl.col("apyBaseBorrow").is_not_null()
    unknown = pl.lit(None, pl.Float64)
    return state.join(names, on="pool", maintain_order="left").select(
        *NAME,
        date=pl.lit(day_of_reading(observed_at)),
        supply_apr=unknown,
        supply_apr_max=unknown,
        supply_apr_last=unknown,
        supply_apy_realised=unknown,
        borrow_apr=percent_to_fraction(pl.col("apyBaseBorrow")),
        borrow_apr_max=unknown,
        borrow_apr_last=unknown,
        borrow_apy_realised=unknown,
        utilization=pl.when(known, supplied != 0).then(borrowed / supplied),
        available_usd=pl.when(known).then(supplied - borrowed),
        sampling=pl.lit("daily_last"),
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=pl.lit(observed_at, pl.Datetime("us", "UTC")),
    )
