"""Deribit: the hourly funding of perpetuals, oldest first, at most 744 hours; and the trades of futures.

A row is stamped at the end of its hour. The start of the window is exclusive, its end is not; of a window that is too
wide the newest rows are sent. Answers are JSON-RPC, errors too.

Trades come from another host, with both bounds, in either order, ten thousand at most. There are far fewer of them than
there really are. Those in which somebody was liquidated say so; the others have no such field.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.liquidations import Closed, Venue, closed_on
from flows.simulator.market import Market
from flows.simulator.perpetuals import hourly_rates, hours, price_at
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer

PATH = "/api/v2/public/get_funding_rate_history"
INSTRUMENTS = {"BTC-PERPETUAL": "BTC", "ETH-PERPETUAL": "ETH"}
FIRST_MS = millis_of(datetime(2019, 4, 30, 1, tzinfo=UTC))
MAX_ROWS = 744
TRAILING = 8  # hours

TRADES = "/api/v2/public/get_last_trades_by_currency_and_time"
VENUES = {ticker: Venue("deribit", (ticker,), share=0.03, calm=0.08) for ticker in ("BTC", "ETH")}
FIRST_TRADE_DAY = millis_of(datetime(2018, 8, 14, tzinfo=UTC)) // DAY_MS
TRADES_AN_HOUR = 3
USUAL_TRADES, MAX_TRADES = 10, 10_000


def failure(status: int, code: int, message: str, **data: str) -> Answer:
    """A refusal in the shape of JSON-RPC."""
    told = {"message": message, "data": data, "code": code} if data else {"message": message, "code": code}
    return json_answer({"jsonrpc": "2.0", "error": told, "testnet": False}, status)


def error(status: int) -> Answer:
    """What Deribit says along with an HTTP error."""
    if status == 404:
        return failure(404, -32601, "Method not found")
    if status == 429:
        return failure(429, 10028, "too_many_requests")
    return failure(status, 13028, "temporarily_unavailable")


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure(200, 13028, "temporarily_unavailable")


def _invalid(name: str, reason: str) -> Answer:
    return failure(400, -32602, "Invalid params", param=name, reason=reason)


def _trades(market: Market, ticker: str, number: int) -> list[dict[str, Any]]:
    """A day's trades, oldest first: a few each hour, and those by which positions were closed."""
    key, first = key_of("deribit", ticker, "trades"), number * DAY_MS
    told = []
    for place in range(24 * TRADES_AN_HOUR):
        at_ms = first + round((place + unit(key, number * 100 + place)) * HOUR_MS / TRADES_AN_HOUR)
        amount = 10.0 * round(1 + 5000 * unit(key, number * 100 + place, 1) ** 4)
        price = price_at(market, ticker, at_ms // HOUR_MS)
        told.append(_trade(ticker, at_ms, 10**6 * number + place, price, amount, bought=place % 2 == 0))
    told += [_liquidation(ticker, one) for one in closed_on(market, VENUES[ticker], number)]
    return sorted(told, key=lambda trade: (trade["timestamp"], trade["trade_id"]))


def _liquidation(ticker: str, one: Closed) -> dict[str, Any]:
    """Mostly the order that closes a position takes; sometimes it is taken, and the direction is the other party's."""
    made = one.number % 4 == 3
    bought = one.is_long if made else not one.is_long
    number = 10**6 * (one.at_ms // DAY_MS) + 10**5 + one.number % 1000
    trade = _trade(ticker, one.at_ms, number, one.price, 10.0 * round(1 + one.usd / 10), bought=bought)
    return {**trade, "liquidation": "M" if made else "T"}


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


def _answer_trades(request: Request) -> Answer:
    """The trades of a currency's futures between two moments, both included."""
    ticker, sorting = request.query.get("currency", ""), request.query.get("sorting", "default")
    if ticker not in VENUES or request.query.get("kind") != "future":
        return _invalid("currency" if ticker not in VENUES else "kind", "wrong format")
    try:
        start, end = request.integer("start_timestamp"), request.integer("end_timestamp")
        count = request.integer("count") or USUAL_TRADES
    except BadParameterError as bad:
        return _invalid(bad.name, "must be an integer")
    if start is None or end is None or not 0 < count <= MAX_TRADES:
        return _invalid("count" if start is not None and end is not None else "start_timestamp", "is required")
    first, last = max(start // DAY_MS, FIRST_TRADE_DAY), min(end, request.now_ms) // DAY_MS
    backward = sorting != "asc"
    days = range(last, first - 1, -1) if backward else range(first, last + 1)
    found = (
        trade
        for number in days
        for trade in _trades(request.market, ticker, number)[:: -1 if backward else 1]
        if start <= trade["timestamp"] <= min(end, request.now_ms)
    )
    trades = list(islice(found, count + 1))
    return _result({"trades": trades[:count], "has_more": len(trades) > count}, request)


def _result(result: Any, request: Request) -> Answer:
    now = request.now_ms * 1000
    timing = {"usIn": now, "usOut": now + 431, "usDiff": 431}
    return json_answer({"jsonrpc": "2.0", "result": result, **timing, "testnet": False})


def answer(request: Request) -> Answer:
    """The funding history of one instrument, or the trades of a currency's futures."""
    if request.path == TRADES:
        return _answer_trades(request)
    if request.path != PATH:
        return error(404)
    ticker = INSTRUMENTS.get(request.query.get("instrument_name", ""))
    if ticker is None:
        return _invalid("instrument_name", "wrong format")
    try:
        start, end = request.integer("start_timestamp"), request.integer("end_timestamp")
    except BadParameterError as bad:
        return _invalid(bad.name, "must be an integer")
    if start is None or end is None:
        return _invalid("start_timestamp" if start is None else "end_timestamp", "is required")
    ends = hours(max(start + 1, FIRST_MS), min(end, request.now_ms))[-MAX_ROWS:]
    before = range(ends[0] - TRAILING + 1, ends[-1] + 1) if ends else ends
    rates = hourly_rates(request.market, "deribit", ticker, before)
    rows = [
        {
            "timestamp": hour * HOUR_MS,
            "index_price": price_at(request.market, ticker, hour),
            "prev_index_price": price_at(request.market, ticker, hour - 1),
            "interest_8h": sum(rates[place : place + TRAILING]),
            "interest_1h": rates[place + TRAILING - 1],
        }
        for place, hour in enumerate(ends)
    ]
    return _result(rows, request)


def rows(document: Any) -> list[Any]:
    """The rows of a result."""
    if not isinstance(document, dict) or "result" not in document:
        return []
    result = document["result"]
    return [result["trades"]] if isinstance(result, dict) else [result]


PAGES = (
    Page(("www.deribit.com", "history.deribit.com"), answer, error, envelope, rows, Budget(20, 1, says_when=False)),
)
