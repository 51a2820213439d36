"""Hyperliquid: how often funding is paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson

from expectations.interval import milliseconds
from flows.invariant import HOUR_MS, Finding, Invariant, evenly_spaced
from flows.source import Answer, Plan, Request
from flows.sources.hyperliquid import INFO
from transforms.payload import member


def plan_payments(now: datetime) -> Plan:
    """Bitcoin's payments of the last twelve hours."""
    start = milliseconds(now - timedelta(hours=12))
    asked = {"type": "fundingHistory", "coin": "BTC", "startTime": start, "endTime": milliseconds(now)}
    yield Request(INFO, method="POST", body=orjson.dumps(asked).decode(), transform=None)


def every_hour(answers: Sequence[Answer]) -> Finding:
    """Whether payments are an hour apart."""
    return evenly_spaced([int(member(payment, "time")) for payment in answers[0].json()], HOUR_MS)


INVARIANTS = (Invariant("funding interval", "Funding is paid at every full hour.", plan_payments, every_hour),)
