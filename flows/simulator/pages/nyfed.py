"""The New York Fed's markets API: reverse repo operations and the effective federal funds rate, newest first.

Operations are searched in windows of at most a year. A small value exercise is listed as an operation of its own. Money
is in dollars.
"""

from datetime import date
from typing import Any

from flows.simulator.holidays import is_bank_day, is_bond_day, open_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.page import Answer, Errors, Page, Refused, Request, json_answer

FIRST_OPERATION = number_of(date(2013, 9, 23))
FIRST_RATE = number_of(date(2009, 1, 2))
LONGEST = 366  # days
EXERCISE_EVERY = 61  # days
OPERATION_MS = 18 * HOUR_MS + HOUR_MS // 4
RATE_MS = 14 * HOUR_MS
ERRORS = Errors(
    shape=lambda status, error: {"status": status, "error": error},
    other="Error",
    statuses={400: "Bad Request"},
    refusals={"": 400},
)


def _days(request: Request) -> range:
    """The days of the window, newest first."""
    first, last = request.day("startDate"), request.day("endDate")
    if not 0 <= last - first <= LONGEST:
        raise Refused("endDate")
    return range(last, first - 1, -1)


def _operation(day: int, amount: float, note: str = "") -> dict[str, Any]:
    return {
        "operationId": f"RP {day_of(day):%m%d%y} {99 if note else 1}",
        "operationDate": f"{day_of(day)}",
        "operationType": "Reverse Repo",
        "note": note,
        "totalAmtAccepted": round(amount),
        "participatingCpty": 50,
        "propositions": [],
    }


def operations(request: Request) -> Answer:
    """The public operations between two days, both included."""
    value = request.market.macro.series["RRPONTSYD"].value
    listed = []
    for day in _days(request):
        if day < FIRST_OPERATION or not is_bond_day(day) or day * DAY_MS + OPERATION_MS > request.now_ms:
            continue
        if day % EXERCISE_EVERY == 0:
            listed.append(_operation(day, 25e6, "Reverse Repurchase Agreement Small Value Exercise"))
        listed.append(_operation(day, float(value(day)) * 1e9))
    return json_answer({"repo": {"operations": listed}})


def rates(request: Request) -> Answer:
    """The public rates between two days, both included."""
    series = request.market.macro.series
    listed = [
        {
            "effectiveDate": f"{day_of(day)}",
            "type": "EFFR",
            "percentRate": float(series["DFF"].value(day)),
            "targetRateFrom": float(series["DFEDTARL"].value(day)),
            "targetRateTo": float(series["DFEDTARU"].value(day)),
            "volumeInBillions": 100,
            "revisionIndicator": "",
        }
        for day in _days(request)
        if day >= FIRST_RATE
        and is_bank_day(day)
        and open_day(day + 1, is_bank_day) * DAY_MS + RATE_MS <= request.now_ms
    ]
    return json_answer({"refRates": listed})


ROUTES = {
    r"/api/rp/reverserepo/propositions/search\.json": operations,
    r"/api/rates/unsecured/effr/search\.json": rates,
}
PAGES = (Page(("markets.newyorkfed.org",), ROUTES, ERRORS, ("repo.operations", "refRates")),)
