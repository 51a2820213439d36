"""The Bank of Japan's time series: one code of one database, by months. Errors come in a 200."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flows.simulator.abroad import Abroad, following_month
from flows.simulator.curve import Curve
from flows.simulator.instants import HOUR_MS, day_of, next_month, number_of
from flows.simulator.wire import Answer, Page, Request, json_answer

PATH = "/api/v1/getDataCode"
MONTH = re.compile(r"(?P<year>(18|19|20)\d\d)(?P<month>0[1-9]|1[0-2])")


class Listed(NamedTuple):
    """One series.

    Attributes:
        database: Where it is kept.
        name: What the bank calls it.
        first: Its first month.
        level: Its curve, in hundreds of millions of yen.
        public_on: The day of the following month on which a month is out, at noon UTC.
    """

    database: str
    name: str
    first: int
    level: Callable[[Abroad], Curve]
    public_on: int


SERIES = {
    "MABJMTA": Listed("BS01", "Bank of Japan Accounts/Assets/Total", 199804, lambda world: world.japan, 7),
    "MAM1NAM2M2MO": Listed(
        "MD02", "M2/Average Amounts Outstanding/Money Stock", 200304, lambda world: world.japan_money, 10
    ),
}


def _refused(status: int, code: str, message: str) -> Answer:
    return json_answer(
        {"STATUS": status, "MESSAGEID": code, "MESSAGE": message, "DATE": None, "PARAMETER": None, "RESULTSET": []}
    )


def error(status: int) -> Answer:
    """An error of the server before the interface."""
    return json_answer({"STATUS": status, "MESSAGE": "Error"}, status)


def envelope() -> Answer:
    """The interface reports that its database is out of reach."""
    return _refused(503, "M181091S", "An error occurred while accessing the database.")


def rows(document: Any) -> list[Any]:
    """Months and values; what is removed is removed from both."""
    return [part for one in document.get("RESULTSET", []) for part in one["VALUES"].values()]


def answer(request: Request) -> Answer:
    """The months of one series that are out."""
    code = request.query.get("code", "")
    listed = SERIES.get(code)
    if request.path != PATH:
        return error(404)
    if listed is None or listed.database != request.query.get("db"):
        return _refused(400, "M181013E", "The specified series code does not exist. Position: 1")
    bounds = [MONTH.fullmatch(request.query.get(name, "200901")) for name in ("startDate", "endDate")]
    if None in bounds:
        return _refused(400, "M181008E", "The start date is not correct.")
    start, end = (int(bound[0]) for bound in bounds if bound)
    months, values = [], []
    month = number_of(day_of(0).replace(year=max(start, listed.first) // 100, month=max(start, listed.first) % 100))
    while int(f"{day_of(month):%Y%m}") <= end:
        if following_month(month, listed.public_on) + 12 * HOUR_MS <= request.now_ms:
            months.append(int(f"{day_of(month):%Y%m}"))
            values.append(round(listed.level(request.market.abroad).at(next_month(month) - 1)))
        month = next_month(month)
    result = {
        "SERIES_CODE": code,
        "NAME_OF_TIME_SERIES": listed.name,
        "UNIT": "100 million yen",
        "FREQUENCY": "MONTHLY",
        "CATEGORY": "Statistics",
        "LAST_UPDATE": 20241210,
        "VALUES": {"SURVEY_DATES": months, "VALUES": values},
    }
    return json_answer(
        {
            "STATUS": 200,
            "MESSAGEID": "M181000I",
            "MESSAGE": "Successfully completed",
            "DATE": "2024-12-10T09:30:00.000+09:00",
            "PARAMETER": {"FORMAT": "JSON", "LANG": "EN", "DB": listed.database},
            "NEXTPOSITION": None,
            "RESULTSET": [result] if months else [],
        }
    )


PAGES = (Page(("www.stat-search.boj.or.jp",), answer, error, envelope, rows),)
