"""Frankfurter: the European Central Bank's reference rates, here won for one dollar.

Days without a fixing have no row. A range that begins on such a day begins with the fixing
before it. A day's fixing is public at 15:00 UTC.
"""

import re
from datetime import date
from typing import Any

from flows.simulator.holidays import has_ecb_fixing
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.wire import Answer, Page, Request, json_answer

PATH = re.compile(r"/v1/(?P<first>latest|\d{4}-\d{2}-\d{2})(?P<range>\.\.(?P<last>\d{4}-\d{2}-\d{2})?)?")
BASE, QUOTE = "USD", "KRW"
FIRST_FIXING = number_of(date(1999, 1, 4))
PUBLISHED_MS = 15 * HOUR_MS


def error(status: int) -> Answer:
    """What Frankfurter says along with an HTTP error."""
    messages = {404: "not found", 422: "bad request", 429: "too many requests"}
    return json_answer({"message": messages.get(status, "internal server error")}, status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return json_answer({"message": "internal server error"})


def rows(document: Any) -> list[Any]:
    """The rates by day."""
    return [document["rates"]] if "rates" in document else []


def _fixing_at_or_before(day: int) -> int:
    while not has_ecb_fixing(day):
        day -= 1
    return day


def answer(request: Request) -> Answer:
    """The rates of one day, or of a range of days."""
    match = PATH.fullmatch(request.path)
    base = request.query.get("base", "EUR")
    symbols = request.query.get("symbols", QUOTE)
    if match is None or (base, symbols) != (BASE, QUOTE):
        return error(404)
    try:
        first = request.today if match["first"] == "latest" else number_of(date.fromisoformat(match["first"]))
        last = request.today if not match["last"] else number_of(date.fromisoformat(match["last"]))
    except ValueError:
        return error(422)
    newest = _fixing_at_or_before((request.now_ms - PUBLISHED_MS) // DAY_MS)
    first = _fixing_at_or_before(min(max(first, FIRST_FIXING), newest))
    won = request.market.korea.won_per_dollar
    if match["range"] is None:
        rates: dict[str, Any] = {QUOTE: won(first)}
        return json_answer({"amount": 1.0, "base": BASE, "date": day_of(first).isoformat(), "rates": rates})
    days = [day for day in range(first, min(last, newest) + 1) if has_ecb_fixing(day)]
    if not days:
        return error(404)
    return json_answer(
        {
            "amount": 1.0,
            "base": BASE,
            "start_date": day_of(days[0]).isoformat(),
            "end_date": day_of(days[-1]).isoformat(),
            "rates": {day_of(day).isoformat(): {QUOTE: won(day)} for day in days},
        }
    )


PAGES = (Page(("api.frankfurter.dev",), answer, error, envelope, rows),)
