"""Coinbase Exchange: candles with low and high before open and close, newest first.

Both bounds are included, and more than 300 candles between them are refused. Without bounds the newest 300 are sent.
The newest candle is unfinished, and nothing marks it.
"""

from flows.simulator.candles import HOURLY, UTC_DAYS, shown, window
from flows.simulator.instants import SECOND_MS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, whole
from flows.simulator.script import PEGGED

FRAMES = {"3600": HOURLY, "86400": UTC_DAYS}
MOST = 300
ERRORS = Errors(
    shape=lambda _, message: {"message": message},
    other="Internal server error",
    statuses={403: "Forbidden", 404: "NotFound", 429: "Public rate limit exceeded"},
    refusals={
        "user-agent": "User-Agent header is required.",
        "product": 404,
        "granularity": "Unsupported granularity",
        "malformed": "start and end must be ISO-8601 times",
        "start": "start must be before end",
        "range": (
            f"granularity too small for the requested time range. Count of aggregations requested exceeds {MOST}"
        ),
    },
)


def candles(request: Request, ticker: str) -> Answer:
    """The candles of a product."""
    if not request.headers.get("user-agent"):
        raise Refused("user-agent")
    if ticker in PEGGED - {"USDT"}:
        raise Refused("product")
    frame, now_ms = request.one_of("granularity", FRAMES), request.now_ms
    start_ms, end_ms = request.instant_ms("start", 0), request.instant_ms("end", now_ms)
    if end_ms < start_ms:
        raise Refused("start")
    if "start" in request.query and (end_ms - start_ms) // frame.step_ms + 1 > MOST:
        raise Refused("range")
    series = request.market.coinbase.series(ticker)
    numbers = window(series, frame, start_ms, end_ms, now_ms)[-MOST:][::-1]
    return json_answer(
        [
            [
                candle.start_ms // SECOND_MS,
                *map(whole, (candle.low, candle.high, candle.open, candle.close, round(candle.volume, 8))),
            ]
            for candle in shown(series, frame.step_ms, numbers, now_ms)
        ]
    )


ROUTES = {r"/products/(?P<ticker>[A-Z0-9]+)-USD/candles": candles}
PAGES = (Page(("api.exchange.coinbase.com",), ROUTES, ERRORS, ("",), budget=Budget(10, 1, says_when=False)),)
