"""Yahoo Finance: a chart of the front fed funds future, in daily bars.

A bar is stamped with midnight in New York; that of the running day is the last, stamped with a trade of just now until
the session ends. The price is 100 less the mean effective rate of the calendar month.
"""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flows.simulator.holidays import is_bond_day
from flows.simulator.instants import SECOND_MS, day_of, number_of
from flows.simulator.market import Market
from flows.simulator.wire import Answer, BadParameterError, Page, Request, json_answer, text_answer

PATH = "/v8/finance/chart/ZQ=F"
FIRST_DAY = number_of(date(2009, 1, 2))
NEW_YORK = ZoneInfo("America/New_York")
ROUND = 4  # digits: a quarter of a basis point
SESSION_END = 17 * 3600  # seconds after midnight in New York


def failure(code: str, description: str, status: int) -> Answer:
    """A refusal in Yahoo's shape."""
    return json_answer({"chart": {"result": None, "error": {"code": code, "description": description}}}, status)


def error(status: int) -> Answer:
    """What Yahoo says along with an HTTP error."""
    if status == 429:
        return text_answer("Too Many Requests\r\n", 429, "text/html")
    if status == 404:
        return failure("Not Found", "No data found, symbol may be delisted", 404)
    return failure("Internal Server Error", "Internal Server Error", status)


def envelope() -> Answer:
    """An error that is delivered as a success."""
    return failure("Internal Server Error", "Internal Server Error", 200)


def _rows(document: Any) -> list[Any]:
    results = document["chart"]["result"] or []
    return [rows for one in results for rows in (one.get("timestamp", []), *one["indicators"]["quote"][0].values())]


def _stamp(day: int) -> int:
    """Midnight in New York, in seconds since 1970."""
    named = day_of(day)
    return int(datetime(named.year, named.month, named.day, tzinfo=NEW_YORK).astimezone(UTC).timestamp())


def _stamped(day: int, now_ms: int) -> int:
    """What a bar is stamped with: that of a session that is not over with the time of its last trade."""
    begun = _stamp(day)
    now = now_ms // SECOND_MS
    return now if begun <= now < begun + SESSION_END else begun


def price(market: Market, day: int) -> float:
    """100 less the mean of the month's effective rates, which this market knows in advance."""
    first = day_of(day).replace(day=1)
    length = calendar.monthrange(first.year, first.month)[1]
    rate = market.macro.series["DFF"].value
    mean = sum(float(rate(number_of(first + timedelta(days=number)))) for number in range(length)) / length
    return round(100 - mean, ROUND)


def answer(request: Request) -> Answer:
    """The bars that begin in a window, as far as their sessions have begun."""
    if request.path != PATH:
        return error(404)
    if not request.headers.get("user-agent"):
        return error(429)
    try:
        start, end = request.integer("period1"), request.integer("period2")
    except BadParameterError as bad:
        return failure("Bad Request", f"Invalid input - {bad.name}", 400)
    if start is None or end is None or request.query.get("interval") != "1d":
        return failure("Unprocessable Entity", "Only a window of daily bars is known here", 422)
    days = [
        day
        for day in range(FIRST_DAY, request.today + 1)
        if is_bond_day(day) and start <= _stamp(day) < end and _stamp(day) * SECOND_MS <= request.now_ms
    ]
    closes = [price(request.market, day) for day in days]
    meta: dict[str, Any] = {"currency": "USD", "symbol": "ZQ=F", "exchangeTimezoneName": f"{NEW_YORK}"}
    meta |= {"dataGranularity": "1d", "regularMarketTime": request.now_ms // SECOND_MS}
    result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [{"close": closes} if days else {}]}}
    if days:
        result["timestamp"] = [_stamped(day, request.now_ms) for day in days]
    return json_answer({"chart": {"result": [result], "error": None}})


PAGES = (Page(("query1.finance.yahoo.com",), answer, error, envelope, _rows),)
