"""Deribit: what the stamp of an hour's funding means, and how its window is bounded."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from expectations.interval import milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, near, number, question
from flows.source import Answer, Plan
from flows.sources.deribit import HISTORY, TRADES
from transforms.liquidation_events.deribit import FLAG
from transforms.payload import member

HOURS = 6
SAME = 1e-9
CRASH = datetime(2024, 12, 9, 21, 30, tzinfo=UTC)  # the hour in which the price fell furthest
TRADES_PAGE = 1000


def plan_hours(now: datetime) -> Plan:
    """Six hours of bitcoin, from full hour to full hour."""
    end = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    yield question(
        HISTORY,
        instrument_name="BTC-PERPETUAL",
        start_timestamp=milliseconds(end - timedelta(hours=HOURS)),
        end_timestamp=milliseconds(end),
    )


def plan_crash(_: datetime) -> Plan:
    """A page of trades in bitcoin futures from the evening of 9 December 2024."""
    yield question(
        TRADES,
        currency="BTC",
        kind="future",
        start_timestamp=milliseconds(CRASH),
        end_timestamp=milliseconds(CRASH + timedelta(minutes=30)),
        count=TRADES_PAGE,
        sorting="asc",
    )


def liquidations_are_flagged(answers: Sequence[Answer]) -> Finding:
    """Whether some of the trades say that a side was liquidated."""
    trades = member(member(answers[0].json(), "result"), "trades")
    flagged = [trade for trade in trades if member(trade, "timestamp") and FLAG in trade]
    if not trades:
        return Finding(None, "no trade of that evening was answered")
    return Finding(bool(flagged), f"{len(flagged)} of {len(trades)} trades are flagged")


def start_is_exclusive(answers: Sequence[Answer]) -> Finding:
    """Whether the window holds the row of its end, and not that of its start."""
    asked = answers[0].request.params
    first, last = int(asked["start_timestamp"]) + HOUR_MS, int(asked["end_timestamp"])
    stamps = [int(member(row, "timestamp")) for row in member(answers[0].json(), "result")]
    return Finding(sorted(stamps) == list(range(first, last + 1, HOUR_MS)), f"{len(stamps)} rows for {HOURS} hours")


def stamped_at_its_end(answers: Sequence[Answer]) -> Finding:
    """Whether each row's index price is the next one's previous index price."""
    listed = sorted(member(answers[0].json(), "result"), key=lambda row: int(member(row, "timestamp")))
    prices = [(number(member(row, "index_price")), number(member(row, "prev_index_price"))) for row in listed]
    pairs = [(before[0], after[1]) for before, after in itertools.pairwise(prices)]
    if not pairs:
        return Finding(None, f"{len(prices)} rows were answered")
    odd = [pair for pair in pairs if not near(pair[1], pair[0], SAME)]
    index, previous = odd[0] if odd else pairs[-1]
    return Finding(not odd, f"index price {index:,.2f}, the next row's previous one {previous:,.2f}")


INVARIANTS = (
    Invariant("bounds of a window", "The start is exclusive, the end is not.", plan_hours, start_is_exclusive),
    Invariant(
        "flag of liquidations",
        "The host of old trades flags liquidations, those of 9 December 2024 too.",
        plan_crash,
        liquidations_are_flagged,
    ),
    Invariant("stamp of a row", "A row is stamped with the end of its hour.", plan_hours, stamped_at_its_end),
)
