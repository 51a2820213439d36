"""Gate: the unit of liquidations and of loans, how open interest is counted, and where a day begins."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.interval import day_start
from flows.invariant import Finding, Invariant, day_begins, last_whole_day, near, number, period_of, question
from flows.source import Answer, Plan
from flows.sources.gate import HOST, RATES, STATISTICS
from flows.sources.okx import RATES as OKX_RATES
from transforms.payload import member

CONTRACTS = f"https://{HOST}/api/v4/futures/usdt/contracts"
DAYS = 7
HALF = 0.5  # between once and twice; an hour moves far less
AWAY = 0.25  # how far the prices of a day's liquidations may lie from its mark price, as a fraction
MILLISECONDS = 1000


def plan_statistics(now: datetime) -> Plan:
    """A week of bitcoin's statistics."""
    start = day_start(last_whole_day(now)) - timedelta(days=DAYS - 1)
    yield question(STATISTICS, contract="BTC_USDT", interval="1d", limit=DAYS, **{"from": round(start.timestamp())})


def plan_sides(_: datetime) -> Plan:
    """How much the longs of BTC_USDT hold now, and the newest hours of its statistics."""
    yield question(f"{CONTRACTS}/BTC_USDT")
    yield question(STATISTICS, contract="BTC_USDT", interval="1h", limit=3)


def plan_rates(_: datetime) -> Plan:
    """The newest hourly loan rates of USDT at Gate and at OKX."""
    yield question(RATES, currency="USDT", tier="1", page=1, limit=3)
    yield question(OKX_RATES, ccy="USDT", limit=3)


def unit_of_loans(answers: Sequence[Answer]) -> Finding:
    """Which period brings the newest rate near OKX's."""
    rates, others = member(answers[0].json(), "rates"), member(answers[1].json(), "data")
    if not rates or not others:
        return Finding(None, f"{len(rates)} rates at Gate, {len(others)} at OKX")
    rate, yearly = number(member(rates[0], "rate")), number(member(others[0], "rate"))
    period = period_of(rate, yearly)
    found = f"{rate:.8f} beside {yearly:.4f} a year at OKX: per {period or 'no period that fits'}"
    return Finding(period is not None, found)


def counts_one_side(answers: Sequence[Answer]) -> Finding:
    """Whether the newest `open_interest` is about what the longs hold, and not twice as much."""
    longs = number(member(answers[0].json(), "position_size"))
    hours = answers[1].json()
    if not hours or longs <= 0:
        return Finding(None, f"{len(hours)} hours, and longs that hold {longs:,.0f} contracts")
    newest = max(hours, key=lambda hour: number(member(hour, "time")))
    counted = number(member(newest, "open_interest"))
    return Finding(near(counted, longs, HALF), f"open_interest {counted:,.0f}, longs hold {longs:,.0f} contracts")


def dollars_are_worth_the_coins(answers: Sequence[Answer]) -> Finding:
    """Whether `long_liq_usd` is about `long_liq_amount` times `mark_price`."""
    longs = [
        (number(member(day, "long_liq_usd")), number(member(day, "long_liq_amount")), number(member(day, "mark_price")))
        for day in answers[0].json()
    ]
    seen = [(usd, coins, price) for usd, coins, price in longs if usd > 0 and coins > 0]
    if not seen:
        return Finding(None, f"no long was liquidated on {len(longs)} days")
    odd = [(usd, coins, price) for usd, coins, price in seen if abs(usd / (coins * price) - 1) > AWAY]
    usd, coins, price = odd[0] if odd else seen[-1]
    return Finding(not odd, f"{usd:,.0f} dollars for {coins:,.4f} bitcoin at {price:,.0f}, on {len(seen)} days")


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether days begin at 00:00 UTC."""
    return day_begins([int(member(day, "time")) * MILLISECONDS for day in answers[0].json()], 0)


INVARIANTS = (
    Invariant(
        "unit of liquidations",
        "long_liq_usd is the worth of long_liq_amount coins at about the day's mark price.",
        plan_statistics,
        dollars_are_worth_the_coins,
    ),
    Invariant(
        "sides of open interest",
        "open_interest counts each contract once: it is what the longs hold.",
        plan_sides,
        counts_one_side,
    ),
    Invariant(
        "unit of loans",
        "The rate of a loan is per hour, per day or per year; beside OKX's it shows which.",
        plan_rates,
        unit_of_loans,
    ),
    Invariant("day boundary", "A day begins at 00:00 UTC.", plan_statistics, at_midnight),
)
