"""FRED's graph download: one series as CSV, without a key.

A weekday without a value is listed with an empty one. A wrong identifier gives an HTML page.
"""

from datetime import date

from flows.simulator.instants import day_of, number_of
from flows.simulator.macro import FIRST_DAY
from flows.simulator.wire import Answer, Page, Request, text_answer

PATH = "/graph/fredgraph.csv"


def error(status: int) -> Answer:
    """The HTML page that comes along with an HTTP error."""
    title = "Not Found" if status == 404 else "Error"
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{status}</h1></body></html>\n"
    return text_answer(page, status, "text/html; charset=utf-8")


def envelope() -> Answer:
    """An error that is delivered as a success."""
    page = error(500)
    return Answer(page.body, content_type=page.content_type)


def _no_rows(_: object) -> list[object]:
    return []


def answer(request: Request) -> Answer:
    """The rows of one series between `cosd` and `coed`, as far as they are public."""
    name = request.query.get("id", "")
    series = request.market.macro.series.get(name)
    if request.path != PATH or series is None:
        return error(404)
    try:
        start, end = (request.query.get(bound) for bound in ("cosd", "coed"))
        first = max(FIRST_DAY, number_of(date.fromisoformat(start))) if start else FIRST_DAY
        last = min(request.today, number_of(date.fromisoformat(end))) if end else request.today
    except ValueError:
        return error(400)
    lines = [
        f"{day_of(day).isoformat()},{series.value(day)}\n"
        for day in range(first, last + 1)
        if series.has_row(day) and series.published_ms(day) <= request.now_ms
    ]
    table = f"observation_date,{name}\n{''.join(lines)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Answer(table.encode(), content_type="application/csv", headers=headers, is_table=True)


PAGES = (Page(("fred.stlouisfed.org",), answer, error, envelope, _no_rows),)
