"""Kraken: whether ether's answer has the shape of bitcoin's, which was recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from expectations.errors import PayloadChanged
from flows.invariant import Finding, Invariant, day_begins, question
from flows.source import Answer, Plan
from flows.sources.kraken import DAY_IN_MINUTES, MARKETS, OHLC
from transforms.payload import members
from transforms.spot_prices.kraken import name_in

PAIR, ANSWERED, _ = MARKETS["ETH"]
MILLISECONDS = 1000


def plan_ether(now: datetime) -> Plan:
    """Ether's newest days."""
    since = round((now - timedelta(days=4)).timestamp())
    yield question(OHLC, pair=PAIR, interval=DAY_IN_MINUTES, since=since)


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether ether's days come under one of its known names and begin at 00:00 UTC."""
    result = members(answers[0].json(), "result")
    try:
        name = name_in(result, ANSWERED)
    except PayloadChanged:
        return Finding(holds=False, found=f"the pair is named {', '.join(name for name in result if name != 'last')}")
    return day_begins([int(candle[0]) * MILLISECONDS for candle in result[name]], 0)


INVARIANTS = (
    Invariant(
        "ether's pair",
        f"ETH/USD is answered as {ANSWERED} or another of its names, in days from 00:00 UTC.",
        plan_ether,
        at_midnight,
    ),
)
