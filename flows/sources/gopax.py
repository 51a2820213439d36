"""GOPAX: won prices and turnover of the stablecoins.

Low and high come before open and close; oldest first; `start` and `end` must be sent; days start at 00:00 UTC; at
most 1,024 candles; no turnover in won, so it is estimated; days without a trade may be left out.
"""

from collections.abc import Sequence
from datetime import date

from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, brief
from expectations.interval import milliseconds
from flows.paging import shows_beginning, walk_windows
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of

HOST = "api.gopax.co.kr"
PAIRS = f"https://{HOST}/trading-pairs"
PAGE = 500  # well below the documented limit, in case the real one is smaller
DAY_MS = 86_400_000

# Ten days before the first won market of a stablecoin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": ("USDC-KRW", SINCE), "USDT": ("USDT-KRW", SINCE)}


def plan_days(ask: Ask) -> Plan:
    """Windows of at most 500 days, which a page holds whole."""

    def page(since: int, until: int) -> Request:
        return Request(
            f"{PAIRS}/{ask.series.symbol}/candles",
            params={"start": since, "end": until - 1, "interval": 1440},
            labels={"asset": ask.series.name},
        )

    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)
    return walk_windows(page, stamps_of, start, end, step=DAY_MS, size=PAGE)


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in milliseconds since 1970."""
    return [int(candle[0]) for candle in answer.json()]


def refusal(answer: Answer) -> PipelineError | None:
    """An object where a list of candles was expected: an error of GOPAX's current API or of the old one."""
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
            series_of(MARKETS),
            days_per_ask=2000,
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
            begins=shows_beginning(stamps_of),
        ),
    ),
    limits={HOST: Limit(10, 1, burst=2)},
    docs="https://gopax.github.io/API",
    terms="public market data, free to use",
    attribution="GOPAX",
    verified="documented",
    verified_against=(
        "documentation and other people's clients; no answer for a day was recorded. Whether `end` itself "
        "belongs to the page is not documented, so it is asked for a millisecond before a candle. The first "
        "days are not known: what GOPAX shows to have nothing for before its first candle ends as "
        "verified_empty"
    ),
    refusal=refusal,
    connections=2,
)
