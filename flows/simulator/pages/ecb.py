"""The ECB's data portal: tables of the balance sheet, of M2 and of reference exchange rates.

A query without a match is a 404 with a JSON body. Periods are weeks, months or days.
"""

from collections.abc import Callable
from datetime import date

from flows.simulator.foreign_macro import business_day_after, is_statement, statement_public_ms
from flows.simulator.holidays import has_ecb_fixing
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, month_ends, number_of
from flows.simulator.market import Market
from flows.simulator.page import Answer, Errors, Page, Refused, Request, Routes, table_answer

PATH = "/service/data/"
ASSETS, MONEY = "ILM/W.U2.C.T000000.Z5.Z01", "BSI/M.U2.Y.V.M20.X.1.U2.2300.Z01.E"
FIRST = number_of(date(2009, 1, 1))
FIXED_MS = 15 * HOUR_MS
HEADER = "KEY,FREQ,{dimension},TIME_PERIOD,OBS_VALUE,OBS_STATUS,OBS_CONF,TITLE_COMPL,UNIT,UNIT_MULT"
ERRORS = Errors(
    shape=lambda status, title, detail: {"type": PATH, "title": title, "status": status, "detail": detail},
    other=("Service Unavailable", "Error"),
    statuses={400: ("Bad Request", "Error"), 404: ("Not Found", "No Series was returned for the query")},
    refusals={"malformed": 400, "": 404},
    within_200=503,
)


def _quotes(market: Market) -> dict[str, Callable[[int], str]]:
    """The price of a euro by currency, as the ECB prints it."""
    foreign = market.foreign
    euro = foreign.dollars_per_euro
    return {
        "USD": lambda day: f"{euro.at(day):.4f}",
        "JPY": lambda day: f"{foreign.yen_per_dollar.at(day) * euro.at(day):.2f}",
        "CNY": lambda day: f"{foreign.yuan_per_dollar.at(day) * euro.at(day):.4f}",
        "KRW": lambda day: f"{market.korea.won_per_dollar(day) * euro.at(day):.2f}",
    }


def _table(lines: list[str], dimension: str = "REF_AREA") -> Answer:
    if not lines:
        raise Refused("series")
    return table_answer(HEADER.format(dimension=dimension), lines, "application/vnd.sdmx.data+csv")


def _days(request: Request) -> range:
    """The days from `startPeriod` to `endPeriod`."""
    last = min(request.today, request.day("endPeriod", request.today))
    return range(max(FIRST, request.day("startPeriod", FIRST)), last + 1)


def assets(request: Request) -> Answer:
    """Total assets of the Eurosystem, by weeks, in millions of euro."""
    lines = []
    for day in _days(request):
        if is_statement(day) and statement_public_ms(day) <= request.now_ms:
            year, week, _ = day_of(day).isocalendar()
            value = round(request.market.foreign.eurosystem.at(day))
            lines.append(f'ILM.{ASSETS[4:]},W,U2,{year}-W{week:02},{value},A,F,"Total assets, euro area",EUR,6')
    return _table(lines)


def money(request: Request) -> Answer:
    """M2 of the euro area, by months, in millions of euro."""
    days, lines = _days(request), []
    for end in month_ends(days.start, days.stop - 1):
        if business_day_after(end, 20) * DAY_MS + 9 * HOUR_MS <= request.now_ms:
            value = round(request.market.foreign.euro_money.at(end))
            lines.append(
                f'BSI.{MONEY[4:]},M,U2,{day_of(end):%Y-%m},{value},A,F,"Monetary aggregate M2, adjusted",EUR,6'
            )
    return _table(lines)


def rates(request: Request, currencies: str) -> Answer:
    """Reference exchange rates, by days."""
    quotes, wanted = _quotes(request.market), sorted(currencies.split("+"))
    if not set(wanted) <= set(quotes):
        raise Refused("series")
    days = [day for day in _days(request) if has_ecb_fixing(day) and day * DAY_MS + FIXED_MS <= request.now_ms]
    lines = []
    for currency in wanted:
        head, tail = f"EXR.D.{currency}.EUR.SP00.A,D,{currency}", f"A,F,Reference rate,{currency},0"
        lines += [f"{head},{day_of(day)},{quotes[currency](day)},{tail}" for day in days]
    return _table(lines, "CURRENCY")


ROUTES: Routes = {
    PATH + ASSETS: assets,
    PATH + MONEY: money,
    rf"{PATH}EXR/D\.(?P<currencies>[A-Z+]+)\.EUR\.SP00\.A": rates,
}
PAGES = (Page(("data-api.ecb.europa.eu",), ROUTES, ERRORS),)
