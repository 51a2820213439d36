"""GOPAX: candles in won with low and high before open and close, oldest first, at most 1,024.

Days begin at 00:00 UTC. `start`, `end` and `interval` must be sent, and both bounds are included. There is no turnover
in won.
"""

from flows.simulator.candles import UTC_DAYS, summed, window
from flows.simulator.korea import MARKETS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, whole

SHARE = 0.004  # of Upbit's turnover
MOST = 1024
ERRORS = Errors(
    shape=lambda status, message, code=0: {"errorCode": code or status, "errorMessage": message},
    other="Internal server error",
    statuses={404: ("Invalid trading pair", 10155), 429: "Too many requests"},
    refusals={"market": 404, "": ("Invalid parameter", 10041)},
)


def candles(request: Request, ticker: str) -> Answer:
    """The daily candles of a market."""
    market, now_ms = f"KRW-{ticker}", request.now_ms
    if market not in MARKETS:
        raise Refused("market")
    request.must_be("interval", "1440")
    series = request.market.korean_pair("gopax", SHARE, market)
    numbers = window(series, UTC_DAYS, request.integer("start"), request.integer("end"), now_ms)
    return json_answer(
        [
            [day.start_ms, *map(whole, (day.low, day.high, day.open, day.close, day.volume))]
            for day in summed(series, UTC_DAYS, numbers[:MOST], now_ms)
        ]
    )


ROUTES = {r"/trading-pairs/(?P<ticker>[A-Z0-9]+)-KRW/candles": candles}
PAGES = (Page(("api.gopax.co.kr",), ROUTES, ERRORS, ("",), budget=Budget(20, 1, says_when=False)),)
