"""Binance's web page: whether it still answers, and the period of its rates, held against OKX's."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import day_start, milliseconds
from flows.invariant import Finding, Invariant, last_whole_day, number, period_of, question
from flows.source import Answer, Plan
from flows.sources.binance_web import RATES
from flows.sources.okx import RATES as OKX_RATES
from transforms.payload import member


def plan_rates(now: datetime) -> Plan:
    """The page's last week of USDT, and OKX's newest hours."""
    end = day_start(last_whole_day(now))
    yield question(
        RATES,
        asset="USDT",
        vipLevel=0,
        size=10,
        startTime=milliseconds(end - timedelta(days=6)),
        endTime=milliseconds(end),
    )
    yield question(OKX_RATES, ccy="USDT", limit=3)


def per_day(answers: Sequence[Answer]) -> Finding:
    """Whether the newest rate comes near OKX's as a rate per day, and only so."""
    rates, others = member(answers[0].json(), "data"), member(answers[1].json(), "data")
    if not rates or not others:
        return Finding(None, f"{len(rates)} rates on the page, {len(others)} at OKX")
    newest = max(rates, key=lambda row: int(member(row, "timestamp")))
    rate, yearly = number(member(newest, "dailyInterestRate")), number(member(others[0], "rate"))
    period = period_of(rate, yearly)
    found = f"{rate:.8f} beside {yearly:.4f} a year at OKX: per {period or 'no period that fits'}"
    return Finding(period == "day", found)


INVARIANTS = (Invariant("unit of rates", "The page still tells past rates, per day.", plan_rates, per_day),)
