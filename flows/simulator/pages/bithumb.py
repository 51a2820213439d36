"""Bithumb: candles in won in Upbit's shape, newest first, one unless more are requested, at most 200.

Days begin at 00:00 in Seoul. `to` is exclusive and in Seoul time. Requests are refused in a 200, as others observed.
"""

from flows.simulator.candles import HOURLY, KOREAN_DAYS, Frame, summed, window
from flows.simulator.korea import MARKETS
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer
from flows.simulator.pages.upbit import MAX_COUNT, candle_row, change

SHARE = 0.4  # of Upbit's turnover
ERRORS = Errors(
    shape=lambda status, message, name=None: {"error": {"name": name or status, "message": message}},
    other="Internal Server Error",
    statuses={404: "Code not found", 429: "Too many API requests."},
    refusals={
        "market": ("Code not found", 404),
        "missing": ("Missing request parameter error. Check the required parameters!", 400),
        # That includes a zone in `to`, whose effect is not known.
        "malformed": ("Type mismatch error. Check the parameters type!", 400),
        "count": (f"count must be between 1 and {MAX_COUNT}", 400),
    },
    refused_with=200,
)


def _candles(request: Request, frame: Frame) -> list[dict[str, object]]:
    """The candles of a market, oldest first; days have the change since the day before."""
    market, end_ms = request.must_be("market", *MARKETS), request.instant_ms("to", request.now_ms + 1, "+09:00") - 1
    series, count = request.market.korean_pair("bithumb", SHARE, market), request.size("count", 1, MAX_COUNT)
    numbers = window(series, frame, 0, end_ms, request.now_ms)[-count - 1 :]
    page = summed(series, frame, numbers, request.now_ms)
    before = [page[0].open, *(candle.close for candle in page)] if page else []
    rows = [
        candle_row(market, candle, frame.step_ms, request.now_ms)
        | ({"unit": 60} if frame is HOURLY else change(candle.close, close))
        for candle, close in zip(page, before, strict=False)
    ]
    return rows[-count:]


def days(request: Request) -> Answer:
    """The daily candles of a market."""
    return json_answer(_candles(request, KOREAN_DAYS)[::-1])


def hours(request: Request) -> Answer:
    """The hourly candles of a market."""
    return json_answer(_candles(request, HOURLY)[::-1])


ROUTES = {"/v1/candles/days": days, "/v1/candles/minutes/60": hours}
PAGES = (Page(("api.bithumb.com",), ROUTES, ERRORS, ("",), budget=Budget(150, 1, says_when=False)),)
