"""GOPAX: won prices and turnover of the dollar coins.

Docs      https://gopax.github.io/API
Terms     public market data, free
Quirks    low and high come before open and close; oldest first; `start` and `end` must be sent; days start at 00:00
          UTC; at most 1,024 candles; no turnover in won, so it is estimated; days without a trade may be left out
Verified  documentation and other people's clients; no answer for a day was recorded. Whether `end` itself belongs
          to the page is not documented, so it is asked for a millisecond before a candle. The first days are not
          known: what GOPAX has nothing for before its first candle ends as verified_empty
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, brief
from expectations.interval import milliseconds
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api.gopax.co.kr"
PAIRS = f"https://{HOST}/trading-pairs"
PAGE = 500  # well below the limit, so that a smaller one than documented is not met either
SETTLED = every_day(timedelta(minutes=5))

# Ten days before the first won market of a dollar coin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": "USDC-KRW", "USDT": "USDT-KRW"}


def plan_days(ask: Ask) -> Plan:
    """Windows of at most 500 days, which a page holds whole."""
    for days in ask.days.split(PAGE):
        yield Request(
            f"{PAIRS}/{ask.series.symbol}/candles",
            params={
                "start": milliseconds(days.starts_at),
                "end": milliseconds(days.ends_at) - 1,
                "interval": 1440,
            },
            labels={"asset": ask.series.name},
        )


def refusal(answer: Answer) -> PipelineError | None:
    """An object where a list of candles was expected: GOPAX's error, of the present interface or of the old one."""
    document = answer.json()
    if isinstance(document, dict):
        return SourceRefused(f"expected candles from GOPAX, found {brief(document)}")
    return None


SOURCE = Source(
    name="gopax",
    feeds=(
        Feed(
            KRW_PRICES,
            plan_days,
            tuple(Series(asset, pair, SINCE, SETTLED) for asset, pair in MARKETS.items()),
            days_per_ask=2000,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
        ),
    ),
    limits={HOST: Limit(10, 1, burst=2)},
    docs="https://gopax.github.io/API",
    terms="public market data, free to use",
    attribution="GOPAX",
    verified="documented",
    refusal=refusal,
    connections=2,
)
