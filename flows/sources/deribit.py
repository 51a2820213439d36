"""Deribit: the funding of its bitcoin and ether perpetuals, hour by hour.

Docs      https://docs.deribit.com/api-reference/market-data/public-get_funding_rate_history
Terms     public market data, free; no redistribution of raw data
Quirks    oldest first; a row is stamped at the end of its hour; the start of the window is exclusive, its end is not;
          at most 744 rows, which are 31 days; the answer does not say which instrument it is about
Verified  the documentation and its example, of October 2019: a window from 00:00 begins with the row of 01:00, and each
          row's index price is the next one's previous index price. The first days are believed, not known: what Deribit
          has nothing for ends as verified_empty
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from expectations.interval import milliseconds
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "www.deribit.com"
HISTORY = f"https://{HOST}/api/v2/public/get_funding_rate_history"
WINDOW_DAYS = 31
SETTLED = every_day(timedelta(minutes=5))

PERPETUALS = {"BTC": ("BTC-PERPETUAL", date(2019, 5, 1)), "ETH": ("ETH-PERPETUAL", date(2019, 5, 1))}

# too_many_requests, retry, temporarily_unavailable, timed_out.
TOO_BUSY = {10028, 10040, 13028, 13888}


def plan_history(ask: Ask) -> Plan:
    """Windows of 31 days: the rows stamped 00:00 of the first day up to 23:00 of the last one."""
    for days in ask.days.split(WINDOW_DAYS):
        yield Request(
            HISTORY,
            params={
                "instrument_name": ask.series.symbol,
                "start_timestamp": milliseconds(days.starts_at) - 1,
                "end_timestamp": milliseconds(days.ends_at) - 1,
            },
            labels={"asset": ask.series.name},
        )


def refusal(answer: Answer) -> PipelineError | None:
    """The error of JSON-RPC, in place of a result."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    error = document["error"]
    message = f"expected payments from Deribit, found error {error}"
    busy = isinstance(error, dict) and error.get("code") in TOO_BUSY
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="deribit",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_history,
            tuple(Series(asset, instrument, since, SETTLED) for asset, (instrument, since) in PERPETUALS.items()),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) // WINDOW_DAYS)},
        ),
    ),
    limits={HOST: Limit(5, 1, burst=2)},  # 20 a second with an account; what a stranger may ask is not published
    docs="https://docs.deribit.com/api-reference/market-data/public-get_funding_rate_history",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Deribit",
    verified="documented",
    refusal=refusal,
    connections=2,
)
