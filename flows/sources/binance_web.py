"""Binance's web page: past margin borrow rates of stablecoins; not an official API.

Newest first, at most 90 rows, windows of no more than a month, numbers as text; an unknown asset gives no rows and no
error. Errors come in a 200, with a code other than "000000". It may change, go away or be closed to a country at any
time. Used only on request, and slowly.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, quoted
from expectations.interval import Interval, milliseconds
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, windows

HOST = "www.binance.com"
RATES = f"https://{HOST}/bapi/margin/v1/public/margin/vip/spec/history-interest-rate"
WINDOW_DAYS = 30
PAGE = 90
SETTLED = every_day(timedelta(minutes=15))
SINCE = date(2021, 1, 1)  # older days were not tested

FINE = "000000"
SYSTEM_ERROR = "000001"


def plan_rates(ask: Ask) -> Plan:
    """Windows of thirty days, both bounds included."""

    def request(days: Interval) -> Request:
        return Request(
            RATES,
            params={
                "asset": ask.series.symbol,
                "vipLevel": 0,
                "size": PAGE,
                "startTime": milliseconds(days.starts_at),
                "endTime": milliseconds(days.ends_at) - 1,
            },
            labels={"asset": ask.series.name},
        )

    return windows(ask.days.split(WINDOW_DAYS), request)


def count_rates(ask: Ask) -> Mapping[str, int]:
    """One request for each thirty days."""
    return {HOST: -(-len(ask.days) // WINDOW_DAYS)}


def refusal(answer: Answer) -> PipelineError | None:
    """The page's envelope, when its code is not "000000"."""
    document = answer.json()
    if not isinstance(document, dict) or "code" not in document or document["code"] == FINE:
        return None
    message = (
        f"expected rates from Binance's page, found error {quoted(document['code'])}: {quoted(document.get('message'))}"
    )
    return SourceUnavailable(message) if document["code"] == SYSTEM_ERROR else SourceRefused(message)


SOURCE = Source(
    name="binance_web",
    feeds=(
        Feed(
            BORROW_RATES,
            plan_rates,
            tuple(Series(coin, coin, SINCE, SETTLED) for coin in ("USDC", "USDT")),
            days_per_ask=12 * WINDOW_DAYS,
            count=count_rates,
        ),
    ),
    limits={HOST: Limit(20, 60, burst=2)},  # none is published
    docs="https://www.binance.com/en/margin-fee",
    terms="not an interface for programs: keep to yourself what you read",
    attribution="Binance",
    verified="documented",
    verified_against=(
        "other people's clients, one of which keeps an answer of January 2022 (stamps of 00:00 UTC, "
        "fractions per day); the replay serves the shape. Whether it still answers is not known"
    ),
    refusal=refusal,
    connections=1,
    unofficial=True,
)
