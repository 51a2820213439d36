"""Kraken Futures: the funding of its bitcoin and ether perpetuals, hour by hour.

Docs      https://docs.kraken.com/api-reference/historical-funding-rates/historical-funding-rates
Terms     public market data, free
Quirks    one answer holds everything, oldest first, the running hour too; a row is stamped at the start of its hour;
          `fundingRate` is in dollars per contract, `relativeFundingRate` is the fraction; the answer does not say which
          contract it is about
Verified  the documentation and its example. Kraken says that the history goes back to the first trade; in 2025 and 2026
          others got the newest 368 days or so, and no more: days before them end as verified_empty. That a stamp is the
          start of its hour is read from "the period to which the funding rate applies", not measured. The first day is
          that after payments by the hour began, on 29 September 2022; before they came every four hours
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "futures.kraken.com"
HISTORY = f"https://{HOST}/derivatives/api/v3/historical-funding-rates"
WHOLE_HISTORY = 36_600  # days: more than there are
KEPT_DAYS = 366  # about 368 were measured
SETTLED = every_day(timedelta(minutes=5))

PERPETUALS = {"BTC": ("PF_XBTUSD", date(2022, 10, 1)), "ETH": ("PF_ETHUSD", date(2022, 10, 1))}

TOO_BUSY = {"apiLimitExceeded", "marketUnavailable", "Server Error", "Unavailable"}


def plan_history(ask: Ask) -> Plan:
    """Everything that Kraken has of the contract."""
    yield Request(HISTORY, params={"symbol": ask.series.symbol}, labels={"asset": ask.series.name})


def refusal(answer: Answer) -> PipelineError | None:
    """A result that is no success."""
    document = answer.json()
    if not isinstance(document, dict) or document.get("result") != "error":
        return None
    message = f"expected payments from Kraken Futures, found {str(document)[:200]}"
    return SourceUnavailable(message) if document.get("error") in TOO_BUSY else SourceRefused(message)


SOURCE = Source(
    name="krakenfutures",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_history,
            tuple(Series(asset, contract, since, SETTLED) for asset, (contract, since) in PERPETUALS.items()),
            days_per_ask=WHOLE_HISTORY,
            restates_for=timedelta(days=3),
            kept_for=timedelta(days=KEPT_DAYS),
            whole_history=True,
        ),
    ),
    limits={HOST: Limit(30, 60, burst=2)},  # none published for public questions
    docs="https://docs.kraken.com/api-reference/historical-funding-rates/historical-funding-rates",
    terms="public market data, free to use",
    attribution="Kraken",
    verified="documented",
    refusal=refusal,
    connections=2,
)
