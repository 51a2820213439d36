"""Coinbase Exchange: candles with low and high before open and close, newest first.

Both bounds are included, and more than 300 buckets between them are refused. Without bounds the
newest 300 are sent. The newest bucket runs, and nothing in it says so.
"""

import re

from flows.simulator.candles import shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, parse
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer, list_rows, whole

PATH = re.compile(r"/products/(?P<ticker>[A-Z0-9]+)-USD/candles")
STEPS = {"3600": HOUR_MS, "86400": DAY_MS}
MAX_BUCKETS = 300


def failure(status: int, message: str) -> Answer:
    """A refusal in Coinbase's shape."""
    return json_answer({"message": message}, status)


def error(status: int) -> Answer:
    """What Coinbase says along with an HTTP error."""
    messages = {403: "Forbidden", 404: "NotFound", 429: "Public rate limit exceeded"}
    return failure(status, messages.get(status, "Internal server error"))


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure(200, "Internal server error")


def _bounds(request: Request) -> tuple[int, int] | None:
    """Start and end in milliseconds since 1970; None unless both are sent."""
    texts = [request.query.get(name, "") for name in ("start", "end")]
    if not all(texts):
        return None
    start, end = (int(text) * SECOND_MS if text.isdigit() else parse(text) for text in texts)
    return start, end


def answer(request: Request) -> Answer:
    """The candles of one product."""
    if not request.headers.get("user-agent"):
        return failure(400, "User-Agent header is required.")
    match = PATH.fullmatch(request.path)
    if match is None or match["ticker"] in PEGGED - {"USDT"}:
        return error(404)
    step_ms = STEPS.get(request.query.get("granularity", "60"))
    if step_ms is None:
        return failure(400, "Unsupported granularity")
    try:
        bounds = _bounds(request)
    except ValueError:
        return failure(400, "start and end must be ISO-8601 times")
    start, end = bounds or (None, None)
    if start is not None and end is not None:
        if end < start:
            return failure(400, "start must be before end")
        if (end - start) // step_ms + 1 > MAX_BUCKETS:
            return failure(
                400,
                "granularity too small for the requested time range. "
                f"Count of aggregations requested exceeds {MAX_BUCKETS}",
            )
    series = request.market.coinbase.series(match["ticker"])
    numbers = window(series, step_ms, start, end, request.now_ms)[-MAX_BUCKETS:]
    return json_answer(
        [
            [
                candle.start_ms // SECOND_MS,
                whole(candle.low),
                whole(candle.high),
                whole(candle.open),
                whole(candle.close),
                whole(round(candle.volume, 8)),
            ]
            for candle in shown(series, step_ms, numbers[::-1], request.now_ms)
        ]
    )


PAGES = (Page(("api.exchange.coinbase.com",), answer, error, envelope, list_rows, Budget(10, 1, says_when=False)),)
