"""The Bank of Japan's time series: one code of one database, by months. Errors come in a 200."""

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from flows.simulator.curve import Curve
from flows.simulator.foreign_macro import ForeignMacro, following_month
from flows.simulator.instants import day_of, month_ends, next_month, number_of
from flows.simulator.page import Answer, Errors, Page, Refused, Request, json_answer


class Listed(NamedTuple):
    """A series.

    Attributes:
        database: The database that has it.
        name: The bank's name for it.
        first: Its first month.
        level: Its curve, in hundreds of millions of yen.
        public_on: The day of the following month on which a month is public, at noon UTC.
    """

    database: str
    name: str
    first: date
    level: Callable[[ForeignMacro], Curve]
    public_on: int


SERIES = {
    "MABJMTA": Listed(
        "BS01", "Bank of Japan Accounts/Assets/Total", date(1998, 4, 1), lambda foreign: foreign.japan, 7
    ),
    "MAM1NAM2M2MO": Listed(
        "MD02", "M2/Average Amounts Outstanding/Money Stock", date(2003, 4, 1), lambda foreign: foreign.japan_money, 10
    ),
}


def _failure(status: int, code: str, message: str) -> Answer:
    head = {"STATUS": status, "MESSAGEID": code, "MESSAGE": message}
    return json_answer({**head, "DATE": None, "PARAMETER": None, "RESULTSET": []})


ERRORS = Errors(
    shape=lambda status, message: {"STATUS": status, "MESSAGE": message},
    other="Error",
    refusals={
        "code": _failure(400, "M181013E", "The specified series code does not exist. Position: 1"),
        "": _failure(400, "M181008E", "The start date is not correct."),
    },
    refused_with=200,
    within_200=_failure(503, "M181091S", "An error occurred while accessing the database."),
)


def _month(request: Request, name: str, default: int) -> int:
    """The first day of a month such as 200901."""
    text = request.query.get(name, "")
    try:
        return number_of(date.fromisoformat(f"{text}01")) if text else default
    except ValueError:
        raise Refused(name, "malformed") from None


def series(request: Request) -> Answer:
    """The public months of a series."""
    code, listed = request.text("code"), request.one_of("code", SERIES)
    if listed.database != request.query.get("db"):
        raise Refused("code")
    first = number_of(listed.first)
    start, end = max(_month(request, "startDate", first), first), _month(request, "endDate", request.today)
    ends = [
        day
        for day in month_ends(start, next_month(end) - 1)
        if following_month(day, listed.public_on, 12) <= request.now_ms
    ]
    level = listed.level(request.market.foreign)
    result = {
        "SERIES_CODE": code,
        "NAME_OF_TIME_SERIES": listed.name,
        "UNIT": "100 million yen",
        "FREQUENCY": "MONTHLY",
        "CATEGORY": "Statistics",
        "LAST_UPDATE": 20241210,
        "VALUES": {
            "SURVEY_DATES": [int(f"{day_of(day):%Y%m}") for day in ends],
            "VALUES": [round(level.at(day)) for day in ends],
        },
    }
    return json_answer(
        {
            "STATUS": 200,
            "MESSAGEID": "M181000I",
            "MESSAGE": "Successfully completed",
            "DATE": "2024-12-10T09:30:00.000+09:00",
            "PARAMETER": {"FORMAT": "JSON", "LANG": "EN", "DB": listed.database},
            "NEXTPOSITION": None,
            "RESULTSET": [result] if ends else [],
        }
    )


PAGES = (Page(("www.stat-search.boj.or.jp",), {"/api/v1/getDataCode": series}, ERRORS, ("RESULTSET.*.VALUES.*",)),)
