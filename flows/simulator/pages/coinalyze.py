"""Coinalyze: daily liquidations and open interest of several markets at once, oldest first; a key in a header.

Both bounds are included and in seconds. A market that is not known is left out of the answer. Each market counts as a
call. The running day is listed with what has passed of it.
"""

import re
from collections.abc import Callable
from datetime import date

from flows.simulator.candles import shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, number_of
from flows.simulator.interest import STEP_MS, TICKERS
from flows.simulator.liquidations import IN_COIN, at_perpetual
from flows.simulator.market import Market
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole

LIQUIDATIONS = "/v1/liquidation-history"
INTEREST = "/v1/open-interest-history"
MOST_SYMBOLS = 20
# Of a market: the coin, what it is settled in, and the code of its venue.
SYMBOL = re.compile(r"(?P<ticker>[A-Z0-9]{2,5}?)(?P<quote>USDT?)(?P<perpetual>_PERP)?\.(?P<code>[A63])")
# Of a venue: its name, and whether its markets are called perpetual.
VENUES = {"A": ("Binance", True), "6": ("Bybit", False), "3": ("OKX", True)}
FIRST_DAY = number_of(date(2020, 12, 1))  # of open interest


def failure(status: int, message: str) -> Answer:
    """A refusal in Coinalyze's shape."""
    return json_answer({"message": message}, status)


def error(status: int) -> Answer:
    """What Coinalyze says along with an HTTP error."""
    known = {401: "Invalid/Missing API key", 404: "Not found", 429: "Too many requests"}
    return failure(status, known.get(status, "Server error"))


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, "Server error")


def _rows(document: object) -> list[object]:
    listed = document if isinstance(document, list) else []
    return [rows for one in listed for rows in list_rows(one.get("history"))]


def _symbols(request: Request) -> list[str]:
    return [name for name in request.query.get("symbols", "").split(",") if name]


def _market(symbol: str) -> tuple[str, str, str] | None:
    """The coin, the venue and the quote of a market; None where there is no such market."""
    found = SYMBOL.fullmatch(symbol)
    if found is None or found["ticker"] in PEGGED:
        return None
    venue, is_called_perpetual = VENUES[found["code"]]
    if is_called_perpetual != bool(found["perpetual"]):
        return None
    return found["ticker"], venue, found["quote"]


def _liquidations(request: Request, symbol: str, start_ms: int, end_ms: int) -> list[object] | None:
    market = _market(symbol)
    if market is None:
        return None
    ticker, venue, quote = market
    series = request.market.spot.series(ticker)
    numbers = window(series, DAY_MS, start_ms, end_ms, request.now_ms)
    history: list[object] = []
    for day in shown(series, DAY_MS, numbers, request.now_ms):
        closed = at_perpetual(venue, ticker, quote, day)
        row = {"t": day.start_ms // SECOND_MS, "l": whole(closed.long_usd), "s": whole(closed.short_usd)}
        history.append(row)
    return history


def _open_interest(request: Request, symbol: str, start_ms: int, end_ms: int) -> list[object] | None:
    market = _market(symbol)
    if market is None or market[0] not in TICKERS:
        return None
    ticker, venue, _ = market
    days = range(max(-(-start_ms // DAY_MS), FIRST_DAY), min(end_ms // DAY_MS, request.today) + 1)
    return [_bucket(request.market, ticker, f"{venue} {symbol}", day, request.now_ms) for day in days]


def _bucket(market: Market, ticker: str, contract: str, day: int, now_ms: int) -> dict[str, float]:
    """Binance's perpetual in USDT is the main one, and read alike everywhere."""
    last = (day + 1) * DAY_MS - STEP_MS
    moments = [at_ms for at_ms in (*range(day * DAY_MS, last, HOUR_MS), last) if at_ms <= now_ms]
    main = contract.startswith("Binance") and "USDT" in contract
    venue, share = ("main", 1.0) if main else (contract, IN_COIN)
    values = [round(one.usd, 4) for one in market.interest.readings(ticker, moments, venue=venue, share=share)]
    return {
        "t": day * DAY_MS // SECOND_MS,
        "o": whole(values[0]),
        "h": whole(max(values)),
        "l": whole(min(values)),
        "c": whole(values[-1]),
    }


History = Callable[[Request, str, int, int], list[object] | None]
HISTORIES: dict[str, History] = {LIQUIDATIONS: _liquidations, INTEREST: _open_interest}


def answer(request: Request) -> Answer:
    """The histories of some markets."""
    if not (request.headers.get("api_key") or request.query.get("api_key")):
        return error(401)
    if request.path not in HISTORIES:
        return error(404)
    symbols = _symbols(request)
    if not 0 < len(symbols) <= MOST_SYMBOLS:
        return failure(400, "Invalid symbols")
    if request.query.get("interval") != "daily" or request.query.get("convert_to_usd") != "true":
        return failure(400, "Invalid interval")  # the simulator has days in dollars alone
    try:
        start, end = request.integer("from"), request.integer("to")
    except BadParameterError as bad:
        return failure(400, f"Invalid {bad.name}")
    if start is None or end is None:
        return failure(400, "Invalid from/to")
    history = HISTORIES[request.path]
    found = [(name, history(request, name, start * SECOND_MS, end * SECOND_MS)) for name in symbols]
    return json_answer([{"symbol": name, "history": rows} for name, rows in found if rows is not None])


BUDGET = Budget(40, 60, cost=lambda request: len(_symbols(request)))
PAGES = (Page(("api.coinalyze.net",), answer, error, envelope, _rows, BUDGET),)
