"""Korbit (DigitalX since August 2026): daily and hourly won prices and turnover of the stablecoins.

The host kept its name; oldest first; `limit` must be sent, at most 200, and keeps the newest; days start at 00:00 in
Seoul (15:00 UTC of the day before); numbers are text; no turnover in won, so it is estimated; an error may come in a
200. An hour without a trade may be left out: only 24 hours make a UTC day; otherwise the Seoul day is used.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from expectations.datasets.hourly_krw_prices import HOURLY_KRW_PRICES
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, brief
from expectations.interval import HOURS_A_DAY, milliseconds
from flows.paging import shows_beginning, walk_windows
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of
from transforms.payload import member

HOST = "api.korbit.co.kr"
CANDLES = f"https://{HOST}/v2/candles"
PAGE = 200
# A day in Seoul is public nine hours earlier; it is requested once it is over in UTC too.
SEOUL_AHEAD = timedelta(hours=9)

# Ten days before the first won market of a stablecoin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": ("usdc_krw", SINCE), "USDT": ("usdt_krw", SINCE)}


def plan_days(ask: Ask) -> Plan:
    """The Seoul days, 200 a page."""
    start, end = (instant - SEOUL_AHEAD for instant in (ask.days.starts_at, ask.days.ends_at))
    return _windows(ask, "1D", start, end, timedelta(days=1))


def plan_hours(ask: Ask) -> Plan:
    """The hours of UTC days, 200 a page."""
    return _windows(ask, "60", ask.days.starts_at, ask.days.ends_at, timedelta(hours=1))


def _windows(ask: Ask, interval: str, start: datetime, end: datetime, step: timedelta) -> Plan:
    """Windows of at most 200 candles, which a page holds whole."""

    def page(since: int, until: int) -> Request:
        return Request(
            CANDLES,
            params={
                "symbol": ask.series.symbol,
                "interval": interval,
                "start": since,
                "end": until - 1,
                "limit": PAGE,
            },
            labels={"asset": ask.series.name},
        )

    step_ms = step // timedelta(milliseconds=1)
    return walk_windows(page, stamps_of, milliseconds(start), milliseconds(end), step=step_ms, size=PAGE)


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in milliseconds since 1970."""
    return [int(member(candle, "timestamp")) for candle in member(answer.json(), "data")]


def refusal(answer: Answer) -> PipelineError | None:
    """Korbit's error, which may come in a 200."""
    document = answer.json()
    if isinstance(document, dict) and document.get("success") is False:
        return SourceRefused(f"expected candles from Korbit, found {brief(document.get('error'))}")
    return None


SOURCE = Source(
    name="korbit",
    feeds=(
        Feed(
            KRW_PRICES,
            plan_days,
            series_of(MARKETS),
            days_per_ask=2000,
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
            begins=shows_beginning(stamps_of),
        ),
        Feed(
            HOURLY_KRW_PRICES,
            plan_hours,
            series_of(MARKETS),
            days_per_ask=366,
            count=lambda ask: {HOST: -(-len(ask.days) * HOURS_A_DAY // PAGE)},
            begins=shows_beginning(stamps_of),
        ),
    ),
    limits={HOST: Limit(10, 1, burst=2)},
    docs="https://docs.korbit.co.kr",
    terms="public market data, free to use",
    attribution="Korbit (DigitalX)",
    verified="recorded",
    verified_against=(
        "a recorded answer of btc_krw days (2026); hours and the stablecoins' markets have the same shape. "
        "Whether `end` itself belongs to the page is not documented, so it is asked for a millisecond before "
        "a candle. The first days are not known: what Korbit shows to have nothing for before its first "
        "candle ends as verified_empty"
    ),
    refusal=refusal,
    connections=2,
)
