"""Bitfinex: spot prices in US dollars, and what it costs to borrow USDT.

Docs      https://docs.bitfinex.com/reference/rest-public-candles
Terms     public market data, free; no redistribution of raw data
Quirks    close comes before high and low; newest first unless sorted; both bounds are inclusive; an error can be a
          list; bitcoin trades about a tenth of a percent above other dollar venues. Loans have candles of their own,
          for each term: those over two days (`p2`), the shortest. Their rates are per day. A day without
          such a loan has no candle. The flash return rate (funding/stats) is left out: it is a smoothed rate for the
          same asset at the same venue, and misses the spikes
Verified  the documentation; the order of the fields against recorded candles of a minute (2025). Bitcoin is there since
          2013 and ether since March 2016, but trading stopped from 2 to 10 August 2016: we begin after it. Loans of
          dollars were seen from July 2016 on; since when USDT is lent is believed, and what Bitfinex has nothing for
          ends as verified_empty. No candle of loans was recorded; that its fields have the order of the others and
          that its rate is per day is what the documentation and two of its readers say
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.borrow_rates import BORROW_RATES
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from expectations.interval import day_start, milliseconds
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api-pub.bitfinex.com"
CANDLES = f"https://{HOST}/v2/candles"
PAGE = 10_000
SETTLED = every_day(timedelta(minutes=5))

MARKETS = {"BTC": ("tBTCUSD", date(2016, 8, 11)), "ETH": ("tETHUSD", date(2016, 8, 11))}

# Our name of the asset: loans of it over two days.
LOANS = {"USDT": ("fUST:p2", date(2020, 1, 1))}

# Rate limit, and a service under maintenance.
TOO_BUSY = {11010, 20060}


def plan_candles(ask: Ask) -> Plan:
    """One page: an ask is never longer."""
    yield Request(
        f"{CANDLES}/trade:1D:{ask.series.symbol}/hist",
        params={
            "start": milliseconds(ask.days.starts_at),
            "end": milliseconds(day_start(ask.days.last)),
            "limit": PAGE,
            "sort": 1,
        },
        labels={"asset": ask.series.name},
    )


def refusal(answer: Answer) -> PipelineError | None:
    """An error, as a list that says so or as an object."""
    document = answer.json()
    message = f"expected candles from Bitfinex, found {str(document)[:120]}"
    if isinstance(document, list) and document[:1] == ["error"]:
        busy = len(document) > 1 and document[1] in TOO_BUSY
        return SourceUnavailable(message) if busy else SourceRefused(message)
    if isinstance(document, dict) and "error" in document:
        return SourceUnavailable(message)
    return None


SOURCE = Source(
    name="bitfinex",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_candles,
            tuple(Series(asset, symbol, since, SETTLED) for asset, (symbol, since) in MARKETS.items()),
            days_per_ask=5000,
            restates_for=timedelta(days=3),
        ),
        Feed(
            BORROW_RATES,
            plan_candles,
            tuple(Series(asset, symbol, since, SETTLED) for asset, (symbol, since) in LOANS.items()),
            days_per_ask=5000,
            restates_for=timedelta(days=3),
        ),
    ),
    limits={HOST: Limit(20, 60, burst=4)},  # 30 a minute
    docs="https://docs.bitfinex.com/reference/rest-public-candles",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Bitfinex",
    verified="documented",
    refusal=refusal,
    connections=2,
)
