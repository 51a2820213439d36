"""Aave: what the stamp of a daily average means, and whether its rate is simple, held against DefiLlama's readings."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from expectations.interval import ONE_DAY, Interval
from flows.invariant import Finding, Invariant, last_whole_day, number, question
from flows.source import Answer, Ask, Plan
from flows.sources import defillama
from flows.sources.aave import SOURCE
from transforms.payload import member

FEED = SOURCE.feeds[0]
SERIES = FEED.series[0]
POOL = defillama.POOLS[SERIES.name][3]
DAYS = 120
ENOUGH = 20
PERCENT = 100
SHIFTS = (-1, 0, 1)
AWAY = 0.1


def plan_both(now: datetime) -> Plan:
    """The pool's last year from Aave, and DefiLlama's chart of the same pool."""
    day = last_whole_day(now)
    yield from FEED.plan(Ask(SERIES, Interval.of_days(day, day), now))
    yield question(f"{defillama.CHART}/{POOL}")


def _instant(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _averages(answers: Sequence[Answer]) -> dict[date, float]:
    """Aave's average by the day of its stamp; the current day is left out."""
    points = member(member(answers[0].json(), "data"), "supplyAPYHistory")
    averages = {
        _instant(str(member(point, "date"))).date(): number(member(member(point, "avgRate"), "value"))
        for point in points
    }
    today = answers[0].observed_at.date()
    return {day: averages[day] for day in sorted(averages) if day < today}


def _middles(answers: Sequence[Answer]) -> dict[date, float]:
    """For each day, the mean of the DefiLlama readings near its two ends, both taken near 23:01 UTC."""
    rates: dict[date, float] = {}
    for row in member(answers[1].json(), "data"):
        base = member(row, "apyBase")
        if base is not None:
            rates[_instant(str(member(row, "timestamp"))).date()] = number(base) / PERCENT
    days = sorted(rates)
    return {after: (rates[before] + rates[after]) / 2 for before, after in pairwise(days) if after - before == ONE_DAY}


def _ratios(answers: Sequence[Answer], shift: int) -> list[float]:
    """Aave's average over DefiLlama's of `shift` days later, for the newest days that are in both."""
    averages, middles = _averages(answers), _middles(answers)
    newest = list(averages)[-DAYS:]
    moved = [(averages[day], middles.get(day + timedelta(days=shift))) for day in newest]
    return [average / middle for average, middle in moved if middle is not None and middle > 0 and average > 0]


def stamped_at_its_start(answers: Sequence[Answer]) -> Finding:
    """Whether the averages are nearest to those of the days that they are stamped with."""
    gaps = {}
    for shift in SHIFTS:
        ratios = _ratios(answers, shift)
        if len(ratios) < ENOUGH:
            return Finding(None, f"{len(ratios)} days are in both answers, {ENOUGH} are needed")
        gaps[shift] = sum(abs(ratio - 1) for ratio in ratios) / len(ratios)
    distances = ", ".join(f"{shift:+d} days {gap:.1%}" for shift, gap in gaps.items())
    return Finding(min(gaps, key=lambda shift: gaps[shift]) == 0, f"mean distance when moved by {distances}")


def rate_is_simple(answers: Sequence[Answer]) -> Finding:
    """Whether the averages are nearer to the simple rate of the same days than to what it compounds to."""
    ratios = _ratios(answers, 0)
    if len(ratios) < ENOUGH:
        return Finding(None, f"{len(ratios)} days are in both answers, {ENOUGH} are needed")
    middle, rate = median(ratios), median(list(_averages(answers).values())[-DAYS:])
    compounded = 1 + rate / 2  # (e^rate - 1) / rate, nearly
    found = f"{middle:.3f} times DefiLlama's simple rate in the middle of {len(ratios)} days"
    return Finding(abs(middle - 1) < AWAY and middle - 1 < (compounded - 1) / 2, f"{found}; {compounded:.3f} if not")


INVARIANTS = (
    Invariant(
        "stamp of an average",
        "A daily average is stamped with the start of its day (UTC).",
        plan_both,
        stamped_at_its_start,
    ),
    Invariant(
        "simple rate",
        "The average is a simple rate per year, as a fraction, though named APY.",
        plan_both,
        rate_is_simple,
    ),
)
