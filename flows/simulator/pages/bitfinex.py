"""Bitfinex: candles against the dollar, newest first unless sorted, 100 unless more are asked for, at most 10,000.

Close comes before high and low. Both bounds are inclusive; the newest candle runs. Bitcoin trades a little above the
other dollar venue.
"""

import re
from functools import lru_cache

from flows.simulator.candles import Series, shown, window
from flows.simulator.chance import bell, key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.market import Market
from flows.simulator.spot import OLDEST, Mirror, mirrored
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole

PATH = re.compile(r"/v2/candles/trade:(?P<step>1D|1h):t(?P<ticker>[A-Z0-9]{3,4})USD/hist/?")
STEPS = {"1D": DAY_MS, "1h": HOUR_MS}
TICKERS = ("BTC", "ETH")
ABOVE = 1.0013
USUAL_ROWS, MAX_ROWS = 100, 10_000


def failure(status: int, code: int, message: str) -> Answer:
    """A refusal in Bitfinex's shape."""
    return json_answer(["error", code, message], status)


def error(status: int) -> Answer:
    """What Bitfinex says along with an HTTP error."""
    if status == 429:
        return json_answer({"error": "ERR_RATE_LIMIT"}, 429)
    return failure(status, 10020 if status == 404 else 20060, "url: invalid" if status == 404 else "maintenance")


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, 11010, "ratelimit: error")


@lru_cache(maxsize=16)
def _series(market: Market, ticker: str) -> Series:
    leader, decimals = market.coinbase.series(ticker), market.spot.coin(ticker).decimals
    key = key_of("bitfinex", ticker)

    def price(day: int) -> float:
        return float(round(leader.day(day).close * (ABOVE + 0.0001 * bell(key, day)), decimals))

    def turnover(day: int) -> float:
        return leader.day(day).turnover * (0.1 + 0.05 * unit(key, day, 4))

    return mirrored(Mirror(leader, price, decimals, turnover, {}), key, millis_of(OLDEST))


def answer(request: Request) -> Answer:
    """The candles of one pair."""
    match = PATH.fullmatch(request.path)
    if match is None:
        return error(404)
    if match["ticker"] not in TICKERS:
        return json_answer([])
    try:
        start, end, limit = (request.integer(name) for name in ("start", "end", "limit"))
    except BadParameterError as bad:
        return failure(500, 10020, f"{bad.name}: invalid")
    if limit is not None and not 0 < limit <= MAX_ROWS:
        return failure(500, 10020, "limit: invalid")
    step_ms = STEPS[match["step"]]
    series = _series(request.market, match["ticker"])
    numbers = window(series, step_ms, start, end, request.now_ms)
    size = limit or USUAL_ROWS
    page = numbers[:size] if request.query.get("sort") == "1" else numbers[::-1][:size]
    return json_answer(
        [
            [
                candle.start_ms,
                whole(candle.open),
                whole(candle.close),
                whole(candle.high),
                whole(candle.low),
                whole(round(candle.volume, 8)),
            ]
            for candle in shown(series, step_ms, page, request.now_ms)
        ]
    )


PAGES = (Page(("api-pub.bitfinex.com",), answer, error, envelope, list_rows, Budget(30, 60, says_when=False)),)
