"""Hyperliquid: the funding of perpetuals, asked by POST, oldest first, at most 500 rows from the start.

It is paid every eight hours up to 8 June 2023 00:00, by the hour from 01:00 on. Both bounds are inclusive. A payment is
stamped when its block was made, some milliseconds after the full hour.
"""

import json
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flows.simulator.chance import key_of, unit
from flows.simulator.instants import HOUR_MS, millis_of
from flows.simulator.perpetuals import hourly_rates, hours
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer, list_rows, text_answer

COINS = ("BTC", "ETH")
FIRST_MS = millis_of(datetime(2023, 5, 12, tzinfo=UTC))
HOURLY_SINCE = millis_of(datetime(2023, 6, 8, tzinfo=UTC)) // HOUR_MS
AT_FIRST_HOURS = 8
MAX_ROWS = 500
MOST_LATE_MS = 120
BASE_WEIGHT, ROWS_PER_WEIGHT = 20, 20


def error(status: int) -> Answer:
    """What Hyperliquid says along with an HTTP error: a word, or null where it limits."""
    if status == 429:
        return json_answer(None, 429)
    words = {
        404: "Not Found",
        405: "Method Not Allowed",
        422: "Failed to deserialize the JSON body into the target type",
    }
    return text_answer(words.get(status, "Internal Server Error"), status)


def envelope() -> Answer:
    """A failure that comes as a success."""
    return text_answer("null", 200)


def answer(request: Request) -> Answer:
    """The funding history of one coin."""
    if request.path.rstrip("/") != "/info":
        return error(404)
    if request.body is None:
        return error(405)
    if request.headers.get("content-type") != "application/json":
        return text_answer("Expected request with `Content-Type: application/json`", 415)
    try:
        question = json.loads(request.body)
        coin, start, end = question["coin"], int(question["startTime"]), question.get("endTime")
        last = request.now_ms if end is None else min(int(end), request.now_ms)
        known = question["type"] == "fundingHistory"
    except (ValueError, KeyError, TypeError, AttributeError):
        return error(422)
    if not known:
        return error(422)
    if coin not in COINS:
        return json_answer(None, 500)
    return json_answer(_payments(request, coin, start, last))


def _payments(request: Request, coin: str, start: int, last: int) -> list[dict[str, Any]]:
    key = key_of("hyperliquid", coin, "late")
    # The payment of the full hour before the start may be stamped after it.
    every = hours(max(start - MOST_LATE_MS, FIRST_MS), last)
    settled = (hour for hour in every if hour > HOURLY_SINCE or hour % AT_FIRST_HOURS == 0)
    stamps = [(hour, hour * HOUR_MS + int(MOST_LATE_MS * unit(key, hour))) for hour in islice(settled, MAX_ROWS + 1)]
    paid = [(hour, stamp) for hour, stamp in stamps if start <= stamp <= last][:MAX_ROWS]
    if not paid:
        return []
    ends = range(paid[0][0] - AT_FIRST_HOURS + 1, paid[-1][0] + 1)
    per_hour = dict(zip(ends, hourly_rates(request.market, "hyperliquid", coin, ends), strict=True))
    rows = []
    for hour, stamp in paid:
        begun = hour - 1 if hour > HOURLY_SINCE else hour - AT_FIRST_HOURS
        rate = sum(per_hour[end] for end in range(begun + 1, hour + 1))
        rows.append({"coin": coin, "fundingRate": _text(rate), "premium": _text(rate * 8 - 0.0001), "time": stamp})
    return rows


def _text(number: float) -> str:
    """A number as text, without zeroes that say nothing."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


PAGES = (
    Page(
        ("api.hyperliquid.xyz",),
        answer,
        error,
        envelope,
        list_rows,
        Budget(1200, 60, cost=lambda _: BASE_WEIGHT + MAX_ROWS // ROWS_PER_WEIGHT, says_when=False),
        takes_post=True,
    ),
)
