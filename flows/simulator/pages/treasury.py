"""The Treasury: daily statements of its cash (JSON, paged), and a file of par yields for each year (CSV).

The account that holds the cash has three names, one after the other; under the newest the closing balance stands in
the field of the opening one, and the other field holds the text `null`. Yields come newest first.
"""

import re
from datetime import date
from typing import Any

from flows.simulator.holidays import is_bond_day, is_office_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.wire import Answer, Page, Request, json_answer, list_rows, text_answer

CASH = "/services/api/fiscal_service/v1/accounting/dts/operating_cash_balance"
YEAR = re.compile(r"/resource-center/data-chart-center/interest-rates/daily-treasury-rates\.csv/(?P<year>\d{4})/all")
FILTER = re.compile(r"record_date:gte:(?P<first>[\d-]{10}),record_date:lte:(?P<last>[\d-]{10})")
FIRST_DAY = number_of(date(2009, 1, 2))
SECOND_NAME = number_of(date(2021, 10, 1))
THIRD_NAME = number_of(date(2022, 4, 18))
STATEMENT_MS = 21 * HOUR_MS
YIELDS_MS = 23 * HOUR_MS
TGA = "Treasury General Account (TGA)"
DEPOSITS = 12_345


def error(status: int) -> Answer:
    """What Fiscal Data says along with an HTTP error."""
    return json_answer({"error": "Invalid Query Param", "message": f"HTTP status {status}"}, status)


def envelope() -> Answer:
    """An error that is delivered as a success."""
    return error(200)


def _rows(document: Any) -> list[Any]:
    return list_rows(document.get("data"))


def _statement(request: Request, day: int) -> list[dict[str, str]]:
    """The rows of one day's statement."""
    level = request.market.macro.series["WDTGAL"].value
    yesterday = day - 1
    while not is_office_day(yesterday):
        yesterday -= 1
    opening, closing = level(yesterday), level(day)
    if day < SECOND_NAME:
        named = [("Federal Reserve Account", opening, closing), ("Tax and Loan Note Accounts", "0", "0")]
    elif day < THIRD_NAME:
        named = [(TGA, opening, closing)]
    else:
        named = [
            (f"{TGA} Opening Balance", opening, "null"),
            ("Total TGA Deposits (Table II)", str(DEPOSITS), "null"),
            ("Total TGA Withdrawals (Table II) (-)", str(int(opening) - int(closing) + DEPOSITS), "null"),
            (f"{TGA} Closing Balance", closing, "null"),
        ]
    return [
        {"record_date": f"{day_of(day)}", "account_type": name, "open_today_bal": first, "close_today_bal": last}
        for name, first, last in named
    ]


def _is_out(request: Request, day: int) -> bool:
    following = day + 1
    while not is_office_day(following):
        following += 1
    return following * DAY_MS + STATEMENT_MS <= request.now_ms


def cash(request: Request) -> Answer:
    """A page of statements between two days, both included."""
    bounds = FILTER.fullmatch(request.query.get("filter", ""))
    if request.path != CASH or bounds is None:
        return error(404 if request.path != CASH else 400)
    size, number = int(request.query.get("page[size]", "100")), int(request.query.get("page[number]", "1"))
    first, last = (number_of(date.fromisoformat(bounds[name])) for name in ("first", "last"))
    days = [day for day in range(max(first, FIRST_DAY), last + 1) if is_office_day(day) and _is_out(request, day)]
    listed = [row for day in days for row in _statement(request, day)]
    start = (number - 1) * size
    more = start + size < len(listed)
    links = {"next": f"&page%5Bnumber%5D={number + 1}&page%5Bsize%5D={size}" if more else None}
    return json_answer({"data": listed[start : start + size], "meta": {"total-count": len(listed)}, "links": links})


def _no_page(status: int) -> Answer:
    return text_answer(f"<!DOCTYPE html><html><body><h1>{status}</h1></body></html>", status, "text/html")


def _no_file() -> Answer:
    return _no_page(200)


def _no_rows(_: object) -> list[object]:
    return []


def yields(request: Request) -> Answer:
    """The file of one year, newest day first."""
    match = YEAR.fullmatch(request.path)
    if match is None or request.query.get("type") != "daily_treasury_yield_curve":
        return _no_page(404)
    year = int(match["year"])
    series = request.market.macro.series
    days = range(max(number_of(date(year, 1, 1)), FIRST_DAY), number_of(date(year + 1, 1, 1)))
    # The two-month bill stands between, and is not known here.
    lines = [
        f"{day_of(day):%m/%d/%Y},,{series['DGS3MO'].value(day)},{series['DGS1'].value(day)}\n"
        for day in reversed(days)
        if is_bond_day(day) and day * DAY_MS + YIELDS_MS <= request.now_ms
    ]
    table = 'Date,"2 Mo","3 Mo","1 Yr"\n' + "".join(lines)
    return Answer(table.encode(), content_type="text/csv", is_table=True)


PAGES = (
    Page(("api.fiscaldata.treasury.gov",), cash, error, envelope, _rows),
    Page(("home.treasury.gov",), yields, _no_page, _no_file, _no_rows),
)
