"""Frankfurter: the European Central Bank's reference rates, here won per dollar.

Days without a fixing have no row. A range that begins on such a day begins with the fixing before it. The fixing of a
day is public at 15:00 UTC.
"""

from datetime import date

from flows.simulator.holidays import has_ecb_fixing, open_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.page import Answer, Errors, Page, Refused, Request, Routes, json_answer

BASE, QUOTE = "USD", "KRW"
FIRST_FIXING = number_of(date(1999, 1, 4))
PUBLISHED_MS = 15 * HOUR_MS
ERRORS = Errors(
    shape=lambda _, message: {"message": message},
    other="internal server error",
    statuses={404: "not found", 429: "too many requests"},
)


def _newest(request: Request) -> int:
    """The day of the newest public fixing, after the currencies were checked."""
    request.must_be("base", BASE)
    request.must_be("symbols", QUOTE)
    return open_day((request.now_ms - PUBLISHED_MS) // DAY_MS, has_ecb_fixing, step=-1)


def _day(text: str | None, newest: int) -> int:
    """A day, at most the newest one."""
    return min(number_of(date.fromisoformat(text)), newest) if text else newest


def rate(request: Request, day: str) -> Answer:
    """The rate of a day, or of the last fixing before it."""
    newest = _newest(request)
    fixing = open_day(_day(None if day == "latest" else day, newest), has_ecb_fixing, step=-1)
    won = {QUOTE: request.market.korea.won_per_dollar(fixing)}
    return json_answer({"amount": 1.0, "base": BASE, "date": f"{day_of(fixing)}", "rates": won})


def rates(request: Request, first: str, last: str | None) -> Answer:
    """The rates of a range of days."""
    newest = _newest(request)
    start = open_day(max(_day(first, newest), FIRST_FIXING), has_ecb_fixing, step=-1)
    days = [day for day in range(start, _day(last, newest) + 1) if has_ecb_fixing(day)]
    if not days:
        raise Refused("range")
    won = request.market.korea.won_per_dollar
    return json_answer(
        {
            "amount": 1.0,
            "base": BASE,
            "start_date": f"{day_of(days[0])}",
            "end_date": f"{day_of(days[-1])}",
            "rates": {f"{day_of(day)}": {QUOTE: won(day)} for day in days},
        }
    )


DAY = r"\d{4}-\d{2}-\d{2}"
ROUTES: Routes = {rf"/v1/(?P<day>latest|{DAY})": rate, rf"/v1/(?P<first>{DAY})\.\.(?P<last>{DAY})?": rates}
PAGES = (Page(("api.frankfurter.dev",), ROUTES, ERRORS, ("rates",)),)
