"""Kraken: daily and hourly spot prices in US dollars, a second venue beside Coinbase; USDT by the day only.

Oldest first; only the latest 720 days or hours are served, whatever is requested. `since` is exclusive, and there is
no end. Bitcoin is XBT, and the answer may name a pair differently from the request: each of its known names is
accepted. The newest candle is unfinished: `last` is the stamp of the newest finished one. Errors come as a list in a
200.
"""

from datetime import date, timedelta

from expectations.datasets.hourly_prices import HOURLY_PRICES
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api.kraken.com"
OHLC = f"https://{HOST}/0/public/OHLC"
DAY_IN_MINUTES = 1440
HOUR_IN_MINUTES = 60
PAGE = 720
DAYS_KEPT = timedelta(days=PAGE - 5)
# 720 hours are 30 days; the oldest wanted day must still be complete.
HOURS_KEPT = timedelta(days=28)

# Our name of the asset: the pair in the request, the pair as the answer is believed to name it, and its first day.
MARKETS = {
    "BTC": ("XBTUSD", "XXBTZUSD", date(2013, 10, 6)),
    "ETH": ("ETHUSD", "XETHZUSD", date(2015, 8, 7)),
    "USDT": ("USDTUSD", "USDTZUSD", date(2017, 4, 1)),
}
HOURLY = ("BTC", "ETH")


def plan_days(ask: Ask) -> Plan:
    """Every day from the first wanted one on."""
    yield from _since(ask, DAY_IN_MINUTES)


def plan_hours(ask: Ask) -> Plan:
    """Every hour from the first wanted day on."""
    yield from _since(ask, HOUR_IN_MINUTES)


def _since(ask: Ask, minutes: int) -> Plan:
    yield Request(
        OHLC,
        params={
            "pair": ask.series.symbol,
            "interval": minutes,
            "since": round(ask.days.starts_at.timestamp()) - 1,
        },
        labels={"asset": ask.series.name, **ask.series.labels},
    )


SERIES = tuple(
    Series(asset, pair, since, labels={"pair": answered}) for asset, (pair, answered, since) in MARKETS.items()
)

# How an error begins for which a retry helps.
TOO_BUSY = ("EAPI:Rate limit", "EGeneral:Temporary lockout", "EGeneral:Internal error", "EService:")


def refusal(answer: Answer) -> PipelineError | None:
    """Kraken's list of errors, when it is not empty."""
    document = answer.json()
    if not isinstance(document, dict) or document.get("error", []) == []:
        return None
    message = f"expected data from Kraken, found error {brief(document['error'])}"
    busy = isinstance(document["error"], list) and brief(document["error"][0]).startswith(TOO_BUSY)
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="kraken",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_days,
            SERIES,
            days_per_ask=PAGE,
            whole_history=True,
            kept_for=DAYS_KEPT,
        ),
        Feed(
            HOURLY_PRICES,
            plan_hours,
            tuple(series for series in SERIES if series.name in HOURLY),
            days_per_ask=PAGE,
            whole_history=True,
            kept_for=HOURS_KEPT,
        ),
    ),
    limits={HOST: Limit(50, 60, burst=2)},  # one a second is allowed
    docs="https://docs.kraken.com/api/docs/rest-api/get-ohlc-data",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Kraken",
    verified="recorded",
    verified_against=(
        "recorded answers of BTC/USD days (2024 to 2026) and minutes (2017); hours, ETH/USD and USDT/USD "
        "have the same shape. Of BTC/USD two names were recorded; those of ETH/USD and USDT/USD are from "
        "memory, and any other is refused. The first days, those of the listing, are from memory too: they "
        "are long out of reach"
    ),
    refusal=refusal,
    connections=1,
)
