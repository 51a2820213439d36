"""Coinone: daily and hourly won prices and turnover of the stablecoins.

Newest first; 200 candles by default, at most 500; days start at 00:00 in Seoul (15:00 UTC of the day before); numbers
are text; errors come in a 200; exceeding the rate limit blocks for ten minutes. An hour without a trade may be left
out: only 24 hours make a UTC day; otherwise the Seoul day is used.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

from expectations.datasets.hourly_krw_prices import HOURLY_KRW_PRICES
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import HOURS_A_DAY, milliseconds
from flows.paging import walk_back
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of
from transforms.payload import member

HOST = "api.coinone.co.kr"
CHART = f"https://{HOST}/public/v2/chart/KRW"
PAGE = 500
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# A day in Seoul is public nine hours earlier; it is requested once it is over in UTC too.
SEOUL_AHEAD = timedelta(hours=9)
BLOCKED = "4"  # rate limit exceeded

# Ten days before the first won market of a stablecoin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": ("USDC", SINCE), "USDT": ("USDT", SINCE)}


def plan_days(ask: Ask) -> Plan:
    """The Seoul days, 500 a page."""
    start, end = (milliseconds(instant - SEOUL_AHEAD) for instant in (ask.days.starts_at, ask.days.ends_at))
    yield from _walk(ask, "1d", start, end, DAY_MS)


def plan_hours(ask: Ask) -> Plan:
    """The hours of UTC days, 500 a page."""
    yield from _walk(ask, "1h", milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at), HOUR_MS)


def _walk(ask: Ask, interval: str, start: int, end: int, step: int) -> Plan:
    """Walk backward from the end to the first wanted candle.

    A page that holds the oldest candle says so (`is_last`); no other page is taken for the last.
    """

    def page_before(stamp: int) -> Request:
        return Request(
            f"{CHART}/{ask.series.symbol}",
            params={"interval": interval, "size": min(PAGE, (stamp - start) // step), "timestamp": stamp - 1},
            labels={"asset": ask.series.name},
        )

    walk = walk_back(page_before, stamps_of, start, end, step=step)
    request = next(walk)
    while True:
        answer = yield request
        try:
            request = walk.send(answer)
        except StopIteration:
            return
        if holds_the_oldest(answer):
            return


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in milliseconds since 1970."""
    return [int(member(candle, "timestamp")) for candle in member(answer.json(), "chart")]


def holds_the_oldest(answer: Answer) -> bool:
    """Whether a page has candles, fewer than requested, and says that they are the last."""
    asked = int(parse_qs(urlsplit(answer.request.address).query)["size"][0])
    document = answer.json()
    return 0 < len(member(document, "chart")) < asked and member(document, "is_last") is True


def begins(answers: Sequence[Answer]) -> bool:
    """Whether the page with the oldest candle says that it is the last."""
    pages = [answer for answer in answers if stamps_of(answer)]
    return bool(pages) and holds_the_oldest(min(pages, key=lambda page: min(stamps_of(page))))


def refusal(answer: Answer) -> PipelineError | None:
    """Coinone's error, which comes in a 200."""
    document = answer.json()
    if not isinstance(document, dict) or document.get("result") != "error":
        return None
    code = brief(document.get("error_code"))
    sentence = f"expected a chart from Coinone, found error {code}: {brief(document.get('error_msg'))}"
    return SourceUnavailable(sentence) if code == BLOCKED else SourceRefused(sentence)


SOURCE = Source(
    name="coinone",
    feeds=(
        Feed(
            KRW_PRICES,
            plan_days,
            series_of(MARKETS),
            days_per_ask=2000,
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
            begins=begins,
        ),
        Feed(
            HOURLY_KRW_PRICES,
            plan_hours,
            series_of(MARKETS),
            days_per_ask=366,
            count=lambda ask: {HOST: -(-len(ask.days) * HOURS_A_DAY // PAGE)},
            begins=begins,
        ),
    ),
    limits={HOST: Limit(4, 1, burst=2)},
    docs="https://docs.coinone.co.kr/reference/chart",
    terms="public market data, free to use",
    attribution="Coinone",
    verified="documented",
    verified_against=(
        "documentation and other people's clients; no answer was recorded. That `1d` starts at 00:00 in "
        "Seoul is what those clients assume, and each row is held to it. Whether `timestamp` itself still "
        "belongs to the page is told both ways, so it is always asked for a millisecond between two candles. "
        "USDT was listed on 2023-11-30 at 17:05 in Seoul; the first day of USDC is not known: what lies "
        "before the candle that Coinone says is its first ends as verified_empty"
    ),
    refusal=refusal,
    connections=1,
)
