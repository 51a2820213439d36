"""Gate: liquidations and open interest of its perpetuals in USDT, and loan rates in a unit that is not known yet.

Oldest first from `from` on, 30 rows by default; the newest row is the current day; a `from` more than 180 days ago is
refused, whatever the other parameters; the answer does not say which contract it is about; sizes are text and count
contracts, amounts and dollars are numbers, and prices are either. Open interest is read by the hour, because nothing
says whether a bar describes its start or its end. Loan rates come once an hour, newest first, in numbered pages of at
most a hundred rows and without a time window: a page is chosen so that it holds the whole wanted day. They are
requested 30 days back; how far they reach was not measured.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.liquidations import LIQUIDATIONS
from expectations.datasets.open_interest import OPEN_INTEREST
from expectations.datasets.unconfirmed_rates import UNCONFIRMED_RATES
from expectations.errors import PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import Interval, milliseconds
from expectations.releases import every_day
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among, windows

HOST = "api.gateio.ws"
STATISTICS = f"https://{HOST}/api/v4/futures/usdt/contract_stats"
RATES = f"https://{HOST}/api/v4/unified/history_loan_rate"
LONGEST_PAGE = 1000  # about 2,000 were measured
DAYS_OF_HOURS = LONGEST_PAGE // 24
# A day can be requested until 180 days after it began; two days are left for clocks and slow runs.
KEPT = timedelta(days=177)
SETTLED = every_day(timedelta(minutes=15))

RATES_PAGE = 100
RATES_KEPT = timedelta(days=30)
HOUR = 3_600_000
# How many hours the place of a day among the pages may be off from the clock: prints may be missing or late.
SLACK = 6
LENT = ("USDC", "USDT")

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


def plan_rates(ask: Ask) -> Plan:
    """One page for each day, of the largest size that puts no page boundary near the day."""
    now = milliseconds(ask.now) // HOUR

    def request(days: Interval) -> Request:
        newest = max(now - milliseconds(days.ends_at) // HOUR - SLACK, 0)
        oldest = now - milliseconds(days.starts_at) // HOUR + SLACK
        page, size = page_of(newest, oldest)
        return Request(
            RATES,
            params={"currency": ask.series.symbol, "tier": "1", "page": page, "limit": size},
            labels={"asset": ask.series.name, "first": f"{days.start}", "last": f"{days.last}"},
        )

    return windows(ask.days.split(1), request)


def page_of(newest: int, oldest: int) -> tuple[int, int]:
    """The number and the size of a page that holds these places, counted from the newest row, which is 0.

    Raises:
        ValueError: No page holds them.
    """
    for size in range(RATES_PAGE, oldest - newest, -1):
        if newest // size == oldest // size:
            return newest // size + 1, size
    raise ValueError(f"no page holds the places {newest} to {oldest}")


def count_rates(ask: Ask) -> Mapping[str, int]:
    """One request for each day."""
    return {HOST: len(ask.days)}


def plan_open_interest(ask: Ask) -> Plan:
    """The hours of 41 whole days a page."""

    def request(days: Interval) -> Request:
        return Request(
            STATISTICS,
            params={
                "contract": ask.series.symbol,
                "interval": "1h",
                "from": round(days.starts_at.timestamp()),
                "limit": 24 * len(days),
            },
            labels={"asset": ask.series.name, "contract": ask.series.symbol},
        )

    return windows(ask.days.split(DAYS_OF_HOURS), request)


def count_open_interest(ask: Ask) -> Mapping[str, int]:
    """One request for each 41 days."""
    return {HOST: -(-len(ask.days) // DAYS_OF_HOURS)}


def refusal(answer: Answer) -> PipelineError | None:
    """Gate's error, an object with a label in place of the data."""
    document = answer.json()
    if not isinstance(document, dict) or "label" not in document:
        return None
    message = f"expected statistics from Gate, found {brief(document['label'])}: {brief(document.get('message'))}"
    return SourceUnavailable(message) if among(document["label"], TOO_BUSY) else SourceRefused(message)


SOURCE = Source(
    name="gate",
    feeds=(
        Feed(
            LIQUIDATIONS,
            plan_statistics,
            tuple(Series(asset, f"{asset}_USDT", since, SETTLED) for asset, since in PERPETUALS.items()),
            days_per_ask=366,
            kept_for=KEPT,
        ),
        Feed(
            OPEN_INTEREST,
            plan_open_interest,
            tuple(Series(asset, f"{asset}_USDT", PERPETUALS[asset], SETTLED) for asset in ("BTC", "ETH")),
            days_per_ask=366,
            kept_for=KEPT,
            count=count_open_interest,
        ),
        Feed(
            UNCONFIRMED_RATES,
            plan_rates,
            tuple(Series(coin, coin, SINCE, SETTLED) for coin in LENT),
            days_per_ask=30,
            restates_for=timedelta(0),
            kept_for=RATES_KEPT,
            count=count_rates,
        ),
    ),
    # 200 in 10 seconds are believed, for each endpoint.
    limits={
        STATISTICS.removeprefix("https://"): Limit(40, 10, burst=5),
        RATES.removeprefix("https://"): Limit(20, 10, burst=5),
    },
    docs="https://www.gate.com/docs/developers/apiv4/en/#futures-statistics",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Gate",
    verified="documented",
    verified_against=(
        "the documentation and other people's clients; no answer was recorded. The fields and their units "
        'are documented. That a stamp is the start of its bar and that "long" are the positions closed, not '
        "the orders that close them, is told by clients, not by Gate; that a day begins at 00:00 UTC is "
        "believed, and each row is held to it. The limit of 180 days was measured by others. The contracts "
        "are older than the first days stated here, but nothing before them can be had any more. The "
        'documentation has the shape of the rates, and calls each one "for this hour": whether it is per '
        "hour, per day or per year is not known, and no mart reads them. That open interest counts each "
        "contract once is believed: doctor holds it against `position_size`, which is documented as what the "
        "longs hold"
    ),
    refusal=refusal,
    connections=2,
)
