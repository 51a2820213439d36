"""Coinone: candles in won, newest first, 200 unless another number is requested, at most 500.

Days begin at 00:00 in Seoul. `timestamp` is that of the newest candle wanted. Numbers are text. Requests are refused
in a 200, and `is_last` states whether the page has the oldest candle.
"""

from flows.simulator.candles import HOURLY, KOREAN_DAYS, Candle, summed, window
from flows.simulator.korea import MARKETS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, whole

SHARE = 0.06  # of Upbit's turnover
FRAMES = {"1h": HOURLY, "1d": KOREAN_DAYS}
ERRORS = Errors(
    shape=lambda status, message, code="": {"result": "error", "error_code": code or str(status), "error_msg": message},
    other="Server error",
    statuses={404: "Not Found", 429: ("Blocked user access", "4")},
    refusals={
        "target": ("Unknown CryptoCurrency", "108"),
        "size": ("Invalid size", "317"),
        "": ("Parameter error", "107"),
    },
    refused_with=200,
    within_200=("Parameter error", "107"),
)


def _row(candle: Candle) -> dict[str, object]:
    prices = {name: str(whole(getattr(candle, name))) for name in ("open", "high", "low", "close")}
    amounts = {"target_volume": f"{candle.volume:.8f}", "quote_volume": f"{candle.turnover:.4f}"}
    return {"timestamp": candle.start_ms, **prices, **amounts}


def chart(request: Request, target: str) -> Answer:
    """The candles of a market."""
    market, frame = f"KRW-{target}", request.one_of("interval", FRAMES)
    if market not in MARKETS:
        raise Refused("target")
    series, size = request.market.korean_pair("coinone", SHARE, market), request.size("size", 200, 500)
    numbers = window(series, frame, 0, request.end_ms("timestamp"), request.now_ms)
    page = summed(series, frame, numbers[-size:], request.now_ms)
    rows = [_row(candle) for candle in page[::-1]]
    return json_answer({"result": "success", "error_code": "0", "is_last": len(page) == len(numbers), "chart": rows})


ROUTES = {r"/public/v2/chart/KRW/(?P<target>[A-Z0-9]+)": chart}
PAGES = (Page(("api.coinone.co.kr",), ROUTES, ERRORS, ("chart",), budget=Budget(1200, 60, says_when=False)),)
