"""Hyperliquid: the funding of perpetuals, requested by POST, oldest first, at most 500 rows from the start.

It is paid every eight hours up to 8 June 2023 00:00, and hourly from 01:00 on. Both bounds are inclusive. A payment is
stamped with the time of its block, some milliseconds after the full hour.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flows.simulator.instants import HOUR_MS, millis_of, steps
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, plain
from flows.simulator.seeded_random import key_of, unit

COINS = ("BTC", "ETH")
FIRST_MS = millis_of(datetime(2023, 5, 12, tzinfo=UTC))
HOURLY_SINCE = millis_of(datetime(2023, 6, 8, tzinfo=UTC)) // HOUR_MS
AT_FIRST_HOURS = 8
MAX_ROWS = 500
MOST_LATE_MS = 120
BASE_WEIGHT, ROWS_PER_WEIGHT = 20, 20
ERRORS = Errors(
    shape=lambda _, word: word,
    other="Internal Server Error",
    statuses={
        404: "Not Found",
        405: "Method Not Allowed",
        415: "Expected request with `Content-Type: application/json`",
        422: "Failed to deserialize the JSON body into the target type",
        429: json_answer(None),
    },
    refusals={"malformed": 422, "type": 422, "content-type": 415, "coin": json_answer(None)},
    refused_with=500,
    within_200=429,
)


def funding(request: Request) -> Answer:
    """The funding history of a coin."""
    if request.headers.get("content-type") != "application/json":
        raise Refused("content-type")
    coin, start, end = request.sent("coin"), request.sent("startTime"), request.sent().get("endTime", request.now_ms)
    if request.sent("type") != "fundingHistory" or not isinstance(start, int):
        raise Refused("type")
    if coin not in COINS:
        raise Refused("coin")
    return json_answer(_payments(request, coin, start, min(end, request.now_ms)))


def _payments(request: Request, coin: str, start: int, last: int) -> list[dict[str, Any]]:
    key = key_of("hyperliquid", coin, "late")
    # The payment of the full hour before the start may be stamped after the start.
    hours = steps(HOUR_MS, max(start - MOST_LATE_MS, FIRST_MS), last)
    settled = (hour for hour in hours if hour > HOURLY_SINCE or hour % AT_FIRST_HOURS == 0)
    stamps = [(hour, hour * HOUR_MS + int(MOST_LATE_MS * unit(key, hour))) for hour in islice(settled, MAX_ROWS + 1)]
    paid = [(hour, stamp) for hour, stamp in stamps if start <= stamp <= last][:MAX_ROWS]
    if not paid:
        return []
    ends = range(paid[0][0] - AT_FIRST_HOURS + 1, paid[-1][0] + 1)
    rates = dict(zip(ends, request.market.funding.hourly_rates("hyperliquid", coin, ends), strict=True))
    rows = []
    for hour, stamp in paid:
        begun = hour - 1 if hour > HOURLY_SINCE else hour - AT_FIRST_HOURS
        rate = sum(rates[end] for end in range(begun + 1, hour + 1))
        rows.append({"coin": coin, "fundingRate": plain(rate), "premium": plain(rate * 8 - 0.0001), "time": stamp})
    return rows


PAGES = (
    Page(
        ("api.hyperliquid.xyz",),
        {"/info": funding},
        ERRORS,
        ("",),
        budget=Budget(1200, 60, says_when=False),
        cost=lambda _: BASE_WEIGHT + MAX_ROWS // ROWS_PER_WEIGHT,
        by_post=True,
    ),
)
