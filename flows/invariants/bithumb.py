"""Bithumb: where a day begins, and in which time zone it is requested."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from expectations.interval import ONE_DAY, milliseconds
from flows.invariant import SEOUL_MIDNIGHT_MS, Finding, Invariant, day_begins, last_whole_day, question
from flows.source import Answer, Plan
from flows.sources.bithumb import DAYS
from transforms.payload import member


def plan_days(now: datetime) -> Plan:
    """Three Seoul days before the newest UTC day that is over."""
    yield question(DAYS, market="KRW-USDT", count=3, to=f"{last_whole_day(now)}T00:00:00")


def in_seoul(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 15:00 UTC."""
    starts = [datetime.fromisoformat(str(member(day, "candle_date_time_utc"))) for day in answers[0].json()]
    return day_begins([milliseconds(start.replace(tzinfo=UTC)) for start in starts], SEOUL_MIDNIGHT_MS)


def to_is_exclusive(answers: Sequence[Answer]) -> Finding:
    """Whether the newest candle is that of the day before `to`."""
    days = [str(member(day, "candle_date_time_kst"))[:10] for day in answers[0].json()]
    to = date.fromisoformat(str(answers[0].request.params["to"])[:10])
    if not days:
        return Finding(None, "no candle was answered")
    return Finding(max(days) == f"{to - ONE_DAY}", f"asked for days before {to}, found {max(days)} as the newest")


INVARIANTS = (
    Invariant("day boundary", "A day begins at 00:00 in Seoul, 15:00 UTC.", plan_days, in_seoul),
    Invariant("bound of a page", "`to` is read as Seoul time and is exclusive.", plan_days, to_is_exclusive),
)
