"""Upbit: where a day begins."""

from collections.abc import Sequence
from datetime import UTC, datetime

from expectations.interval import milliseconds
from flows.invariant import Finding, Invariant, day_begins, question
from flows.source import Answer, Plan
from flows.sources.upbit import DAYS
from transforms.payload import member


def plan_days(_: datetime) -> Plan:
    """The newest three days of KRW-USDT."""
    yield question(DAYS, market="KRW-USDT", count=3)


def stamps(answers: Sequence[Answer]) -> list[int]:
    """Where the candles begin, in milliseconds since 1970."""
    starts = [datetime.fromisoformat(str(member(day, "candle_date_time_utc"))) for day in answers[0].json()]
    return [milliseconds(start.replace(tzinfo=UTC)) for start in starts]


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 00:00 UTC."""
    return day_begins(stamps(answers), 0)


INVARIANTS = (Invariant("day boundary", "A day begins at 00:00 UTC.", plan_days, at_midnight),)
