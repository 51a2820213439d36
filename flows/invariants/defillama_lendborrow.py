"""DefiLlama's list of lending pools: the unit and the side of its rate, and what can be withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flows.invariant import Finding, Invariant, near, number, question
from flows.source import Answer, Plan
from flows.sources.defillama import CHART, POOLS
from flows.sources.defillama_lendborrow import LIST
from transforms.payload import member

NAME = "aave-v3-ethereum-usdc"
POOL = POOLS[NAME][3]
# At least this share of what borrowers pay reaches the depositors: the protocol keeps a part, a tenth when last known.
LEAST = 0.5
AWAY = 0.1  # list and chart may be an hour apart


class _Pool(NamedTuple):
    """One pool as listed, and its newest reading in its chart."""

    borrow: float
    supplied: float
    borrowed: float
    deposit: float
    available: float


def plan_pool(_: datetime) -> Plan:
    """The list of all pools, and the chart of one."""
    yield question(LIST)
    yield question(f"{CHART}/{POOL}")


def _pool(answers: Sequence[Answer]) -> _Pool | Finding:
    mine = [pool for pool in answers[0].json() if member(pool, "pool") == POOL]
    readings: list[Any] = member(answers[1].json(), "data")
    if len(mine) != 1 or not readings:
        return Finding(None, f"{len(mine)} entries of {NAME} in the list, {len(readings)} looks in its chart")
    figures = [member(mine[0], name) for name in ("apyBaseBorrow", "totalSupplyUsd", "totalBorrowUsd")]
    figures += [member(readings[-1], name) for name in ("apyBase", "tvlUsd")]
    if None in figures:
        return Finding(None, f"of {NAME} not all is told: {figures}")
    return _Pool(*(number(figure) for figure in figures))


def simple_and_of_borrowers(answers: Sequence[Answer]) -> Finding:
    """Whether what borrowers pay, times the share that is lent out, is what depositors get and a little more."""
    pool = _pool(answers)
    if isinstance(pool, Finding):
        return pool
    if pool.borrow <= 0 or pool.supplied <= 0 or pool.borrowed <= 0:
        return Finding(None, f"nothing is lent out at {NAME}, or nothing is paid for it")
    lent_out = pool.borrowed / pool.supplied
    reaches = pool.deposit / (pool.borrow * lent_out)
    found = (
        f"borrowers pay {pool.borrow:.2f} % for {lent_out:.1%} of the deposits, depositors get {pool.deposit:.2f} %: "
        f"{reaches:.1%} of it reaches them"
    )
    return Finding(lent_out < 1 and pool.deposit < pool.borrow and LEAST <= reaches <= 1, found)


def available_is_the_rest(answers: Sequence[Answer]) -> Finding:
    """Whether supplied less borrowed is what the chart says can be withdrawn."""
    pool = _pool(answers)
    if isinstance(pool, Finding):
        return pool
    rest = pool.supplied - pool.borrowed
    found = f"supplied less borrowed is {rest:,.0f} dollars, the chart says {pool.available:,.0f}"
    return Finding(near(rest, pool.available, AWAY), found)


INVARIANTS = (
    Invariant(
        "unit and side",
        "apyBaseBorrow is what borrowers pay per year, simple, in percent, on totalBorrowUsd of totalSupplyUsd.",
        plan_pool,
        simple_and_of_borrowers,
    ),
    Invariant(
        "available",
        "totalSupplyUsd less totalBorrowUsd is what can be withdrawn: tvlUsd of the pool's chart.",
        plan_pool,
        available_is_the_rest,
    ),
)
