"""Deribit: the hourly funding of perpetuals, oldest first, at most 744 hours.

A row is stamped at the end of its hour. The start of the window is exclusive, its end is not; of a window that is too
wide the newest rows are sent. Answers are JSON-RPC, errors too.
"""

from datetime import UTC, datetime
from typing import Any

from flows.simulator.instants import HOUR_MS, millis_of
from flows.simulator.perpetuals import hourly_rates, hours, price_at
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer

PATH = "/api/v2/public/get_funding_rate_history"
INSTRUMENTS = {"BTC-PERPETUAL": "BTC", "ETH-PERPETUAL": "ETH"}
FIRST_MS = millis_of(datetime(2019, 4, 30, 1, tzinfo=UTC))
MAX_ROWS = 744
TRAILING = 8  # hours


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


def answer(request: Request) -> Answer:
    """The funding history of one instrument."""
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
    now = request.now_ms * 1000
    timing = {"usIn": now, "usOut": now + 431, "usDiff": 431}
    return json_answer({"jsonrpc": "2.0", "result": rows, **timing, "testnet": False})


def rows(document: Any) -> list[Any]:
    """The rows of a result."""
    return [document["result"]] if isinstance(document, dict) and "result" in document else []


PAGES = (Page(("www.deribit.com",), answer, error, envelope, rows, Budget(20, 1, says_when=False)),)
