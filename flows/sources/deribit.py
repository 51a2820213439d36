"""Deribit: the funding of its bitcoin and ether perpetuals, and the liquidations among the trades of its futures.

Oldest first; a row is stamped at the end of its hour; the start of the window is exclusive, its end inclusive; at
most 744 rows, which are 31 days; the answer does not say which instrument it is about. Liquidations are flagged
trades and cannot be requested alone: a day of trades in bitcoin futures is several pages of ten thousand. Old trades
are at another host (history.deribit.com). An amount is in dollars for futures settled in the coin; those settled in
USDC are not requested.

Also documented at https://docs.deribit.com/api-reference/market-data/public-get_last_trades_by_currency_and_time.
"""

from collections.abc import Generator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.liquidation_events import LIQUIDATION_EVENTS
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from expectations.interval import Interval, milliseconds
from flows.paging import in_order
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source, among, series_of, windows
from transforms.liquidation_events.deribit import FLAG
from transforms.payload import member

HOST = "www.deribit.com"
HISTORY = f"https://{HOST}/api/v2/public/get_funding_rate_history"
TRADES_HOST = "history.deribit.com"
TRADES = f"https://{TRADES_HOST}/api/v2/public/get_last_trades_by_currency_and_time"
TRADES_PAGE = 10_000
TRADES_A_DAY = {"BTC": 80_000, "ETH": 50_000}  # a guess
PAGES_FOR_A_FLAG = 40
HOUR_MS = 3_600_000
SLACK_MS = 60_000  # how far trades of several futures may be out of order
LONGEST_SILENCE_MS = 6 * HOUR_MS  # there are some trades each minute
WINDOW_DAYS = 31

PERPETUALS = {"BTC": ("BTC-PERPETUAL", date(2019, 5, 1)), "ETH": ("ETH-PERPETUAL", date(2019, 5, 1))}

TRADED_SINCE = date(2020, 1, 1)

# too_many_requests, retry, temporarily_unavailable, timed_out.
TOO_BUSY = {10028, 10040, 13028, 13888}


def plan_history(ask: Ask) -> Plan:
    """Windows of 31 days: the rows stamped 00:00 of the first day up to 23:00 of the last one."""

    def request(days: Interval) -> Request:
        return Request(
            HISTORY,
            params={
                "instrument_name": ask.series.symbol,
                "start_timestamp": milliseconds(days.starts_at) - 1,
                "end_timestamp": milliseconds(days.ends_at) - 1,
            },
            labels={"asset": ask.series.name},
        )

    return windows(ask.days.split(WINDOW_DAYS), request)


def plan_liquidations(ask: Ask) -> Plan:
    """Walk forward through all trades in futures; if none is a liquidation, look for one before them."""
    currency = ask.series.name
    start, end = milliseconds(ask.days.starts_at), milliseconds(ask.days.ends_at)
    flagged, last, more = False, start, True
    ended_with: Any = None
    while more:
        trades, more = yield from _page(currency, last, end - 1, "asc", "normalize")
        flagged = flagged or any(FLAG in trade for trade in trades)
        stamps = in_order([member(trade, "timestamp") for trade in trades], since=last, before=end, slack=SLACK_MS)
        if ended_with is not None and ended_with not in trades:
            raise SourceUnavailable(f"expected the trade at {last} once more on the next page, found {trades[:1]}")
        for earlier, later in pairwise([last, *stamps]):
            if later - earlier > LONGEST_SILENCE_MS:
                raise SourceUnavailable(f"expected trades all the time, found none from {earlier} to {later}")
        newest = member(trades[-1], "timestamp") if trades else last
        if more and newest <= last:
            raise PayloadChanged(f"expected trades after {last}, found none though there are more")
        last, ended_with = newest, trades[-1] if trades else ended_with
    if last < end - HOUR_MS:
        raise SourceUnavailable(f"expected trades up to {end}, found the last at {last}")
    if not flagged:
        yield from _find_a_flag(currency, start)


def _find_a_flag(currency: str, end: int) -> Plan:
    """Walk backward until a trade is a liquidation: without one, their absence proves nothing."""
    for _ in range(PAGES_FOR_A_FLAG):
        trades, _more = yield from _page(currency, 0, end - 1, "desc", None)
        if any(FLAG in trade for trade in trades):
            return
        if not trades:
            break
        end = in_order([member(trade, "timestamp") for trade in trades], before=end, newest_first=True, slack=SLACK_MS)[
            -1
        ]
    raise PayloadChanged(f"expected a liquidation among the trades before {end}, found none")


def _page(
    currency: str, start: int, end: int, sorting: str, transform: str | None
) -> Generator[Request, Answer, tuple[list[Any], bool]]:
    """One page of trades, and whether there are more."""
    page = yield Request(
        TRADES,
        params={
            "currency": currency,
            "kind": "future",
            "start_timestamp": start,
            "end_timestamp": end,
            "count": TRADES_PAGE,
            "sorting": sorting,
        },
        labels={"asset": currency} if transform else {},
        transform=transform,
    )
    result = member(page.json(), "result")
    return member(result, "trades"), member(result, "has_more")


def count_liquidations(ask: Ask) -> Mapping[str, int]:
    """One request for each ten thousand trades."""
    return {TRADES_HOST: len(ask.days) * TRADES_A_DAY[ask.series.name] // TRADES_PAGE}


def refusal(answer: Answer) -> PipelineError | None:
    """JSON-RPC's error, in place of a result."""
    document = answer.json()
    if not isinstance(document, dict) or "error" not in document:
        return None
    error = document["error"]
    message = f"expected a result from Deribit, found error {brief(error)}"
    busy = isinstance(error, dict) and among(error.get("code"), TOO_BUSY)
    return SourceUnavailable(message) if busy else SourceRefused(message)


SOURCE = Source(
    name="deribit",
    feeds=(
        Feed(
            FUNDING_RATES,
            plan_history,
            series_of(PERPETUALS),
            days_per_ask=366,
            count=lambda ask: {HOST: -(-len(ask.days) // WINDOW_DAYS)},
        ),
        Feed(
            LIQUIDATION_EVENTS,
            plan_liquidations,
            tuple(Series(currency, currency, TRADED_SINCE) for currency in TRADES_A_DAY),
            days_per_ask=7,
            restates_for=timedelta(0),
            count=count_liquidations,
        ),
    ),
    # 20 a second with an account; the limit without one is not published.
    limits={HOST: Limit(5, 1, burst=2), TRADES_HOST: Limit(5, 1, burst=2)},
    docs="https://docs.deribit.com/api-reference/market-data/public-get_funding_rate_history",
    terms="public market data, free to use; no redistribution of raw data",
    attribution="Deribit",
    verified="documented",
    verified_against=(
        "the documentation and its example, of October 2019: a window from 00:00 begins with the row of "
        "01:00, and each row's index price is the next one's previous index price. The first days are "
        "believed, not known: what Deribit has nothing for ends as failed. Of trades no answer was recorded: "
        "that the host of old trades flags liquidations, and takes ten thousand at once where the "
        "documentation says a thousand, is what its readers do. So a day without a flag counts as one "
        "without liquidations only if there are flags shortly before it, each page goes on with the trade at "
        "which the one before ended, and no hours pass without a trade"
    ),
    refusal=refusal,
    connections=2,
)
