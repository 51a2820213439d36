"""GOPAX: where a day begins."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import milliseconds
from flows.invariant import Finding, Invariant, day_begins, question
from flows.source import Answer, Plan
from flows.sources.gopax import PAIRS


def plan_days(now: datetime) -> Plan:
    """The newest days of USDT; a week of them, because days without a trade may be left out."""
    start = milliseconds(now - timedelta(days=7))
    yield question(f"{PAIRS}/USDT-KRW/candles", start=start, end=milliseconds(now), interval=1440)


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 00:00 UTC."""
    return day_begins([int(candle[0]) for candle in answers[0].json()], 0)


INVARIANTS = (Invariant("day boundary", "A day begins at 00:00 UTC.", plan_days, at_midnight),)
