"""US Treasury: its cash at the end of each working day, and the par yields of its bills.

Two hosts. The cash: the account that holds it, and its field, changed in 2021 and in April 2022, on days that are not
stated; numbers are text, and unknown is the text `null`; the old `dts_table_1` is gone. The yields: one file a year,
newest first, maturities added over the years; a slow server.

Also documented at https://fiscaldata.treasury.gov/datasets/daily-treasury-statement/operating-cash-balance.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from expectations.datasets.macro_series import MACRO_SERIES
from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief
from flows.source import Answer, Ask, Feed, Limit, Plan, Request, Series, Source
from transforms.macro_series.treasury import STATEMENTS, TENORS, YIELDS
from transforms.payload import member

CASH_HOST = "api.fiscaldata.treasury.gov"
YIELDS_HOST = "home.treasury.gov"
CASH = f"https://{CASH_HOST}/services/api/fiscal_service/v1/accounting/dts/operating_cash_balance"
YEARS = f"https://{YIELDS_HOST}/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv"

BEFORE = timedelta(days=10)
PAGE = 10_000
MOST_PAGES = 20  # an ask takes one


def plan_series(ask: Ask) -> Plan:
    """The cash, or the yields of each year; starts ten days early, so that it holds the value before a quiet day."""
    start = ask.days.start - BEFORE
    if ask.series.name in TENORS:
        for year in range(start.year, ask.days.last.year + 1):
            # A year's file holds every maturity, and serves all asks of a run.
            yield Request(
                f"{YEARS}/{year}/all",
                params={"type": "daily_treasury_yield_curve", "field_tdr_date_value": year, "_format": "csv"},
                form="csv",
                transform="normalize_yields",
                shared=True,
            )
        return
    number = 1
    page = yield page_of(start, ask.days.last, number)
    while member(member(page.json(), "links"), "next") is not None:
        number += 1
        if number > MOST_PAGES:
            raise PayloadChanged(f"expected at most {MOST_PAGES} pages, found another one")
        page = yield page_of(start, ask.days.last, number)


def page_of(start: date, last: date, number: int) -> Request:
    """One page of statements."""
    return Request(
        CASH,
        params={
            "fields": "record_date,account_type,open_today_bal,close_today_bal",
            "filter": f"record_date:gte:{start},record_date:lte:{last}",
            "sort": "record_date",
            "page[size]": PAGE,
            "page[number]": number,
        },
    )


def count_requests(ask: Ask) -> Mapping[str, int]:
    """One page of statements, or a file for each year; files shared with another maturity are not counted."""
    if ask.series.name not in TENORS:
        return {CASH_HOST: 1}
    if ask.series.name != next(iter(TENORS)):
        return {}
    return {YIELDS_HOST: ask.days.last.year - (ask.days.start - BEFORE).year + 1}


def refusal(answer: Answer) -> PipelineError | None:
    """An HTML page where a file was expected, or an error object where statements were."""
    if answer.request.form == "csv":
        if answer.body.lstrip()[:1] == b"<":
            return SourceUnavailable(f"expected CSV from {YIELDS_HOST}, found {answer.body.lstrip()[:60]!r}")
        return None
    document = answer.json()
    if isinstance(document, dict) and "error" in document:
        return SourceRefused(f"expected statements from {CASH_HOST}, found {brief(document, 200)}")
    return None


SOURCE = Source(
    name="treasury",
    feeds=(
        Feed(
            MACRO_SERIES,
            plan_series,
            (
                Series("tga_daily", "operating_cash_balance", date(2005, 10, 3), STATEMENTS),
                *(Series(name, tenor, date(1990, 1, 2), YIELDS) for name, tenor in TENORS.items()),
            ),
            days_per_ask=350,
            restates_for=timedelta(days=7),
            count=count_requests,
        ),
    ),
    limits={
        CASH_HOST: Limit(30, 60, burst=4),  # none published
        YIELDS_HOST: Limit(10, 60, burst=2),  # none published; it is slow
    },
    docs="https://fiscaldata.treasury.gov/api-documentation/",
    terms="works of the United States government, free of restriction",
    attribution="U.S. Department of the Treasury",
    verified="documented",
    verified_against=(
        "documentation, and public code that reads the answers. The first days and the hours of publication "
        "are believed, and that a day on which an order of the President closes the offices is skipped: such "
        "a day is then shown as failed"
    ),
    refusal=refusal,
    connections=2,
)
