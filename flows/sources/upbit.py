"""Upbit: won prices and turnover of bitcoin and of the stablecoins.

Newest first; `to` is exclusive; the number of candles defaults to one; days start at 00:00 UTC.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import PipelineError, SourceRefused, brief
from expectations.interval import milliseconds
from flows.paging import shows_beginning, walk_back
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Source, series_of
from transforms.payload import member

HOST = "api.upbit.com"
DAYS = f"https://{HOST}/v1/candles/days"
PAGE = 200
DAY_MS = 86_400_000

MARKETS = {
    "BTC": ("KRW-BTC", date(2017, 9, 25)),
    "USDC": ("KRW-USDC", date(2024, 6, 7)),
    "USDT": ("KRW-USDT", date(2024, 6, 7)),
}


def plan_days(ask: Ask) -> Plan:
    """Walk backward from the end, 200 days a page, to the first wanted day."""
    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)

    def page_before(stamp: int) -> Request:
        return Request(
            DAYS,
            params={
                "market": ask.series.symbol,
                "count": min(PAGE, (stamp - start) // DAY_MS),
                "to": f"{datetime.fromtimestamp(stamp / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}",
            },
            labels={"asset": ask.series.name, "market": ask.series.symbol},
        )

    return walk_back(page_before, stamps_of, start, end, step=DAY_MS)


def stamps_of(answer: Answer) -> Sequence[int]:
    """When the candles of a page start, in milliseconds since 1970."""
    starts = (str(member(candle, "candle_date_time_utc")) for candle in answer.json())
    return [milliseconds(datetime.fromisoformat(start).replace(tzinfo=UTC)) for start in starts]


def refusal(answer: Answer) -> PipelineError | None:
    """Upbit's error object."""
    document = answer.json()
    if isinstance(document, dict) and "error" in document:
        return SourceRefused(f"expected candles from Upbit, found {brief(document['error'])}")
    return None


SOURCE = Source(
    name="upbit",
    feeds=(
        Feed(
            KRW_PRICES,
            plan_days,
            series_of(MARKETS),
            days_per_ask=2000,
            count=lambda ask: {HOST: -(-len(ask.days) // PAGE)},
            begins=shows_beginning(stamps_of),
        ),
    ),
    limits={HOST: Limit(9, 1, burst=4)},
    docs="https://global-docs.upbit.com/reference",
    terms="public market data, free to use",
    attribution="Upbit",
    verified="recorded",
    verified_against=(
        "a recorded answer of KRW-BTC days (2026); the stablecoin markets have the same shape. The first day "
        "of KRW-USDC is not known: what Upbit shows to have nothing for ends as verified_empty"
    ),
    refusal=refusal,
    connections=2,
)
