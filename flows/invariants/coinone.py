"""Coinone: where a day begins."""

from collections.abc import Sequence
from datetime import datetime

from flows.invariant import SEOUL_MIDNIGHT_MS, Finding, Invariant, day_begins, question
from flows.source import Answer, Plan
from flows.sources.coinone import CHART
from transforms.payload import member


def plan_days(_: datetime) -> Plan:
    """The newest three days of USDT."""
    yield question(f"{CHART}/USDT", interval="1d", size=3)


def in_seoul(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 15:00 UTC."""
    chart = member(answers[0].json(), "chart")
    return day_begins([int(member(candle, "timestamp")) for candle in chart], SEOUL_MIDNIGHT_MS)


INVARIANTS = (Invariant("day boundary", "A day begins at 00:00 in Seoul, 15:00 UTC.", plan_days, in_seoul),)
