"""The Treasury: daily statements of its cash (JSON, paged), and a file of par yields for each year (CSV).

The account that holds the cash has had three names. Under the newest one the closing balance is in the field of the
opening balance, and the other field has the text `null`. Yields come newest first.
"""

import re
from datetime import date

from flows.simulator.holidays import is_bond_day, is_office_day, open_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, number_of
from flows.simulator.page import Answer, Errors, Page, Refused, Request, json_answer, table_answer
from flows.simulator.pages.fed import ERRORS as HTML_ERRORS

FILTER = re.compile(r"record_date:gte:(?P<first>[\d-]{10}),record_date:lte:(?P<last>[\d-]{10})")
FIRST_DAY = number_of(date(2009, 1, 2))
SECOND_NAME = number_of(date(2021, 10, 1))
THIRD_NAME = number_of(date(2022, 4, 18))
STATEMENT_MS = 21 * HOUR_MS
YIELDS_MS = 23 * HOUR_MS
TGA = "Treasury General Account (TGA)"
DEPOSITS = 12_345
ERRORS = Errors(
    shape=lambda status: {"error": "Invalid Query Param", "message": f"HTTP status {status}"},
    other=(),
    refusals={"": 400},
)


def _statement(request: Request, day: int) -> list[dict[str, str]]:
    """The rows of the statement of a day."""
    level = request.market.macro.series["WDTGAL"].value
    opening, closing = level(open_day(day - 1, is_office_day, step=-1)), level(day)
    if day < SECOND_NAME:
        rows = [("Federal Reserve Account", opening, closing), ("Tax and Loan Note Accounts", "0", "0")]
    elif day < THIRD_NAME:
        rows = [(TGA, opening, closing)]
    else:
        rows = [
            (f"{TGA} Opening Balance", opening, "null"),
            ("Total TGA Deposits (Table II)", str(DEPOSITS), "null"),
            ("Total TGA Withdrawals (Table II) (-)", str(int(opening) - int(closing) + DEPOSITS), "null"),
            (f"{TGA} Closing Balance", closing, "null"),
        ]
    return [
        {"record_date": f"{day_of(day)}", "account_type": name, "open_today_bal": first, "close_today_bal": last}
        for name, first, last in rows
    ]


def cash(request: Request) -> Answer:
    """A page of public statements between two days, both included; a statement is public on the next working day."""
    bounds = FILTER.fullmatch(request.text("filter"))
    if bounds is None:
        raise Refused("filter")
    first, last = (number_of(date.fromisoformat(bounds[name])) for name in ("first", "last"))
    rows = [
        row
        for day in range(max(first, FIRST_DAY), last + 1)
        if is_office_day(day) and open_day(day + 1, is_office_day) * DAY_MS + STATEMENT_MS <= request.now_ms
        for row in _statement(request, day)
    ]
    size, number = request.integer("page[size]", 100), request.integer("page[number]", 1)
    start = (number - 1) * size
    more = start + size < len(rows)
    links = {"next": f"&page%5Bnumber%5D={number + 1}&page%5Bsize%5D={size}" if more else None}
    return json_answer({"data": rows[start : start + size], "meta": {"total-count": len(rows)}, "links": links})


def yields(request: Request, year: str) -> Answer:
    """The file of a year, newest day first; the two-month bill before the three-month one is not simulated."""
    request.must_be("type", "daily_treasury_yield_curve")
    begin, end = (number_of(date(int(year) + further, 1, 1)) for further in (0, 1))
    series = request.market.macro.series
    lines = [
        f"{day_of(day):%m/%d/%Y},,{series['DGS3MO'].value(day)},{series['DGS1'].value(day)}"
        for day in range(end - 1, max(begin, FIRST_DAY) - 1, -1)
        if is_bond_day(day) and day * DAY_MS + YIELDS_MS <= request.now_ms
    ]
    return table_answer('Date,"2 Mo","3 Mo","1 Yr"', lines)


CASH = "/services/api/fiscal_service/v1/accounting/dts/operating_cash_balance"
YIELDS = r"/resource-center/data-chart-center/interest-rates/daily-treasury-rates\.csv/(?P<year>\d{4})/all"
PAGES = (
    Page(("api.fiscaldata.treasury.gov",), {CASH: cash}, ERRORS, ("data",)),
    Page(("home.treasury.gov",), {YIELDS: yields}, HTML_ERRORS),
)
