"""BitMEX: the funding of its bitcoin and ether perpetuals, every eight hours, up to September 2026.

Paid at 04:00, 12:00 and 20:00 UTC, in the first weeks of 2016 once a day at 12:00; the interval is given as a time
after 2000-01-01; at most 500 rows a page, `start` is a row offset; 30 requests a minute without an account; both are
settled in bitcoin. Both ended on 16 September 2026, and no later day is requested.
"""

from datetime import date, datetime
from typing import Any

from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import milliseconds
from flows.paging import in_order
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of
from transforms.payload import member

HOST = "www.bitmex.com"
FUNDING = f"https://{HOST}/api/v1/funding"
PAGE = 500
PAYMENTS_A_DAY = 3

# The first whole day of payments: XBTUSD paid first on 14 May 2016 at 12:00.
PERPETUALS = {"BTC": ("XBTUSD", date(2016, 5, 15)), "ETH": ("ETHUSD", date(2018, 8, 3))}
ENDED = date(2026, 9, 16)


def plan_funding(ask: Ask) -> Plan:
    """Pages of 500 payments, oldest first, until one is not full."""
    start, since, until = 0, milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)
    while True:
        page = yield Request(
            FUNDING,
            params={
                "symbol": ask.series.symbol,
                "count": PAGE,
                "start": start,
                "reverse": "false",
                "startTime": f"{ask.days.start}T00:00:00.000Z",
                "endTime": f"{ask.days.last}T23:59:59.999Z",
            },
            labels={"asset": ask.series.name, "symbol": ask.series.symbol},
        )
        payments = page.json()
        stamps = in_order([stamp_of(payment) for payment in payments], since=since, before=until)
        if len(payments) < PAGE:
            return
        start, since = start + len(payments), stamps[-1] + 1


def stamp_of(payment: Any) -> int:
    """When a payment was made, in milliseconds since 1970."""
    return milliseconds(datetime.fromisoformat(str(member(payment, "timestamp"))))


def count_funding(ask: Ask) -> dict[str, int]:
    """One request for each page, and one more after a full page, because only a short page is known to be the last."""
    return {HOST: len(ask.days) * PAYMENTS_A_DAY // PAGE + 1}


def refusal(answer: Answer) -> PipelineError | None:
    """BitMEX's error object, where a list of payments was expected."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    error = document["error"]
    message = f"expected payments from BitMEX, found error {brief(error)}"
    reason = brief(error.get("message")) if isinstance(error, dict) else ""
    busy = "overloaded" in reason or reason.startswith("Rate limit exceeded")
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="bitmex",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_funding,
            series_of(PERPETUALS, until=ENDED),
            days_per_ask=366,
            count=count_funding,
        ),
    ),
    limits={HOST: Limit(25, 60, burst=5)},
    docs="https://docs.bitmex.com/api-explorer/get-funding",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="BitMEX",
    verified="documented",
    verified_against=(
        "the documentation, quoted answers (2018 to 2024), and a recorded answer of the test network (2016), "
        "whose interval goes from 24 hours to 8 between 31 May and 1 June: a day covered for 16 hours. On "
        "the real network it is believed to have changed near it. That public funding of XBTUSD and ETHUSD "
        "ended on 16 September 2026 is a collector's note, not BitMEX's own word; `tidemark doctor` asks "
        "whether one paid after it. Which of the payments of the last day were made is not known: it is "
        "asked for, and says what it covers. No successor that could be chained to them is known. The first "
        "day of ETHUSD is believed"
    ),
    refusal=refusal,
    connections=2,
)
