"""The New York Fed's markets API: reverse repo operations and the effective rate, newest first.

Operations are searched in windows of at most a year. A rehearsal with small values is listed as an operation of its
own day. Money is in dollars.
"""

from datetime import date
from typing import Any

from flows.simulator.holidays import is_bond_day, is_federal_holiday
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of, weekday
from flows.simulator.wire import Answer, Page, Request, json_answer, list_rows

PROPOSITIONS = "/api/rp/reverserepo/propositions/search.json"
EFFECTIVE_RATE = "/api/rates/unsecured/effr/search.json"
FIRST_OPERATION = number_of(date(2013, 9, 23))
FIRST_RATE = number_of(date(2009, 1, 2))
LONGEST = 366  # days
REHEARSAL_EVERY = 61  # days
OPERATION_MS = 18 * HOUR_MS + HOUR_MS // 4
RATE_MS = 14 * HOUR_MS


def error(status: int) -> Answer:
    """What the service says along with an HTTP error."""
    return json_answer({"status": status, "error": "Bad Request" if status == 400 else "Error"}, status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return json_answer({"error": "Service Unavailable"})


def _rows(document: Any) -> list[Any]:
    if "repo" in document:
        return list_rows(document["repo"]["operations"])
    return list_rows(document.get("refRates"))


def _is_bank_day(day: int) -> bool:
    return weekday(day) < 5 and not is_federal_holiday(day)


def _next_bank_day(day: int) -> int:
    following = day + 1
    while not _is_bank_day(following):
        following += 1
    return following


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


def _operations(request: Request, days: range) -> Answer:
    value = request.market.macro.series["RRPONTSYD"].value
    listed = []
    for day in reversed(days):
        if day < FIRST_OPERATION or not is_bond_day(day) or day * DAY_MS + OPERATION_MS > request.now_ms:
            continue
        if day % REHEARSAL_EVERY == 0:
            listed.append(_operation(day, 25e6, "Reverse Repurchase Agreement Small Value Exercise"))
        listed.append(_operation(day, float(value(day)) * 1e9))
    return json_answer({"repo": {"operations": listed}})


def _rates(request: Request, days: range) -> Answer:
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
        for day in reversed(days)
        if day >= FIRST_RATE and _is_bank_day(day) and _next_bank_day(day) * DAY_MS + RATE_MS <= request.now_ms
    ]
    return json_answer({"refRates": listed})


def answer(request: Request) -> Answer:
    """The operations or rates between two days, both included, as far as they are public."""
    pages = {PROPOSITIONS: _operations, EFFECTIVE_RATE: _rates}
    if request.path not in pages:
        return error(404)
    try:
        first, last = (
            number_of(date.fromisoformat(request.query.get(bound, ""))) for bound in ("startDate", "endDate")
        )
    except ValueError:
        return error(400)
    if last < first or last - first > LONGEST:
        return error(400)
    return pages[request.path](request, range(first, last + 1))


PAGES = (Page(("markets.newyorkfed.org",), answer, error, envelope, _rows),)
