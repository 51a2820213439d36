"""Korbit: where a day begins."""

from collections.abc import Sequence
from datetime import datetime

from flows.invariant import SEOUL_MIDNIGHT_MS, Finding, Invariant, day_begins, question
from flows.source import Answer, Plan
from flows.sources.korbit import CANDLES
from transforms.payload import member


def plan_days(_: datetime) -> Plan:
    """The newest three days of USDT."""
    yield question(CANDLES, symbol="usdt_krw", interval="1D", limit=3)


def in_seoul(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 15:00 UTC."""
    data = member(answers[0].json(), "data")
    return day_begins([int(member(candle, "timestamp")) for candle in data], SEOUL_MIDNIGHT_MS)


INVARIANTS = (Invariant("day boundary", "A day begins at 00:00 in Seoul, 15:00 UTC.", plan_days, in_seoul),)
