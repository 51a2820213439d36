"""Frankfurter: the ECB's reference exchange rates as JSON.

Business days of the euro system only; a range that starts on another day begins with the fixing before.
"""

from datetime import date, timedelta

from expectations.datasets.exchange_rates import EXCHANGE_RATES
from expectations.errors import PipelineError, SourceUnavailable, quoted
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.exchange_rates.frankfurter import PUBLISHED

RATES = "https://api.frankfurter.dev/v1"


def plan_rates(ask: Ask) -> Plan:
    """One range that starts a week early, so that it holds the fixing before a holiday."""
    start = ask.days.start - timedelta(days=7)
    yield Request(
        f"{RATES}/{start}..{ask.days.last}",
        params={"base": "USD", "symbols": ask.series.symbol},
        labels={"currency": ask.series.name},
    )


def refusal(answer: Answer) -> PipelineError | None:
    """A message where rates were expected."""
    document = answer.json()
    if isinstance(document, dict) and "message" in document:
        return SourceUnavailable(f"expected rates from Frankfurter, found {quoted(document['message'])}")
    return None


SOURCE = Source(
    name="frankfurter",
    feeds=(
        Feed(
            EXCHANGE_RATES,
            plan_rates,
            (Series("KRW", "KRW", date(1999, 1, 4), PUBLISHED),),
            days_per_ask=3660,
        ),
    ),
    limits={"api.frankfurter.dev": Limit(4, 1, burst=2)},
    docs="https://frankfurter.dev",
    terms="free; the rates are published by the European Central Bank",
    attribution="Source: ECB statistics, by way of Frankfurter",
    verified="recorded",
    verified_against="a recorded answer of other currencies (2026)",
    refusal=refusal,
    connections=1,
)
