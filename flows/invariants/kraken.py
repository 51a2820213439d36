"""Kraken: whether ether's answer has the shape of bitcoin's, of which one was recorded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flows.findings import Finding, Invariant, day_begins, question
from flows.plans import Answer, Plan
from flows.sources.kraken import DAY_IN_MINUTES, MARKETS, OHLC
from transforms.payload import member

PAIR, ANSWERED, _ = MARKETS["ETH"]
MILLISECONDS = 1000


def plan_ether(now: datetime) -> Plan:
    """Ether's newest days."""
    since = round((now - timedelta(days=4)).timestamp())
    yield question(OHLC, pair=PAIR, interval=DAY_IN_MINUTES, since=since)


def at_midnight(answers: Sequence[Answer]) -> Finding:
    """Whether ether's days come under the believed name and begin at 00:00 UTC."""
    result = member(answers[0].json(), "result")
    if ANSWERED not in result:
        return Finding(holds=False, found=f"the pair is named {', '.join(name for name in result if name != 'last')}")
    return day_begins([int(candle[0]) * MILLISECONDS for candle in result[ANSWERED]], 0)


INVARIANTS = (
    Invariant("ether's pair", f"ETH/USD is answered as {ANSWERED}, in days from 00:00 UTC.", plan_ether, at_midnight),
)
