"""Korbit: candles in won, oldest first; `limit` must be sent, is at most 200 and keeps the newest.

Days begin at 00:00 in Seoul. Both bounds are included. Numbers are text, and there is no turnover in won.
"""

from flows.simulator.candles import Candle
from flows.simulator.korea import MARKETS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, whole
from flows.simulator.won import HOURLY, KOREAN_DAYS, Venue, candles, periods

VENUE = Venue("korbit", share=0.012)
FRAMES = {"60": HOURLY, "1D": KOREAN_DAYS}
MAX_LIMIT = 200


def failure(status: int, message: str) -> Answer:
    """A refusal in Korbit's shape."""
    return json_answer({"success": False, "error": {"message": message}}, status)


def error(status: int) -> Answer:
    """What Korbit says along with an HTTP error."""
    messages = {404: "NOT_FOUND", 429: "TOO_MANY_REQUESTS"}
    return failure(status, messages.get(status, "INTERNAL_SERVER_ERROR"))


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, "INTERNAL_SERVER_ERROR")


def _wire(candle: Candle) -> dict[str, object]:
    return {
        "timestamp": candle.start_ms,
        "open": str(whole(candle.open)),
        "high": str(whole(candle.high)),
        "low": str(whole(candle.low)),
        "close": str(whole(candle.close)),
        "volume": f"{candle.volume:.8f}",
    }


def answer(request: Request) -> Answer:
    """The candles of one market."""
    if request.path.rstrip("/") != "/v2/candles":
        return error(404)
    ticker, _, quote = request.query.get("symbol", "").partition("_")
    market = f"{quote.upper()}-{ticker.upper()}"
    frame = FRAMES.get(request.query.get("interval", ""))
    if market not in MARKETS or frame is None:
        return failure(400, "INVALID_REQUEST")
    try:
        start_ms, end_ms, limit = (request.integer(name) for name in ("start", "end", "limit"))
    except BadParameterError:
        return failure(400, "INVALID_REQUEST")
    if limit is None or not 1 <= limit <= MAX_LIMIT:
        return failure(400, "INVALID_REQUEST")
    if start_ms is not None and end_ms is not None and end_ms <= start_ms:
        return failure(400, "INVALID_REQUEST")
    series = request.market.won.series(VENUE, market)
    numbers = periods(series, frame, start_ms, end_ms, request.now_ms)
    page = numbers[max(len(numbers) - limit, 0) :]
    return json_answer(
        {"success": True, "data": [_wire(candle) for candle in candles(series, frame, page, request.now_ms)]},
        headers={"Ratelimit": "limit=50, remaining=49, reset=1", "Ratelimit-Policy": "50;w=1"},
    )


def _rows(document: object) -> list[object]:
    return [document["data"]] if isinstance(document, dict) and "data" in document else []


PAGES = (Page(("api.korbit.co.kr",), answer, error, envelope, _rows, Budget(50, 1)),)
