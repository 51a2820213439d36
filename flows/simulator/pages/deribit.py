"""Deribit: the hourly funding of perpetuals, oldest first, at most 744 hours; and the trades of futures.

A row of funding is stamped at the end of its hour. The start of the window is exclusive, its end inclusive; of a longer
window the newest rows are sent. Answers and errors are JSON-RPC.

Trades come from another host, with both bounds included, in either order, at most ten thousand. There are far fewer
than in reality. A trade by which somebody was liquidated has a field for it; the others do not.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of, steps
from flows.simulator.liquidations import Closed, Venue, closed_on
from flows.simulator.market import Market
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer
from flows.simulator.seeded_random import key_of, unit

INSTRUMENTS = {"BTC-PERPETUAL": "BTC", "ETH-PERPETUAL": "ETH"}
FIRST_MS = millis_of(datetime(2019, 4, 30, 1, tzinfo=UTC))
MAX_ROWS = 744
TRAILING = 8  # hours
VENUES = {ticker: Venue("deribit", (ticker,), share=0.03, calm=0.08) for ticker in ("BTC", "ETH")}
FIRST_TRADE_DAY = millis_of(datetime(2018, 8, 14, tzinfo=UTC)) // DAY_MS
TRADES_AN_HOUR = 3
USUAL_TRADES, MAX_TRADES = 10, 10_000


def _error(_: int, code: int, message: str, param: str = "", reason: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"message": message}
    if param:
        error["data"] = {"param": param, "reason": reason}
    return {"jsonrpc": "2.0", "error": error | {"code": code}, "testnet": False}


ERRORS = Errors(
    shape=_error,
    other=(13028, "temporarily_unavailable"),
    statuses={404: (-32601, "Method not found"), 429: (10028, "too_many_requests")},
    refusals={
        "missing": (-32602, "Invalid params", "{}", "is required"),
        "malformed": (-32602, "Invalid params", "{}", "must be an integer"),
        "": (-32602, "Invalid params", "{}", "wrong format"),
    },
)


def _result(result: Any, request: Request) -> Answer:
    now = request.now_ms * 1000
    timing = {"usIn": now, "usOut": now + 431, "usDiff": 431}
    return json_answer({"jsonrpc": "2.0", "result": result, **timing, "testnet": False})


def _window(request: Request) -> tuple[int, int]:
    start, end = request.integer("start_timestamp"), request.integer("end_timestamp")
    return start, min(end, request.now_ms)


def _trades(market: Market, ticker: str, number: int) -> list[dict[str, Any]]:
    """The trades of a day, oldest first: a few each hour, and those of liquidations."""
    key, first = key_of("deribit", ticker, "trades"), number * DAY_MS
    trades = []
    for place in range(24 * TRADES_AN_HOUR):
        at_ms = first + round((place + unit(key, number * 100 + place)) * HOUR_MS / TRADES_AN_HOUR)
        amount = 10.0 * round(1 + 5000 * unit(key, number * 100 + place, 1) ** 4)
        price = market.spot.open(ticker, at_ms // HOUR_MS)
        trades.append(_trade(ticker, at_ms, 10**6 * number + place, price, amount, bought=place % 2 == 0))
    trades += [_liquidation(ticker, closed) for closed in closed_on(market, VENUES[ticker], number)]
    return sorted(trades, key=lambda trade: (trade["timestamp"], trade["trade_id"]))


def _liquidation(ticker: str, closed: Closed) -> dict[str, Any]:
    """Mostly the closing order is the taker; sometimes it is the maker, and the direction is the other party's."""
    is_maker = closed.number % 4 == 3
    bought = closed.is_long if is_maker else not closed.is_long
    number = 10**6 * (closed.at_ms // DAY_MS) + 10**5 + closed.number % 1000
    trade = _trade(ticker, closed.at_ms, number, closed.price, 10.0 * round(1 + closed.usd / 10), bought=bought)
    return {**trade, "liquidation": "M" if is_maker else "T"}


def _trade(ticker: str, at_ms: int, number: int, price: float, amount: float, *, bought: bool) -> dict[str, Any]:
    return {
        "trade_seq": number,
        "trade_id": f"{'' if ticker == 'BTC' else ticker + '-'}{number}",
        "timestamp": at_ms,
        "tick_direction": 0 if bought else 2,
        "price": round(price, 2),
        "mark_price": round(price, 2),
        "instrument_name": f"{ticker}-PERPETUAL" if number % 5 else f"{ticker}-28MAR25",
        "index_price": round(price, 2),
        "direction": "buy" if bought else "sell",
        "contracts": amount / 10,
        "amount": amount,
    }


def trades(request: Request) -> Answer:
    """The trades of a currency's futures between two moments."""
    ticker, step = request.must_be("currency", *VENUES), 1 if request.query.get("sorting") == "asc" else -1
    request.must_be("kind", "future")
    (start, end), count = _window(request), request.size("count", USUAL_TRADES, MAX_TRADES)
    days = range(max(start // DAY_MS, FIRST_TRADE_DAY), end // DAY_MS + 1)[::step]
    found = (
        trade
        for number in days
        for trade in _trades(request.market, ticker, number)[::step]
        if start <= trade["timestamp"] <= end
    )
    listed = list(islice(found, count + 1))
    return _result({"trades": listed[:count], "has_more": len(listed) > count}, request)


def funding(request: Request) -> Answer:
    """The hourly funding of an instrument."""
    ticker, (start, end) = request.one_of("instrument_name", INSTRUMENTS), _window(request)
    ends = steps(HOUR_MS, max(start + 1, FIRST_MS), end)[-MAX_ROWS:]
    before = range(ends[0] - TRAILING + 1, ends[-1] + 1) if ends else ends
    rates = request.market.funding.hourly_rates("deribit", ticker, before)
    rows = [
        {
            "timestamp": hour * HOUR_MS,
            "index_price": request.market.spot.open(ticker, hour),
            "prev_index_price": request.market.spot.open(ticker, hour - 1),
            "interest_8h": sum(rates[place : place + TRAILING]),
            "interest_1h": rates[place + TRAILING - 1],
        }
        for place, hour in enumerate(ends)
    ]
    return _result(rows, request)


ROUTES = {
    "/api/v2/public/get_funding_rate_history": funding,
    "/api/v2/public/get_last_trades_by_currency_and_time": trades,
}
HOSTS = ("www.deribit.com", "history.deribit.com")
PAGES = (Page(HOSTS, ROUTES, ERRORS, ("result.trades", "result"), budget=Budget(20, 1, says_when=False)),)
