"""Bybit: how open interest is counted and bounded, and how often funding is paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, evenly_spaced, near, number, question
from flows.source import Answer, Plan
from flows.sources.bybit import FUNDING, READINGS
from transforms.payload import member

HOURS = 6
ROUNDING = 0.001  # one side is rounded to what can be traded


def plan_readings(now: datetime) -> Plan:
    """The open interest of BTCUSDT at seven full hours, both bounds among them."""
    end = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    yield question(
        READINGS,
        category="linear",
        symbol="BTCUSDT",
        intervalTime="1h",
        startTime=milliseconds(end - timedelta(hours=HOURS)),
        endTime=milliseconds(end),
        limit=50,
    )


def plan_payments(now: datetime) -> Plan:
    """The newest ten payments of BTCUSDT."""
    yield question(FUNDING, category="linear", symbol="BTCUSDT", endTime=milliseconds(now), limit=10)


def counts_both_sides(answers: Sequence[Answer]) -> Finding:
    """Whether `openInterest` is twice `singleOpenInterest`."""
    listed = member(member(answers[0].json(), "result"), "list")
    rows = [row for row in listed if "singleOpenInterest" in row]
    if not rows:
        return Finding(None, f"none of {len(listed)} rows tells singleOpenInterest")
    pairs = [(number(member(row, "openInterest")), number(row["singleOpenInterest"])) for row in rows]
    odd = [(both, single) for both, single in pairs if not near(both, 2 * single, ROUNDING)]
    both, single = odd[0] if odd else pairs[0]
    return Finding(not odd, f"openInterest {both:,.0f}, singleOpenInterest {single:,.0f}, in {len(pairs)} rows")


def bounds_are_included(answers: Sequence[Answer]) -> Finding:
    """Whether the rows of both bounds are there."""
    asked = answers[0].request.params
    bounds = (int(asked["startTime"]), int(asked["endTime"]))
    stamps = [int(member(row, "timestamp")) for row in member(member(answers[0].json(), "result"), "list")]
    if not stamps:
        return Finding(None, "no reading was answered")
    holds = (min(stamps), max(stamps)) == bounds and len(stamps) == HOURS + 1
    return Finding(holds, f"{len(stamps)} readings of the {HOURS + 1} hours from bound to bound")


def every_eight_hours(answers: Sequence[Answer]) -> Finding:
    """Whether payments are eight hours apart."""
    listed = member(member(answers[0].json(), "result"), "list")
    return evenly_spaced([int(member(row, "fundingRateTimestamp")) for row in listed], 8 * HOUR_MS)


INVARIANTS = (
    Invariant(
        "both sides counted",
        "openInterest counts a contract for each of its sides: it is twice singleOpenInterest.",
        plan_readings,
        counts_both_sides,
    ),
    Invariant(
        "bounds of open interest", "startTime and endTime are both included.", plan_readings, bounds_are_included
    ),
    Invariant("funding interval", "BTCUSDT pays every eight hours.", plan_payments, every_eight_hours),
)
