"""Deribit: what the stamp of an hour's funding means, and how its window is bounded."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import milliseconds
from flows.findings import HOUR_MS, Finding, Invariant, near, number, question
from flows.plans import Answer, Plan
from flows.sources.deribit import HISTORY
from transforms.payload import member

HOURS = 6
SAME = 1e-9


def plan_hours(now: datetime) -> Plan:
    """Six hours of bitcoin, from full hour to full hour."""
    end = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    yield question(
        HISTORY,
        instrument_name="BTC-PERPETUAL",
        start_timestamp=milliseconds(end - timedelta(hours=HOURS)),
        end_timestamp=milliseconds(end),
    )


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
    Invariant("stamp of a row", "A row is stamped with the end of its hour.", plan_hours, stamped_at_its_end),
)
