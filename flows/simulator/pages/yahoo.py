"""Yahoo Finance: a chart of the nearest federal funds future, in daily bars.

A bar is stamped with midnight in New York; the last one, of the current day, with a trade of just now until the session
ends. The price is 100 less the mean effective rate of the calendar month.
"""

import calendar
from datetime import date, timedelta
from typing import Any

from flows.simulator.holidays import is_bond_day
from flows.simulator.instants import SECOND_MS, day_of, new_york_midnight_s, number_of
from flows.simulator.market import Market
from flows.simulator.page import Answer, Errors, Page, Refused, Request, json_answer, text_answer

FIRST_DAY = number_of(date(2009, 1, 2))
DIGITS = 4  # a quarter of a basis point
SESSION_END = 17 * 3600  # seconds after midnight in New York


ERRORS = Errors(
    shape=lambda _, code, description: {"chart": {"result": None, "error": {"code": code, "description": description}}},
    other=("Internal Server Error", "Internal Server Error"),
    statuses={
        404: ("Not Found", "No data found, symbol may be delisted"),
        429: text_answer("Too Many Requests\r\n", content_type="text/html"),
    },
    refusals={
        "user-agent": 429,
        "malformed": ("Bad Request", "Invalid input - {}"),
        "": ("Unprocessable Entity", "Only a window of daily bars is simulated"),
    },
    refused_with=422,
)


def _stamp(day: int, now_ms: int) -> int:
    """The stamp of a bar, in seconds since 1970."""
    begun, now = new_york_midnight_s(day), now_ms // SECOND_MS
    return now if begun <= now < begun + SESSION_END else begun


def _price(market: Market, day: int) -> float:
    """100 less the mean effective rate of the month, which this market knows in advance."""
    first = day_of(day).replace(day=1)
    length = calendar.monthrange(first.year, first.month)[1]
    rate = market.macro.series["DFF"].value
    mean = sum(float(rate(number_of(first + timedelta(days=number)))) for number in range(length)) / length
    return round(100 - mean, DIGITS)


def chart(request: Request) -> Answer:
    """The bars that begin in a window, if their session has begun."""
    if not request.headers.get("user-agent"):
        raise Refused("user-agent")
    request.must_be("interval", "1d")
    start, end = request.integer("period1"), min(request.integer("period2"), request.now_ms // SECOND_MS + 1)
    days = [
        day
        for day in range(FIRST_DAY, request.today + 1)
        if is_bond_day(day) and start <= new_york_midnight_s(day) < end
    ]
    closes = [_price(request.market, day) for day in days]
    meta: dict[str, Any] = {"currency": "USD", "symbol": "ZQ=F", "exchangeTimezoneName": "America/New_York"}
    meta |= {"dataGranularity": "1d", "regularMarketTime": request.now_ms // SECOND_MS}
    result: dict[str, Any] = {"meta": meta, "indicators": {"quote": [{"close": closes} if days else {}]}}
    if days:
        result["timestamp"] = [_stamp(day, request.now_ms) for day in days]
    return json_answer({"chart": {"result": [result], "error": None}})


ROWS = ("chart.result.*.timestamp", "chart.result.*.indicators.quote.*.*")
PAGES = (Page(("query1.finance.yahoo.com",), {"/v8/finance/chart/ZQ=F": chart}, ERRORS, ROWS),)
