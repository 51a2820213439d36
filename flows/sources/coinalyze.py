"""Coinalyze: liquidations of the largest venues, long and short, and Binance's open interest; with a free key.

Oldest first, both bounds inclusive, in seconds; daily buckets are kept for ever, finer ones are not; the newest
bucket is the current day. Every market counts as a call, and 40 calls a minute are allowed, whatever the number of
requests. A market that is unknown, or empty in the window, is silently left out of the answer.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from expectations.datasets.liquidations import LIQUIDATIONS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, quoted
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Key, Limit, Plan, Request, Series, Source, among

HOST = "api.coinalyze.net"
LIQUIDATED = f"https://{HOST}/v1/liquidation-history"
INTEREST = f"https://{HOST}/v1/open-interest-history"
SETTLED = every_day(timedelta(minutes=30))
SINCE = date(2021, 1, 1)

# Coinalyze's code of a venue: our name, and how it names a perpetual in USDT and one in the coin itself.
VENUES = {
    "A": ("binance", "{}USDT_PERP", "{}USD_PERP"),
    "6": ("bybit", "{}USDT", "{}USD"),
    "3": ("okx", "{}USDT_PERP", "{}USD_PERP"),
}
# Our name of the asset, and a day from which its perpetual in USDT certainly trades at every venue below.
ASSETS = {
    "AAVE": date(2021, 6, 1),
    "ADA": SINCE,
    "APT": date(2022, 11, 1),
    "ARB": date(2023, 4, 1),
    "AVAX": date(2021, 10, 1),
    "BCH": SINCE,
    "BTC": SINCE,
    "DOGE": date(2021, 7, 1),
    "DOT": SINCE,
    "ETH": SINCE,
    "LINK": SINCE,
    "LTC": SINCE,
    "OP": date(2022, 7, 1),
    "SOL": date(2021, 10, 1),
    "SUI": date(2023, 6, 1),
    "TRX": SINCE,
    "UNI": date(2021, 6, 1),
    "WLD": date(2023, 8, 1),
    "XLM": date(2021, 6, 1),
    "XRP": date(2021, 6, 1),
}
# These also have a perpetual settled in the coin that is large enough to matter.
IN_COIN_TOO = ("BTC", "ETH")

# Messages for which a retry helps.
TOO_BUSY = {"Server error", "Internal server error", "Too many requests"}


def _liquidated() -> Iterator[Series]:
    for code, (venue, in_dollars, in_coin) in VENUES.items():
        for asset, since in ASSETS.items():
            names = (in_dollars, in_coin) if asset in IN_COIN_TOO else (in_dollars,)
            symbols = ",".join(f"{name.format(asset)}.{code}" for name in names)
            labels = {"asset": asset, "venue": venue}
            yield Series(f"{asset}-{venue}", symbols, since, SETTLED, labels=labels)


def _open() -> Iterator[Series]:
    for asset in IN_COIN_TOO:
        for name, contract in ((asset, f"{asset}USDT"), (f"{asset}-inverse", f"{asset}USD_PERP")):
            symbol = f"{contract.removesuffix('_PERP')}_PERP.A"
            labels = {"asset": asset, "venue": "binance", "contract": contract}
            yield Series(f"{name}-binance", symbol, SINCE, SETTLED, labels=labels)


def _plan(url: str, ask: Ask) -> Plan:
    """One request for all days of a series, in dollars."""
    yield Request(
        url,
        params={
            "symbols": ask.series.symbol,
            "interval": "daily",
            "from": round(ask.days.starts_at.timestamp()),
            "to": round(ask.days.ends_at.timestamp()) - 1,
            "convert_to_usd": "true",
        },
        labels={**ask.series.labels, "symbols": ask.series.symbol},
    )


def plan_liquidations(ask: Ask) -> Plan:
    """Daily liquidations."""
    return _plan(LIQUIDATED, ask)


def plan_open_interest(ask: Ask) -> Plan:
    """Daily open interest."""
    return _plan(INTEREST, ask)


def refusal(answer: Answer) -> PipelineError | None:
    """Coinalyze's error, an object with a message where histories were expected."""
    document = answer.json()
    if not isinstance(document, dict) or "message" not in document:
        return None
    message = f"expected histories from Coinalyze, found {quoted(document['message'])}"
    return SourceUnavailable(message) if among(document["message"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="coinalyze",
    feeds=(
        Feed(
            LIQUIDATIONS,
            plan_liquidations,
            tuple(_liquidated()),
            days_per_ask=2000,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(_open()),
            days_per_ask=2000,
        ),
    ),
    # 40 markets a minute: 13 requests of two at most, and 13 of one.
    limits={
        LIQUIDATED.removeprefix("https://"): Limit(13, 60, burst=1),
        INTEREST.removeprefix("https://"): Limit(13, 60, burst=1),
    },
    docs="https://api.coinalyze.net/v1/doc/",
    terms="free with a key; cite and link the source",
    attribution="Coinalyze, https://coinalyze.net",
    verified="documented",
    verified_against=(
        "the documentation, and open interest against the replay, which has recorded values of it. That `.A` "
        "is Binance, `.6` Bybit and `.3` OKX is what several other clients read from `/v1/exchanges`; the "
        "names of the markets follow the ones that they list. That a day begins at 00:00 UTC is what the "
        "recorded values show. Bybit's open interest is left out: Bybit counts both sides of a contract, and "
        "nothing tells whether Coinalyze halves it. SHIB and PEPE are left out, because venues trade them by "
        "the thousand under other names"
    ),
    refusal=refusal,
    connections=2,
    key=Key("COINALYZE", header="api_key"),
)
