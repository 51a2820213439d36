"""Coinalyze: daily liquidations and open interest of several markets at once, oldest first; a key in a header.

Both bounds are included and in seconds. An unknown market is left out of the answer. Each market counts as a call. The
current day has what has passed of it.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from flows.simulator.candles import UTC_DAYS, shown, window
from flows.simulator.instants import DAY_MS, DAY_S, SECOND_MS, midnight_ms, steps
from flows.simulator.liquidations import IN_COIN, at_perpetual
from flows.simulator.open_interest import TICKERS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer, whole
from flows.simulator.script import PEGGED

MOST_SYMBOLS = 20
# A market: the coin, the currency of its settlement, and the code of its venue.
SYMBOL = re.compile(r"(?P<ticker>[A-Z0-9]{2,5}?)(?P<quote>USDT?)(?P<perpetual>_PERP)?\.(?P<code>[A63])")
# A venue: its name, and whether the names of its markets have `_PERP`.
VENUES = {"A": ("Binance", True), "6": ("Bybit", False), "3": ("OKX", True)}
FIRST_MS = midnight_ms(date(2020, 12, 1))  # of open interest
ERRORS = Errors(
    shape=lambda _, message: {"message": message},
    other="Server error",
    statuses={401: "Invalid/Missing API key", 404: "Not found", 429: "Too many requests"},
    refusals={"api_key": 401, "": "Invalid {}"},
)
Market = tuple[str, str, str]
History = Callable[[Request, str, Market, int, int], list[Any]]


def _symbols(request: Request) -> list[str]:
    return [name for name in request.query.get("symbols", "").split(",") if name]


def _market(symbol: str) -> Market | None:
    """The coin, the venue and the quote currency of a market; None if there is no such market."""
    match = SYMBOL.fullmatch(symbol)
    if match is None or match["ticker"] in PEGGED:
        return None
    venue, has_suffix = VENUES[match["code"]]
    return (match["ticker"], venue, match["quote"]) if has_suffix == bool(match["perpetual"]) else None


def _liquidations(request: Request, _: str, market: Market, start_ms: int, end_ms: int) -> list[Any]:
    ticker, venue, quote = market
    series = request.market.spot.series(ticker)
    rows = []
    for day in shown(series, DAY_MS, window(series, UTC_DAYS, start_ms, end_ms, request.now_ms), request.now_ms):
        closed = at_perpetual(venue, ticker, quote, day)
        rows.append({"t": day.start_ms // SECOND_MS, "l": whole(closed.long_usd), "s": whole(closed.short_usd)})
    return rows


def _open_interest(request: Request, symbol: str, market: Market, start_ms: int, end_ms: int) -> list[Any]:
    """Open, high, low and close of each day; Binance's perpetual in USDT is the main one."""
    ticker, venue, quote = market
    main = (venue, quote) == ("Binance", "USDT")
    name, share = ("main", 1.0) if main else (f"{venue} {symbol}", IN_COIN)
    rows = []
    for day in steps(DAY_MS, max(start_ms, FIRST_MS), end_ms):
        levels = request.market.open_interest.day_usd(ticker, day, request.now_ms, venue=name, share=share)
        rows.append({"t": day * DAY_S, **dict(zip("ohlc", map(whole, levels), strict=True))})
    return rows


def histories(history: History, tickers: tuple[str, ...] | None, request: Request) -> Answer:
    """The histories of some markets, of these coins only."""
    if not request.headers.get("api_key"):
        raise Refused("api_key")
    symbols = _symbols(request)
    if not 0 < len(symbols) <= MOST_SYMBOLS:
        raise Refused("symbols")
    # The simulator has days in dollars only.
    request.must_be("interval", "daily")
    request.must_be("convert_to_usd", "true")
    start_ms, end_ms = request.integer("from") * SECOND_MS, min(request.integer("to") * SECOND_MS, request.now_ms)
    markets = [(name, _market(name)) for name in symbols]
    return json_answer(
        [
            {"symbol": name, "history": history(request, name, market, start_ms, end_ms)}
            for name, market in markets
            if market is not None and (tickers is None or market[0] in tickers)
        ]
    )


ROUTES = {
    "/v1/liquidation-history": partial(histories, _liquidations, None),
    "/v1/open-interest-history": partial(histories, _open_interest, TICKERS),
}
PAGES = (
    Page(
        ("api.coinalyze.net",),
        ROUTES,
        ERRORS,
        ("*.history",),
        budget=Budget(40, 60),
        cost=lambda request: len(_symbols(request)),
    ),
)
