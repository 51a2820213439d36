"""Coinglass: daily liquidations, open interest and borrowing rates, oldest first; a key in a header, errors in a 200.

Both bounds are included, 1,000 rows at most and the newest of them. The running day is listed. Stamps are in
milliseconds, those of borrowing rates in seconds. That these are percent per day is the simulator's own choice.
"""

import math
from collections.abc import Callable
from datetime import date

from flows.simulator import borrowing
from flows.simulator.candles import shown
from flows.simulator.instants import DAY_MS, DAY_S, HOUR_MS, number_of
from flows.simulator.interest import STEP_MS, TICKERS
from flows.simulator.liquidations import SIZES, at_perpetual
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole

LIQUIDATIONS = "/api/futures/liquidation/aggregated-history"
INTEREST = "/api/futures/open-interest/aggregated-history"
RATES = "/api/borrow-interest-rate/history"
MOST = 1000
FIRST_DAY = number_of(date(2020, 12, 1))
EVERYWHERE = 2.4  # coins open at all venues for each at the main one
NOON = 12
LENDERS = ("Binance", "Bybit")


def reply(code: str, message: str, data: object = None, status: int = 200) -> Answer:
    """Coinglass' envelope."""
    document: dict[str, object] = {"code": code, "msg": message}
    return json_answer(document if data is None else {**document, "data": data}, status)


def error(status: int) -> Answer:
    """What Coinglass says along with an HTTP error."""
    known = {401: "Upgrade plan", 404: "Not Found", 429: "Too Many Requests"}
    return reply(str(status), known.get(status, "Server Error"), status=status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return reply("401", "Upgrade plan")


def _rows(document: object) -> list[object]:
    return list_rows(document.get("data")) if isinstance(document, dict) else []


def _days(request: Request) -> range:
    start, end, limit = (request.integer(name) for name in ("start_time", "end_time", "limit"))
    last = min(request.now_ms if end is None else end, request.now_ms) // DAY_MS
    first = FIRST_DAY if start is None else max(-(-start // DAY_MS), FIRST_DAY)
    days = range(first, last + 1)
    return days[max(len(days) - min(limit or MOST, MOST), 0) :]


def _liquidations(request: Request) -> list[object]:
    ticker = request.query["symbol"]
    venues = [name.strip() for name in request.query["exchange_list"].split(",")]
    if not ticker.isalnum() or ticker in PEGGED or not set(venues) <= set(SIZES):
        return []
    series = request.market.spot.series(ticker)
    told: list[object] = []
    for day in shown(series, DAY_MS, _days(request), request.now_ms):
        closed = [at_perpetual(venue, ticker, quote, day) for venue in venues for quote in ("USDT", "USD")]
        told.append(
            {
                "time": day.start_ms,
                "aggregated_long_liquidation_usd": whole(round(math.fsum(one.long_usd for one in closed), 5)),
                "aggregated_short_liquidation_usd": whole(round(math.fsum(one.short_usd for one in closed), 5)),
            }
        )
    return told


def _open_interest(request: Request) -> list[object]:
    ticker = request.query["symbol"]
    if ticker not in TICKERS:
        return []
    told: list[object] = []
    for day in _days(request):
        last = (day + 1) * DAY_MS - STEP_MS
        moments = [at_ms for at_ms in (*range(day * DAY_MS, last, HOUR_MS), last) if at_ms <= request.now_ms]
        readings = request.market.interest.readings(ticker, moments, venue="everywhere", share=EVERYWHERE)
        usd = [round(one.usd, 4) for one in readings]
        levels = {"open": usd[0], "high": max(usd), "low": min(usd), "close": usd[-1]}
        told.append({"time": day * DAY_MS, **{name: whole(level) for name, level in levels.items()}})
    return told


def _rates(request: Request) -> list[object]:
    exchange, coin = request.query["exchange"], request.query["symbol"]
    if exchange not in LENDERS or coin not in borrowing.COINS:
        return []
    return [
        {
            "time": day * DAY_S,
            "interest_rate": round(borrowing.rate(exchange.lower(), coin, day * borrowing.HOURS + NOON) / 3.65, 6),
        }
        for day in _days(request)
    ]


History = Callable[[Request], list[object]]
HISTORIES: dict[str, tuple[History, tuple[str, ...]]] = {
    LIQUIDATIONS: (_liquidations, ("exchange_list", "symbol", "interval")),
    INTEREST: (_open_interest, ("symbol", "interval")),
    RATES: (_rates, ("exchange", "symbol", "interval")),
}


def answer(request: Request) -> Answer:
    """One of the histories."""
    if not request.headers.get("cg-api-key"):
        return reply("401", "API key missing.")
    if request.path not in HISTORIES:
        return error(404)
    history, required = HISTORIES[request.path]
    for name in required:
        if not request.query.get(name):
            return reply("400", f"Required String parameter '{name}' is not present")
    if request.query["interval"] != "1d":
        return reply("400", "The requested interval is not imitated.")
    try:
        return reply("0", "success", history(request))
    except BadParameterError as bad:
        return reply("400", f"Failed to convert value of parameter '{bad.name}'")


PAGES = (Page(("open-api-v4.coinglass.com",), answer, error, envelope, _rows, Budget(30, 60)),)
