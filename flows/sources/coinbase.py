"""Coinbase Exchange: daily and hourly spot prices in US dollars; USDT by the day only.

Low and high come before open and close; newest first; both bounds are inclusive; at most 300 candles are returned,
and some may precede the start; a User-Agent is required. A period without a trade is left out: nothing is known of a
missing hour.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from expectations.datasets.hourly_prices import HOURLY_PRICES
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import PipelineError, SourceUnavailable, quoted
from expectations.interval import HOURS_A_DAY, milliseconds
from flows.paging import shows_beginning, walk_windows
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of

HOST = "api.exchange.coinbase.com"
PRODUCTS = f"https://{HOST}/products"
PAGE = 300

MARKETS = {
    "BTC": ("BTC-USD", date(2015, 7, 20)),
    "ETH": ("ETH-USD", date(2016, 5, 18)),
    # Some days before it was listed, so that a ledger sees where its history begins.
    "USDT": ("USDT-USD", date(2021, 4, 20)),
}
# Hours start at the first whole day that Binance has, because they are compared with it.
HOURLY = {"BTC": ("BTC-USD", date(2017, 8, 18)), "ETH": ("ETH-USD", date(2017, 8, 18))}


def plan_days(ask: Ask) -> Plan:
    """Windows of at most 300 days, both ends included."""
    return _windows(ask, timedelta(days=1))


def plan_hours(ask: Ask) -> Plan:
    """Windows of at most 300 hours, both ends included."""
    return _windows(ask, timedelta(hours=1))


def _windows(ask: Ask, step: timedelta) -> Plan:
    step_ms = step // timedelta(milliseconds=1)

    def page(since: int, until: int) -> Request:
        start, last = (datetime.fromtimestamp(stamp / 1000, UTC) for stamp in (since, until - step_ms))
        return Request(
            f"{PRODUCTS}/{ask.series.symbol}/candles",
            params={
                "granularity": round(step.total_seconds()),
                "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
                "end": f"{last:%Y-%m-%dT%H:%M:%SZ}",
            },
            labels={"asset": ask.series.name},
        )

    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)
    return walk_windows(page, stamps_of, start, end, step=step_ms, size=PAGE, since_start=False)


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in milliseconds since 1970."""
    return [1000 * int(candle[0]) for candle in answer.json()]


def refusal(answer: Answer) -> PipelineError | None:
    """An error object where a list of candles was expected."""
    document = answer.json()
    if isinstance(document, dict) and "message" in document:
        return SourceUnavailable(f"expected candles from Coinbase, found {quoted(document['message'])}")
    return None


SOURCE = Source(
    name="coinbase",
    feeds=(
        Feed(
            SPOT_PRICES,
            plan_days,
            series_of(MARKETS),
            days_per_ask=PAGE,
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
            begins=shows_beginning(stamps_of),
        ),
        Feed(
            HOURLY_PRICES,
            plan_hours,
            series_of(HOURLY),
            days_per_ask=PAGE,
            count=lambda ask: {HOST: -(-len(ask.days) * HOURS_A_DAY // PAGE)},
        ),
    ),
    limits={HOST: Limit(9, 1, burst=4)},
    docs="https://docs.cdp.coinbase.com/exchange/reference",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Coinbase Exchange",
    verified="recorded",
    verified_against=(
        "recorded answers of daily candles and of minutes (2018 to 2026); hours and USDT-USD have the same "
        "shape. The first day of USDT-USD is not known: what Coinbase shows to have nothing for ends as "
        "verified_empty"
    ),
    refusal=refusal,
    connections=2,
)
