"""Coin Metrics: which day a supply belongs to, and its unit, held against DefiLlama's count of the same coin."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from expectations.interval import ONE_DAY
from flows.invariant import Finding, Invariant, last_whole_day, near, number, question
from flows.source import Answer, Plan
from flows.sources.coinmetrics import ASSET_METRICS
from flows.sources.defillama import COINS, STABLECOIN
from transforms.payload import member

DAYS = 14
PEG = "peggedUSD"
AWAY = 0.05  # the two count some chains and treasuries differently


def plan_both(now: datetime) -> Plan:
    """Two weeks of the supply of USDT, and DefiLlama's history of it."""
    last = last_whole_day(now) - ONE_DAY
    yield question(
        ASSET_METRICS,
        assets="usdt",
        metrics="SplyCur",
        frequency="1d",
        start_time=f"{last - timedelta(days=DAYS - 1)}",
        end_time=f"{last}",
        paging_from="start",
        page_size=100,
    )
    yield question(f"{STABLECOIN}/{COINS['USDT'][0]}")


def _supply(answer: Answer) -> dict[date, float]:
    rows = member(answer.json(), "data")
    return {date.fromisoformat(str(member(row, "time"))[:10]): number(member(row, "SplyCur")) for row in rows}


def _ends(answer: Answer) -> dict[date, float]:
    """DefiLlama's count by the day at whose end it was taken: rows are stamped with the next midnight."""
    rows = member(answer.json(), "tokens")
    stamps = [
        (datetime.fromtimestamp(int(member(row, "date")), UTC), member(row, "circulating").get(PEG)) for row in rows
    ]
    return {at.date() - ONE_DAY: number(coins) for at, coins in stamps if at.hour == 0 and coins is not None}


def counts_tokens(answers: Sequence[Answer]) -> Finding:
    """Whether both count about as many tokens."""
    supply, ends = _supply(answers[0]), _ends(answers[1])
    both = sorted(set(supply) & set(ends))
    if not both:
        return Finding(None, f"no day is in both of {len(supply)} and {len(ends)} days")
    odd = [day for day in both if not near(supply[day], ends[day], AWAY)]
    day = odd[0] if odd else both[-1]
    return Finding(not odd, f"{supply[day]:,.0f} at Coin Metrics, {ends[day]:,.0f} at DefiLlama at the end of {day}")


INVARIANTS = (
    Invariant(
        "unit of supply",
        "SplyCur of USDT counts tokens, on all chains, at the end of the day.",
        plan_both,
        counts_tokens,
    ),
)
