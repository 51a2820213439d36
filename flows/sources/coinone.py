"""Coinone: won prices and turnover of the dollar coins, by the day and the hour.

Docs      https://docs.coinone.co.kr/reference/chart
Terms     public market data, free
Quirks    newest first; 200 candles unless more are asked for, at most 500; days start at 00:00 in Seoul (15:00 UTC of
          the day before); numbers are text; errors come in a 200; who asks too often is blocked for ten minutes. An
          hour without a trade may be left out: only 24 hours make a day of UTC, else there is the day of Seoul
Verified  documentation and other people's clients; no answer was recorded. That `1d` starts at 00:00 in Seoul is
          what those clients assume, and each row is held to it. Whether `timestamp` itself still belongs to the page
          is told both ways, so it is always asked for a millisecond between two candles. USDT was listed on
          2023-11-30 at 17:05 in Seoul; the first day of USDC is not known: what Coinone has nothing for before its
          first candle ends as verified_empty
"""

from datetime import UTC, date, datetime, timedelta

from expectations.calendar import every_day
from expectations.datasets.hourly_krw_prices import HOURLY_KRW_PRICES
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import milliseconds
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.payload import member

HOST = "api.coinone.co.kr"
CHART = f"https://{HOST}/public/v2/chart/KRW"
PAGE = 500
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
HOURS_A_DAY = 24
SEOUL_AHEAD = timedelta(hours=9)
# A day in Seoul is public nine hours earlier; days are asked for when they are over in UTC too.
SETTLED = every_day(timedelta(minutes=5))
BLOCKED = "4"  # asked too often

# Ten days before the first won market of a dollar coin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": "USDC", "USDT": "USDT"}


def plan_days(ask: Ask) -> Plan:
    """The days of Seoul, 500 a page."""
    start, end = (milliseconds(instant - SEOUL_AHEAD) for instant in (ask.days.starts_at, ask.days.ends_at))
    yield from _walk(ask, "1d", start, end, DAY_MS)


def plan_hours(ask: Ask) -> Plan:
    """The hours of days of UTC, 500 a page."""
    yield from _walk(ask, "1h", milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at), HOUR_MS)


def _walk(ask: Ask, interval: str, start: int, end: int, step: int) -> Plan:
    """Walk backward from the end until the first wanted candle is there.

    A page that is shorter than was asked for and says so (`is_last`) holds the oldest candle. An empty page says that
    nothing is older. Because that is believed for good, it is asked for twice.
    """
    empty_before = False
    while end > start:
        size = min(PAGE, (end - start) // step)
        page = yield Request(
            f"{CHART}/{ask.series.symbol}",
            params={"interval": interval, "size": size, "timestamp": end - 1},
            labels={"asset": ask.series.name},
        )
        document = page.json()
        candles = member(document, "chart")
        if candles:
            oldest = min(int(member(candle, "timestamp")) for candle in candles)
            if oldest >= end:
                newest = datetime.fromtimestamp(end / 1000, UTC)
                raise PayloadChanged(f"expected candles before {newest:%Y-%m-%d %H:%M} UTC, found {oldest}")
            if len(candles) < size and member(document, "is_last") is True:
                return
            end = oldest
        elif empty_before:
            return
        empty_before = not candles


def refusal(answer: Answer) -> PipelineError | None:
    """Coinone's error, which comes with the status of a success."""
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
            tuple(Series(asset, target, SINCE, SETTLED) for asset, target in MARKETS.items()),
            days_per_ask=2000,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
        ),
        Feed(
            HOURLY_KRW_PRICES,
            plan_hours,
            tuple(Series(asset, target, SINCE, SETTLED) for asset, target in MARKETS.items()),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) * HOURS_A_DAY // PAGE)},
        ),
    ),
    limits={HOST: Limit(4, 1, burst=2)},
    docs="https://docs.coinone.co.kr/reference/chart",
    terms="public market data, free to use",
    attribution="Coinone",
    verified="documented",
    refusal=refusal,
    connections=1,
)
