"""The ECB's data portal: tables of the balance sheet, of M2 and of reference exchange rates.

A query without a match is a 404 with a JSON body. Periods are weeks, months or days.
"""

from collections.abc import Callable, Iterator
from datetime import date

from flows.simulator.abroad import business_day_after
from flows.simulator.holidays import has_ecb_fixing
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, next_month, number_of
from flows.simulator.market import Market
from flows.simulator.wire import Answer, Page, Request, json_answer

PATH = "/service/data/"
ASSETS, MONEY = "ILM/W.U2.C.T000000.Z5.Z01", "BSI/M.U2.Y.V.M20.X.1.U2.2300.Z01.E"
FIRST = number_of(date(2009, 1, 1))
FIXED_MS = 15 * HOUR_MS
HEADER = "KEY,FREQ,{dimensions},TIME_PERIOD,OBS_VALUE,OBS_STATUS,OBS_CONF,TITLE_COMPL,UNIT,UNIT_MULT"


def error(status: int) -> Answer:
    """What the portal says along with an HTTP error."""
    detail = "No Series was returned for the query" if status == 404 else "Error"
    return json_answer({"type": PATH, "title": "Not Found", "status": status, "detail": detail}, status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return json_answer({"title": "Service Unavailable", "status": 503, "detail": "Error"})


def _no_rows(_: object) -> list[object]:
    return []


def _quotes(market: Market) -> dict[str, Callable[[int], str]]:
    """What a euro costs, by currency, as the ECB prints it."""
    abroad = market.abroad
    euro = abroad.dollars_per_euro
    return {
        "USD": lambda day: f"{euro.at(day):.4f}",
        "JPY": lambda day: f"{abroad.yen_per_dollar.at(day) * euro.at(day):.2f}",
        "CNY": lambda day: f"{abroad.yuan_per_dollar.at(day) * euro.at(day):.4f}",
        "KRW": lambda day: f"{market.korea.won_per_dollar(day) * euro.at(day):.2f}",
    }


def _assets(request: Request, first: int, last: int) -> Iterator[str]:
    abroad = request.market.abroad
    for day in range(first, last + 1):
        if abroad.is_statement(day) and abroad.statement_public_ms(day) <= request.now_ms:
            year, week, _ = day_of(day).isocalendar()
            value = round(abroad.eurosystem.at(day))
            yield f'ILM.{ASSETS[4:]},W,U2,{year}-W{week:02},{value},A,F,"Total assets, euro area",EUR,6\n'


def _money(request: Request, first: int, last: int) -> Iterator[str]:
    end = next_month(first) - 1
    while end <= last:
        if business_day_after(end, 20) * DAY_MS + 9 * HOUR_MS <= request.now_ms:
            value = round(request.market.abroad.euro_money.at(end))
            yield f'BSI.{MONEY[4:]},M,U2,{day_of(end):%Y-%m},{value},A,F,"Monetary aggregate M2, adjusted",EUR,6\n'
        end = next_month(end + 1) - 1


def _rates(request: Request, currencies: list[str], first: int, last: int) -> Iterator[str]:
    quotes = _quotes(request.market)
    for currency in currencies:
        for day in range(first, last + 1):
            if has_ecb_fixing(day) and day * DAY_MS + FIXED_MS <= request.now_ms:
                key = f"EXR.D.{currency}.EUR.SP00.A"
                yield f"{key},D,{currency},{day_of(day)},{quotes[currency](day)},A,F,Reference rate,{currency},0\n"


def answer(request: Request) -> Answer:
    """One table from `startPeriod` to `endPeriod`."""
    asked = request.path.removeprefix(PATH)
    try:
        start, end = (request.query.get(bound) for bound in ("startPeriod", "endPeriod"))
        first = max(FIRST, number_of(date.fromisoformat(start))) if start else FIRST
        last = min(request.today, number_of(date.fromisoformat(end))) if end else request.today
    except ValueError:
        return error(400)
    if asked == ASSETS:
        dimensions, lines = "REF_AREA", _assets(request, first, last)
    elif asked == MONEY:
        dimensions, lines = "REF_AREA", _money(request, first, last)
    elif asked.startswith("EXR/D.") and asked.endswith(".EUR.SP00.A"):
        currencies = sorted(asked.removeprefix("EXR/D.").removesuffix(".EUR.SP00.A").split("+"))
        if not set(currencies) <= set(_quotes(request.market)):
            return error(404)
        dimensions, lines = "CURRENCY", _rates(request, currencies, first, last)
    else:
        return error(404)
    table = list(lines)
    if not table:
        return error(404)
    body = f"{HEADER.format(dimensions=dimensions)}\n{''.join(table)}"
    return Answer(body.encode(), content_type="application/vnd.sdmx.data+csv", is_table=True)


PAGES = (Page(("data-api.ecb.europa.eu",), answer, error, envelope, _no_rows),)
