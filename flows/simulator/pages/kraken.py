"""Kraken: candles of a day or an hour in dollars, oldest first: the last 720 finished ones and the current one.

`since` is exclusive; `last` is the stamp of the newest finished candle. Errors are a list in a 200.
"""

from flows.simulator.candles import HOURLY, UTC_DAYS, Candle, shown, window
from flows.simulator.instants import SECOND_MS
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer

MAX_ROWS = 720
SHARE = 0.12
# A pair: its ticker, its name in the answer, and the digits of its price.
PAIRS = {"XBTUSD": ("BTC", "XXBTZUSD", 1), "ETHUSD": ("ETH", "XETHZUSD", 2), "USDTUSD": ("USDT", "USDTZUSD", 5)}
FRAMES = {"1440": UTC_DAYS, "60": HOURLY}
ERRORS = Errors(
    shape=lambda _, error: {"error": [error]},
    other="EService:Unavailable",
    statuses={404: "EGeneral:Unknown method", 429: "EGeneral:Temporary lockout"},
    refusals={
        "malformed": "EGeneral:Invalid arguments:{}",
        "pair": "EQuery:Unknown asset pair",
        "": "EGeneral:Invalid arguments",
    },
    refused_with=200,
    within_200="EAPI:Rate limit exceeded",
)


def _row(candle: Candle, digits: int) -> list[int | str]:
    prices = [f"{price:.{digits}f}" for price in (candle.open, candle.high, candle.low, candle.close)]
    mean = candle.turnover / candle.volume if candle.volume else 0.0
    trades = int(candle.turnover / 2_500)
    return [candle.start_ms // SECOND_MS, *prices, f"{mean:.{digits}f}", f"{candle.volume:.8f}", trades]


def candles(request: Request) -> Answer:
    """The candles of a pair."""
    (ticker, name, digits), frame = request.one_of("pair", PAIRS), request.one_of("interval", FRAMES)
    series, step_s = request.market.pair("kraken", ticker, SHARE, in_dollars=True), frame.step_ms // SECOND_MS
    known = window(series, frame, 0, request.now_ms, request.now_ms)[-(MAX_ROWS + 1) :]
    last = known[-2] * step_s if len(known) > 1 else 0
    newer = [number for number in known if number * step_s > request.integer("since", -1)]
    rows = [_row(candle, digits) for candle in shown(series, frame.step_ms, newer, request.now_ms)]
    return json_answer({"error": [], "result": {name: rows, "last": last}})


ROUTES = {"/0/public/OHLC": candles}
PAGES = (Page(("api.kraken.com",), ROUTES, ERRORS, ("result.*",), budget=Budget(20, 20, says_when=False)),)
