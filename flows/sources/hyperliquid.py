"""Hyperliquid: the hourly funding of its bitcoin and ether perpetuals, at first every eight hours.

Requests go by POST; oldest first, at most 500 rows from the start; both bounds are inclusive; stamps are up to some
seconds late. The interval is not stated: windows are requested with two days on either side, and the distance between
payments gives it.
"""

from collections.abc import Generator
from datetime import date

import orjson

from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, brief
from expectations.interval import HOURS_A_DAY, Interval, milliseconds
from flows.paging import in_order
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, pieces, series_of
from transforms.formats.funding_intervals import CONTEXT_DAYS
from transforms.payload import member

HOST = "api.hyperliquid.xyz"
INFO = f"https://{HOST}/info"
PAGE = 500
WINDOW_DAYS = PAGE // HOURS_A_DAY - 2 * CONTEXT_DAYS  # whole days, less the days beside them

PERPETUALS = {"BTC": ("BTC", date(2023, 5, 13)), "ETH": ("ETH", date(2023, 5, 13))}


def plan_history(ask: Ask) -> Plan:
    """Windows of whole days, each with the days beside it, whose payments give the intervals at its edges."""
    return pieces(ask.days.split(WINDOW_DAYS), lambda window: plan_window(ask, window))


def plan_window(ask: Ask, window: Interval) -> Generator[Request, Answer, None]:
    """The payments of some days and of two days on either side."""
    asked = window.widened(CONTEXT_DAYS)
    start, last = milliseconds(asked.starts_at), milliseconds(asked.ends_at) - 1
    question = {"type": "fundingHistory", "coin": ask.series.symbol, "startTime": start, "endTime": last}
    page = yield Request(
        INFO,
        method="POST",
        body=orjson.dumps(question).decode(),
        labels={
            "asset": ask.series.name,
            "coin": ask.series.symbol,
            "first": f"{window.start}",
            "last": f"{window.last}",
        },
    )
    stamps = in_order([int(member(payment, "time")) for payment in page.json()], since=start, before=last + 1)
    if len(stamps) >= PAGE:
        raise PayloadChanged(f"expected under {PAGE} payments of {len(window)} days, found a full page")


def count_history(ask: Ask) -> dict[str, int]:
    """One request for each window."""
    return {HOST: -(-len(ask.days) // WINDOW_DAYS)}


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
            series_of(PERPETUALS),
            days_per_ask=366,
            count=count_history,
        ),
    ),
    # 1,200 weight a minute: a page costs 20, and one more for each 20 rows, which is 45 when it is full.
    limits={HOST: Limit(24, 60, burst=6)},
    docs="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals",
    terms="public market data, free to use",
    attribution="Hyperliquid",
    verified="documented",
    verified_against=(
        "a recorded answer of bitcoin from the first payment on (12 May to 17 July 2023): payments came "
        "every eight hours up to 8 June 2023 00:00, and by the hour from 01:00 on; one stamp is 24 minutes "
        "late (23 May), one hour is missing (2 July 20:00). The interval of the very first payment is not "
        "told, so the days begin with the next one. That ether is the same is believed"
    ),
    refusal=refusal,
    connections=2,
)
