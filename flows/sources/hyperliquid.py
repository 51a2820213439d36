"""Hyperliquid: the funding of its bitcoin and ether perpetuals, hour by hour.

Docs      https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals
Terms     public market data, free
Quirks    asked by POST; oldest first, at most 500 rows from the start; both bounds are inclusive; stamps are up to
          some hundred milliseconds late
Verified  the documentation and its example, which is the first payment there is, of 12 May 2023. That payments came by
          the hour from the first day on is believed: a day with another number of them is held back by the check
"""

from datetime import date, timedelta

import orjson

from expectations.calendar import every_day
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, brief
from expectations.interval import milliseconds
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.payload import member

HOST = "api.hyperliquid.xyz"
INFO = f"https://{HOST}/info"
PAGE = 500
PAYMENTS_A_DAY = 24
SETTLED = every_day(timedelta(minutes=5))

PERPETUALS = {"BTC": ("BTC", date(2023, 5, 12)), "ETH": ("ETH", date(2023, 5, 12))}


def plan_history(ask: Ask) -> Plan:
    """Walk forward, 500 payments a page, until a page is not full."""
    start, last = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at) - 1
    while start <= last:
        question = {"type": "fundingHistory", "coin": ask.series.symbol, "startTime": start, "endTime": last}
        page = yield Request(
            INFO,
            method="POST",
            body=orjson.dumps(question).decode(),
            labels={"asset": ask.series.name, "coin": ask.series.symbol},
        )
        payments = page.json()
        if len(payments) < PAGE:
            return
        newest = int(member(payments[-1], "time"))
        if newest < start:
            raise PayloadChanged(f"expected a page that begins at {start}, found one that ends at {newest}")
        start = newest + 1


def count_history(ask: Ask) -> dict[str, int]:
    """One request for each page; after a full one another, because only a short one says that it is the last."""
    return {HOST: len(ask.days) * PAYMENTS_A_DAY // PAGE + 1}


def refusal(answer: Answer) -> PipelineError | None:
    """An error object, or nothing at all, where a list of payments was expected."""
    document = answer.json()
    if isinstance(document, list):
        return None
    return SourceRefused(f"expected payments from Hyperliquid, found {brief(document)}")


SOURCE = Source(
    name="hyperliquid",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_history,
            tuple(Series(asset, coin, since, SETTLED) for asset, (coin, since) in PERPETUALS.items()),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            count=count_history,
        ),
    ),
    # 1,200 weight a minute: a page costs 20, and one more for each 20 rows, which is 45 when it is full.
    limits={HOST: Limit(24, 60, burst=6)},
    docs="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals",
    terms="public market data, free to use",
    attribution="Hyperliquid",
    verified="documented",
    refusal=refusal,
    connections=2,
)
