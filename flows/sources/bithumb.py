"""Bithumb: won prices and turnover of the dollar coins.

Docs      https://apidocs.bithumb.com/reference
Terms     public market data, free
Quirks    the answers look like Upbit's, but days start at 00:00 in Seoul (15:00 UTC of the day before) and `to` is
          read as Seoul time, exclusive; newest first; the number of candles defaults to one; an error may come in a
          200. Hours, of which days like Upbit's could be made, are not asked for: an hour without a trade is left out,
          and looks like one that the answer has lost
Verified  a recorded answer of KRW-BTC days (2026); the dollar coins' markets have the same shape. That `to` is Seoul
          time is documented, and others measured it. USDT was announced on 2023-12-07; the first days are not
          known: what Bithumb has nothing for before its first candle ends as verified_empty
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.payload import member

HOST = "api.bithumb.com"
DAYS = f"https://{HOST}/v1/candles/days"
PAGE = 200
# A day in Seoul is public nine hours earlier; days are asked for when they are over in UTC too.
SETTLED = every_day(timedelta(minutes=5))
# Names of errors that pass by themselves.
PASSING = {"429", "too_many_requests", "500", "503"}

# Ten days before the first won market of a dollar coin, so that a ledger sees where each history begins.
SINCE = date(2023, 11, 20)
MARKETS = {"USDC": "KRW-USDC", "USDT": "KRW-USDT"}


def plan_days(ask: Ask) -> Plan:
    """Walk backward from the end, 200 days of Seoul a page, until the first wanted day is there.

    An empty page says that nothing is older. Because that is believed for good, it is asked for twice.
    """
    to = ask.days.end
    empty_before = False
    while to > ask.days.start:
        page = yield Request(
            DAYS,
            params={
                "market": ask.series.symbol,
                "count": min(PAGE, (to - ask.days.start).days),
                "to": f"{to}T00:00:00",
            },
            labels={"asset": ask.series.name, "market": ask.series.symbol},
        )
        candles = page.json()
        if candles:
            stamp = str(member(candles[-1], "candle_date_time_kst"))
            oldest = date.fromisoformat(stamp[:10])
            if oldest >= to:
                raise PayloadChanged(f"expected candles before {to}, found {stamp}")
            to = oldest
        elif empty_before:
            return
        empty_before = not candles


def refusal(answer: Answer) -> PipelineError | None:
    """An object where a list of candles was expected: Bithumb's error, of the present interface or of the old one."""
    document = answer.json()
    if not isinstance(document, dict):
        return None
    error = document.get("error", document)
    sentence = f"expected candles from Bithumb, found {error}"
    if isinstance(error, dict) and str(error.get("name")) in PASSING:
        return SourceUnavailable(sentence)
    return SourceRefused(sentence)


SOURCE = Source(
    name="bithumb",
    feeds=(
        Feed(
            KRW_PRICES,
            plan_days,
            tuple(Series(asset, market, SINCE, SETTLED) for asset, market in MARKETS.items()),
            days_per_ask=2000,
            restates_for=timedelta(days=3),
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
        ),
    ),
    limits={HOST: Limit(20, 1, burst=4)},
    docs="https://apidocs.bithumb.com/reference",
    terms="public market data, free to use",
    attribution="Bithumb",
    verified="recorded",
    refusal=refusal,
    connections=2,
)
