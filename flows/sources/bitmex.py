"""BitMEX: the funding of its bitcoin and ether perpetuals, every eight hours.

Docs      https://docs.bitmex.com/api-explorer/get-funding
Terms     public market data, free; no redistribution of raw data
Quirks    paid at 04:00, 12:00 and 20:00 UTC; the interval is told as a time after 2000-01-01; at most 500 rows, the
          next ones by `start`, a number of rows; 30 requests a minute without an account; both are settled in bitcoin
Verified  the documentation and quoted answers (2018 to 2024). One report of 2026 calls XBTUSD settled, others of the
          same year got its payments: where it has ended, its days end as failed and want an `until`. The first day of
          ETHUSD is believed
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.payload import member

HOST = "www.bitmex.com"
FUNDING = f"https://{HOST}/api/v1/funding"
PAGE = 500
PAYMENTS_A_DAY = 3
SETTLED = every_day(timedelta(minutes=5))

# The first whole day of payments: XBTUSD paid first on 14 May 2016 at 12:00.
PERPETUALS = {"BTC": ("XBTUSD", date(2016, 5, 15)), "ETH": ("ETHUSD", date(2018, 8, 3))}


def plan_funding(ask: Ask) -> Plan:
    """Pages of 500 payments, oldest first, until one is not full."""
    start, newest = 0, ""
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
        if len(payments) < PAGE:
            return
        last = str(member(payments[-1], "timestamp"))
        if last <= newest:
            raise PayloadChanged(f"expected a page that goes on after {newest}, found one that ends at {last}")
        start, newest = start + len(payments), last


def count_funding(ask: Ask) -> dict[str, int]:
    """One request for each page; after a full one another, because only a short one says that it is the last."""
    return {HOST: len(ask.days) * PAYMENTS_A_DAY // PAGE + 1}


def refusal(answer: Answer) -> PipelineError | None:
    """BitMEX's error object, where a list of payments was expected."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    error = document["error"]
    message = f"expected payments from BitMEX, found error {brief(error)}"
    told = brief(error.get("message")) if isinstance(error, dict) else ""
    busy = "overloaded" in told or told.startswith("Rate limit exceeded")
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="bitmex",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_funding,
            tuple(Series(asset, symbol, since, SETTLED) for asset, (symbol, since) in PERPETUALS.items()),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            count=count_funding,
        ),
    ),
    limits={HOST: Limit(25, 60, burst=5)},
    docs="https://docs.bitmex.com/api-explorer/get-funding",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="BitMEX",
    verified="documented",
    refusal=refusal,
    connections=2,
)
