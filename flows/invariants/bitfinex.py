"""Bitfinex: the units of its lending rates."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import day_start, milliseconds
from flows.invariant import Finding, Invariant, last_whole_day, near, number, question
from flows.source import Answer, Plan
from flows.sources.bitfinex import CANDLES, HOST

TICKER = f"https://{HOST}/v2/ticker/fUST"
STATISTICS = f"https://{HOST}/v2/funding/stats/fUST/hist"
FRR_OF_TICKER, FRR_OF_STATISTICS = 0, 3
CLOSE = 2
FOUR_DIGITS = 0.001
DAYS_A_YEAR = 365
FACTOR = 15  # a two-day loan and the smoothed rate differ, but by less than a day and a year do


def plan_return_rates(_: datetime) -> Plan:
    """The flash return rate of USDT, from the ticker and from the newest statistics."""
    yield question(TICKER)
    yield question(STATISTICS, limit=1)


def plan_loans(now: datetime) -> Plan:
    """The ticker, and the last week of two-day loans."""
    yield question(TICKER)
    end = day_start(last_whole_day(now))
    yield question(
        f"{CANDLES}/trade:1D:fUST:p2/hist",
        start=milliseconds(end - timedelta(days=6)),
        end=milliseconds(end),
        limit=10,
        sort=1,
    )


def statistics_are_a_365th(answers: Sequence[Answer]) -> Finding:
    """Whether the ticker's rate is 365 times that of the statistics, to four digits."""
    ticker, statistics = answers[0].json(), answers[1].json()
    if not statistics:
        return Finding(None, "no statistics were answered")
    daily, small = number(ticker[FRR_OF_TICKER]), number(statistics[0][FRR_OF_STATISTICS])
    found = f"ticker {daily:.8f} a day, statistics {small:.4g}, {daily / small if small else 0:.2f} times as much"
    return Finding(near(daily, small * DAYS_A_YEAR, FOUR_DIGITS), found)


def loans_are_per_day(answers: Sequence[Answer]) -> Finding:
    """Whether the candles of loans are of the size of the ticker's daily rate."""
    daily, candles = number(answers[0].json()[FRR_OF_TICKER]), answers[1].json()
    if not candles or daily <= 0:
        return Finding(None, f"{len(candles)} candles of loans, and a flash return rate of {daily}")
    rates = sorted(number(candle[CLOSE]) for candle in candles)
    middle = rates[len(rates) // 2]
    found = f"loans at {middle:.8f}, flash return rate {daily:.8f} a day"
    return Finding(daily / FACTOR <= middle <= daily * FACTOR, found)


INVARIANTS = (
    Invariant(
        "flash return rate",
        "The FRR of funding/stats is a 365th of the ticker's, which is per day.",
        plan_return_rates,
        statistics_are_a_365th,
    ),
    Invariant("unit of loans", "The rates of loans in candles are per day.", plan_loans, loans_are_per_day),
)
