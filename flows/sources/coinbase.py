"""Coinbase Exchange: spot prices in US dollars.

Docs      https://docs.cdp.coinbase.com/exchange/reference
Terms     public market data, free; no redistribution of raw data
Quirks    low and high come before open and close; newest first; both bounds are inclusive and at most 300 candles
          are answered; a User-Agent is required
Verified  a recorded answer of daily candles (2026)
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceUnavailable
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api.exchange.coinbase.com"
PRODUCTS = f"https://{HOST}/products"
PAGE = 300
SETTLED = every_day(timedelta(minutes=5))

MARKETS = {"BTC": ("BTC-USD", date(2015, 7, 20)), "ETH": ("ETH-USD", date(2016, 5, 18))}


def plan_candles(ask: Ask) -> Plan:
    """Windows of at most 300 days, both ends included."""
    for days in ask.days.split(PAGE):
        yield Request(
            f"{PRODUCTS}/{ask.series.symbol}/candles",
            params={
                "granularity": 86400,
                "start": f"{days.start}T00:00:00Z",
                "end": f"{days.last}T00:00:00Z",
            },
            labels={"asset": ask.series.name},
        )


def refusal(answer: Answer) -> PipelineError | None:
    """An error object where a list of candles was expected."""
    document = answer.json()
    if isinstance(document, dict) and "message" in document:
        return SourceUnavailable(f"expected candles from Coinbase, found {document['message']!r}")
    return None


SOURCE = Source(
    name="coinbase",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_candles,
            tuple(Series(asset, product, since, SETTLED) for asset, (product, since) in MARKETS.items()),
            days_per_ask=PAGE,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
        ),
    ),
    limits={HOST: Limit(9, 1, burst=4)},
    docs="https://docs.cdp.coinbase.com/exchange/reference",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Coinbase Exchange",
    verified="recorded",
    refusal=refusal,
    connections=2,
)
