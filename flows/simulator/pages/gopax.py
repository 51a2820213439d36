"""GOPAX: candles in won with low and high before open and close, oldest first, at most 1,024.

Days begin at 00:00 UTC. `start`, `end` and `interval` must be sent, and both bounds are included. There is no turnover
in won.
"""

import re

from flows.simulator.korea import MARKETS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole
from flows.simulator.won import UTC_DAYS, Venue, candles, periods

VENUE = Venue("gopax", share=0.004)
PATH = re.compile(r"/trading-pairs/(?P<ticker>[A-Z0-9]+)-(?P<quote>[A-Z]+)/candles/?")
MAX_LIMIT = 1024


def failure(status: int, code: int, message: str) -> Answer:
    """A refusal in GOPAX's shape."""
    return json_answer({"errorCode": code, "errorMessage": message}, status)


def error(status: int) -> Answer:
    """What GOPAX says along with an HTTP error."""
    messages = {404: "Not found", 429: "Too many requests"}
    return failure(status, status, messages.get(status, "Internal server error"))


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, 500, "Internal server error")


def answer(request: Request) -> Answer:
    """The daily candles of one market."""
    match = PATH.fullmatch(request.path)
    if match is None:
        return error(404)
    market = f"{match['quote']}-{match['ticker']}"
    if market not in MARKETS:
        return failure(404, 10155, "Invalid trading pair")
    try:
        start_ms, end_ms, limit = (request.integer(name) for name in ("start", "end", "limit"))
    except BadParameterError:
        return failure(400, 10041, "Invalid parameter")
    if start_ms is None or end_ms is None or request.query.get("interval") != "1440":
        return failure(400, 10041, "Invalid parameter")
    if limit is not None and not 1 <= limit <= MAX_LIMIT:
        return failure(400, 10041, "Invalid parameter")
    series = request.market.won.series(VENUE, market)
    numbers = periods(series, UTC_DAYS, start_ms, end_ms, request.now_ms)[: limit or MAX_LIMIT]
    return json_answer(
        [
            [
                candle.start_ms,
                *(whole(price) for price in (candle.low, candle.high, candle.open, candle.close)),
                whole(candle.volume),
            ]
            for candle in candles(series, UTC_DAYS, numbers, request.now_ms)
        ],
        headers={"x-gopax-ip-addr-used-weight": "1", "x-gopax-ip-addr-left-weight": "19"},
    )


PAGES = (Page(("api.gopax.co.kr",), answer, error, envelope, list_rows, Budget(20, 1, says_when=False)),)
