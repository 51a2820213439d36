"""Bithumb: daily and hourly won prices and turnover of the stablecoins.

The answers look like Upbit's, but days start at 00:00 in Seoul (15:00 UTC of the day before) and `to` is read as
Seoul time, exclusive; newest first; the number of candles defaults to one; an error may come in a 200. An hour
without a trade is left out and looks like a lost one: only 24 hours make a UTC day like Upbit's; otherwise the Seoul
day is used.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from expectations.datasets.hourly_krw_prices import HOURLY_KRW_PRICES
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import HOURS_A_DAY, milliseconds
from flows.paging import shows_beginning, walk_back
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of
from transforms.payload import member

HOST = "api.bithumb.com"
DAYS = f"https://{HOST}/v1/candles/days"
HOURS = f"https://{HOST}/v1/candles/minutes/60"
PAGE = 200
# A day in Seoul is public nine hours earlier; it is requested once it is over in UTC too.
SEOUL_AHEAD = timedelta(hours=9)
MILLISECOND = timedelta(milliseconds=1)
# Error names for which a retry helps.
PASSING = {"429", "too_many_requests", "500", "503"}

# Ten days before the first won market of a stablecoin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": ("KRW-USDC", SINCE), "USDT": ("KRW-USDT", SINCE)}


def plan_days(ask: Ask) -> Plan:
    """The Seoul days, 200 a page."""
    midnight = datetime.min.time()
    start, end = (datetime.combine(day, midnight) for day in (ask.days.start, ask.days.end))
    return _walk(ask, DAYS, start, end, timedelta(days=1))


def plan_hours(ask: Ask) -> Plan:
    """The hours of UTC days, 200 a page."""
    start, end = (instant.replace(tzinfo=None) + SEOUL_AHEAD for instant in (ask.days.starts_at, ask.days.ends_at))
    return _walk(ask, HOURS, start, end, timedelta(hours=1))


def _walk(ask: Ask, url: str, start: datetime, end: datetime, step: timedelta) -> Plan:
    """Walk backward from the end to the first wanted candle; both bounds are in Seoul clock time."""
    first = _on_the_clock(start)

    def page_before(stamp: int) -> Request:
        to = datetime.fromtimestamp(stamp / 1000, UTC)
        return Request(
            url,
            params={
                "market": ask.series.symbol,
                "count": min(PAGE, (stamp - first) // (step // MILLISECOND)),
                "to": f"{to:%Y-%m-%dT%H:%M:%S}",
            },
            labels={"asset": ask.series.name, "market": ask.series.symbol},
        )

    return walk_back(page_before, stamps_of, first, _on_the_clock(end), step=step // MILLISECOND)


def _on_the_clock(local: datetime) -> int:
    """A local clock time, as milliseconds since that clock showed the beginning of 1970."""
    return milliseconds(local.replace(tzinfo=UTC))


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in Seoul clock time."""
    return [
        _on_the_clock(datetime.fromisoformat(str(member(candle, "candle_date_time_kst")))) for candle in answer.json()
    ]


def refusal(answer: Answer) -> PipelineError | None:
    """An object where a list of candles was expected: an error of Bithumb's current API or of the old one."""
    document = answer.json()
    if not isinstance(document, dict):
        return None
    error = document.get("error", document)
    sentence = f"expected candles from Bithumb, found {brief(error)}"
    if isinstance(error, dict) and brief(error.get("name")) in PASSING:
        return SourceUnavailable(sentence)
    return SourceRefused(sentence)


SOURCE = Source(
    name="bithumb",
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
    limits={HOST: Limit(20, 1, burst=4)},
    docs="https://apidocs.bithumb.com/reference",
    terms="public market data, free to use",
    attribution="Bithumb",
    verified="recorded",
    verified_against=(
        "a recorded answer of KRW-BTC days (2026); hours and the stablecoins' markets have the same shape. "
        "That `to` is Seoul time is documented, and others measured it. USDT was announced on 2023-12-07; "
        "the first days are not known: what Bithumb shows to have nothing for before its first candle ends "
        "as verified_empty"
    ),
    refusal=refusal,
    connections=2,
)
