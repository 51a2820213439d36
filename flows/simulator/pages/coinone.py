"""Coinone: candles in won, newest first, 200 unless another size is asked for, at most 500.

Days begin at 00:00 in Seoul. `timestamp` is that of the newest candle wanted. Numbers are text. What it refuses it
refuses in a 200, and `is_last` says whether the page holds the oldest candle.
"""

import re

from flows.simulator.candles import Candle
from flows.simulator.korea import MARKETS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, whole
from flows.simulator.won import HOURLY, KOREAN_DAYS, Venue, candles, periods

VENUE = Venue("coinone", share=0.06)
PATH = re.compile(r"/public/v2/chart/KRW/(?P<target>[A-Za-z0-9]+)/?")
FRAMES = {"1h": HOURLY, "1d": KOREAN_DAYS}
DEFAULT_SIZE = 200
MAX_SIZE = 500


def failure(code: str, message: str, status: int = 200) -> Answer:
    """A refusal in Coinone's shape."""
    return json_answer({"result": "error", "error_code": code, "error_msg": message}, status)


def error(status: int) -> Answer:
    """What Coinone says along with an HTTP error."""
    if status == 429:
        return failure("4", "Blocked user access", 429)
    return failure(str(status), "Not Found" if status == 404 else "Server error", status)


def envelope() -> Answer:
    """Coinone's usual way to fail."""
    return failure("107", "Parameter error")


def _wire(candle: Candle) -> dict[str, object]:
    return {
        "timestamp": candle.start_ms,
        "open": str(whole(candle.open)),
        "high": str(whole(candle.high)),
        "low": str(whole(candle.low)),
        "close": str(whole(candle.close)),
        "target_volume": f"{candle.volume:.8f}",
        "quote_volume": f"{candle.turnover:.4f}",
    }


def answer(request: Request) -> Answer:
    """The chart of one market."""
    match = PATH.fullmatch(request.path)
    if match is None:
        return error(404)
    market = f"KRW-{match['target'].upper()}"
    if market not in MARKETS:
        return failure("108", "Unknown CryptoCurrency")
    frame = FRAMES.get(request.query.get("interval", ""))
    try:
        size, end_ms = request.integer("size"), request.integer("timestamp")
    except BadParameterError:
        return envelope()
    if frame is None:
        return envelope()
    if size is not None and not 1 <= size <= MAX_SIZE:
        return failure("317", "Invalid size")
    series = request.market.won.series(VENUE, market)
    numbers = periods(series, frame, None, end_ms, request.now_ms)
    page = numbers[max(len(numbers) - (size or DEFAULT_SIZE), 0) :]
    chart = [_wire(candle) for candle in candles(series, frame, page, request.now_ms)[::-1]]
    return json_answer(
        {"result": "success", "error_code": "0", "is_last": len(page) == len(numbers), "chart": chart},
        headers={"Public-Ratelimit-Remaining": "1199"},
    )


def _rows(document: object) -> list[object]:
    return [document["chart"]] if isinstance(document, dict) and "chart" in document else []


PAGES = (Page(("api.coinone.co.kr",), answer, error, envelope, _rows, Budget(1200, 60, says_when=False)),)
