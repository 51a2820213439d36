"""Kraken: spot prices in US dollars, a second venue beside Coinbase.

Docs      https://docs.kraken.com/api/docs/rest-api/get-ohlc-data
Terms     public market data, free; no redistribution of raw data
Quirks    oldest first; whatever is asked for, only the latest 720 days are there. `since` is exclusive, there is no
          end. Bitcoin is XBT, and the answer names a pair in another way than the question. The newest candle runs:
          `last` is the stamp of the newest finished one. Errors come as a list in a 200
Verified  recorded answers of BTC/USD days (2024 to 2026); ETH/USD has the same shape. The first days are those of the
          listing, from memory: they are long out of reach
"""

from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api.kraken.com"
OHLC = f"https://{HOST}/0/public/OHLC"
DAY_IN_MINUTES = 1440
PAGE = 720
SETTLED = every_day(timedelta(minutes=5))

# Our name of the asset: the pair as it is asked for, as the answer names it, and its first day.
MARKETS = {
    "BTC": ("XBTUSD", "XXBTZUSD", date(2013, 10, 6)),
    "ETH": ("ETHUSD", "XETHZUSD", date(2015, 8, 7)),
}


def plan_candles(ask: Ask) -> Plan:
    """Everything from the first wanted day on."""
    yield Request(
        OHLC,
        params={
            "pair": ask.series.symbol,
            "interval": DAY_IN_MINUTES,
            "since": round(ask.days.starts_at.timestamp()) - 1,
        },
        labels={"asset": ask.series.name, **ask.series.labels},
    )


# What an error begins with that will pass.
TOO_BUSY = ("EAPI:Rate limit", "EGeneral:Temporary lockout", "EGeneral:Internal error", "EService:")


def refusal(answer: Answer) -> PipelineError | None:
    """Kraken's list of errors, when there is something on it."""
    document = answer.json()
    if not isinstance(document, dict) or document.get("error", []) == []:
        return None
    message = f"expected data from Kraken, found error {document['error']}"
    busy = isinstance(document["error"], list) and str(document["error"][0]).startswith(TOO_BUSY)
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="kraken",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_candles,
            tuple(
                Series(asset, pair, since, SETTLED, labels={"pair": answered})
                for asset, (pair, answered, since) in MARKETS.items()
            ),
            days_per_ask=PAGE,
            restates_for=timedelta(days=3),
            kept_for=timedelta(days=PAGE - 5),
        ),
    ),
    limits={HOST: Limit(50, 60, burst=2)},  # one a second is allowed
    docs="https://docs.kraken.com/api/docs/rest-api/get-ohlc-data",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Kraken",
    verified="recorded",
    refusal=refusal,
    connections=1,
)
