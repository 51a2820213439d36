"""KuCoin: the period of its lending rates, held against OKX's yearly borrow rates."""

from collections.abc import Sequence
from datetime import datetime

from flows.invariant import Finding, Invariant, number, period_of, question
from flows.source import Answer, Plan
from flows.sources.kucoin import RATES
from flows.sources.okx import RATES as OKX_RATES
from transforms.payload import member

HOURS = 168


def plan_rates(_: datetime) -> Plan:
    """KuCoin's week of USDT, and OKX's newest hours."""
    yield question(RATES, currency="USDT")
    yield question(OKX_RATES, ccy="USDT", limit=3)


def unit_of_rates(answers: Sequence[Answer]) -> Finding:
    """Which period brings the newest rate near OKX's."""
    rates, others = member(answers[0].json(), "data"), member(answers[1].json(), "data")
    if not rates or not others:
        return Finding(None, f"{len(rates)} rates at KuCoin, {len(others)} at OKX")
    newest = max(rates, key=lambda row: str(member(row, "time")))
    rate, yearly = number(member(newest, "marketInterestRate")), number(member(others[0], "rate"))
    period = period_of(rate, yearly)
    found = f"{rate:.8f} beside {yearly:.4f} a year at OKX: per {period or 'no period that fits'}"
    return Finding(period is not None, found)


def a_week_is_kept(answers: Sequence[Answer]) -> Finding:
    """Whether there are as many hours as believed."""
    rates = member(answers[0].json(), "data")
    stamps = {str(member(row, "time")) for row in rates}
    return Finding(len(stamps) >= HOURS - 1, f"{len(stamps)} hours were answered")


INVARIANTS = (
    Invariant(
        "unit of rates",
        "A lending rate is per hour, per day or per year; beside OKX's it shows which.",
        plan_rates,
        unit_of_rates,
    ),
    Invariant("reach of rates", f"The newest {HOURS} hours are kept.", plan_rates, a_week_is_kept),
)
