"""Gate: liquidations of its perpetuals in USDT, day by day, and the open interest of two of them, hour by hour.

Docs      https://www.gate.com/docs/developers/apiv4/en/#futures-statistics
Terms     public market data, free; no redistribution of raw data
Quirks    oldest first from `from` on, 30 rows unless more are asked for; the running day is the newest row; a `from`
          more than 180 days ago is refused, whatever else is asked; the answer does not say which contract it is
          about; sizes are text and count contracts, amounts and dollars are numbers. Open interest is read by the
          hour, because nothing says whether a bar tells how it began or how it ended
Verified  the documentation and other people's clients; no answer was recorded. The fields and their units are
          documented. That a stamp is the start of its bar and that "long" are the positions closed, not the orders that
          close them, is told by clients, not by Gate; that a day begins at 00:00 UTC is believed, and each row is held
          to it. The limit of 180 days was measured by others. The contracts are older than the first days stated
          here, but nothing before them can be had any more
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.calendar import every_day
from expectations.datasets.liquidations import LIQUIDATIONS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from flows.plans import Answer, Ask, Feed, Limit, Plan, Request, Series, Source

HOST = "api.gateio.ws"
STATISTICS = f"https://{HOST}/api/v4/futures/usdt/contract_stats"
LONGEST_PAGE = 1000  # about 2,000 were measured
DAYS_OF_HOURS = LONGEST_PAGE // 24
# A day can be asked for until 180 days after it began; two days are left for clocks and slow runs.
KEPT = timedelta(days=177)
SETTLED = every_day(timedelta(minutes=15))

SINCE = date(2024, 1, 1)
PERPETUALS = {
    "AAVE": SINCE,
    "ADA": SINCE,
    "APT": SINCE,
    "ARB": SINCE,
    "ARKM": SINCE,
    "AVAX": SINCE,
    "BCH": SINCE,
    "BNB": SINCE,
    "BTC": SINCE,
    "DOGE": SINCE,
    "DOT": SINCE,
    "ETH": SINCE,
    "IO": date(2024, 7, 1),
    "LINK": SINCE,
    "LTC": SINCE,
    "OP": SINCE,
    "PEPE": SINCE,
    "SEI": SINCE,
    "SHIB": SINCE,
    "SOL": SINCE,
    "SUI": SINCE,
    "TRX": SINCE,
    "UNI": SINCE,
    "WLD": SINCE,
    "XLM": SINCE,
    "XRP": SINCE,
}

TOO_BUSY = {"TOO_MANY_REQUESTS", "TOO_FAST", "TOO_BUSY", "RATE_LIMIT_CONTROL", "SERVER_ERROR", "INTERNAL"}


def plan_statistics(ask: Ask) -> Plan:
    """One page from the first wanted day to now, so that it does not matter from which end Gate would cut it."""
    until_now = (ask.now.date() - ask.days.start).days + 1
    yield Request(
        STATISTICS,
        params={
            "contract": ask.series.symbol,
            "interval": "1d",
            "from": round(ask.days.starts_at.timestamp()),
            "limit": min(max(until_now, len(ask.days)), LONGEST_PAGE),
        },
        labels={"asset": ask.series.name},
    )


def plan_open_interest(ask: Ask) -> Plan:
    """The hours of 41 whole days a page."""
    for days in ask.days.split(DAYS_OF_HOURS):
        yield Request(
            STATISTICS,
            params={
                "contract": ask.series.symbol,
                "interval": "1h",
                "from": round(days.starts_at.timestamp()),
                "limit": 24 * len(days),
            },
            labels={"asset": ask.series.name, "contract": ask.series.symbol},
        )


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """One request for each 41 days."""
    return {HOST: -(-len(ask.days) // DAYS_OF_HOURS)}


def refusal(answer: Answer) -> PipelineError | None:
    """Gate's error, an object with a label where rows were asked for."""
    document = answer.json()
    if not isinstance(document, dict) or "label" not in document:
        return None
    message = f"expected statistics from Gate, found {document['label']}: {document.get('message')}"
    return SourceUnavailable(message) if document["label"] in TOO_BUSY else SourceRefused(message)


SOURCE = Source(
    name="gate",
    feeds=(
        Feed(
            LIQUIDATIONS,
            plan_statistics,
            tuple(Series(asset, f"{asset}_USDT", since, SETTLED) for asset, since in PERPETUALS.items()),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            kept_for=KEPT,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(Series(asset, f"{asset}_USDT", PERPETUALS[asset], SETTLED) for asset in ("BTC", "ETH")),
            days_per_ask=366,
            restates_for=timedelta(days=3),
            kept_for=KEPT,
            count=count_open_interest,
        ),
    ),
    limits={HOST: Limit(40, 10, burst=5)},  # 200 in 10 seconds are believed
    docs="https://www.gate.com/docs/developers/apiv4/en/#futures-statistics",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Gate",
    verified="documented",
    refusal=refusal,
    connections=2,
)
