"""Korbit: candles in won, oldest first; `limit` must be sent, is at most 200 and keeps the newest.

Days begin at 00:00 in Seoul. Both bounds are included. Numbers are text, and there is no turnover in won.
"""

from flows.simulator.candles import HOURLY, KOREAN_DAYS, Candle, summed, window
from flows.simulator.korea import MARKETS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, whole

SHARE = 0.012  # of Upbit's turnover
FRAMES = {"60": HOURLY, "1D": KOREAN_DAYS}
ERRORS = Errors(
    shape=lambda _, message: {"success": False, "error": {"message": message}},
    other="INTERNAL_SERVER_ERROR",
    statuses={404: "NOT_FOUND", 429: "TOO_MANY_REQUESTS"},
    refusals={"": "INVALID_REQUEST"},
)


def _row(candle: Candle) -> dict[str, object]:
    prices = {name: str(whole(getattr(candle, name))) for name in ("open", "high", "low", "close")}
    return {"timestamp": candle.start_ms, **prices, "volume": f"{candle.volume:.8f}"}


def candles(request: Request) -> Answer:
    """The candles of a market."""
    symbol, frame, now_ms = request.one_of("symbol", SYMBOLS), request.one_of("interval", FRAMES), request.now_ms
    start_ms, end_ms = request.integer("start", 0), request.end_ms("end")
    if end_ms <= start_ms:
        raise Refused("end")
    series = request.market.korean_pair("korbit", SHARE, symbol)
    numbers = window(series, frame, start_ms, end_ms, now_ms)[-request.size("limit", None, 200) :]
    return json_answer({"success": True, "data": [_row(candle) for candle in summed(series, frame, numbers, now_ms)]})


SYMBOLS = {f"{market.removeprefix('KRW-').lower()}_krw": market for market in MARKETS}
PAGES = (Page(("api.korbit.co.kr",), {"/v2/candles": candles}, ERRORS, ("data",), budget=Budget(50, 1)),)
