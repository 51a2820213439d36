"""FRED's graph download: one series as CSV, without a key.

A weekday without a value has an empty one. An unknown identifier gives an HTML page.
"""

from dataclasses import replace

from flows.simulator.page import Answer, Errors, Page, Refused, Request, table_answer

_PAGE = "<!DOCTYPE html>\n<html><head><title>{}</title></head><body><h1>{}</h1></body></html>\n"
ERRORS = Errors(
    shape=lambda status, title: _PAGE.format(title, status),
    other="Error",
    statuses={404: "Not Found"},
    refusals={"malformed": 400, "": 404},
    content_type="text/html; charset=utf-8",
)


def graph(request: Request) -> Answer:
    """The public rows of a series between `cosd` and `coed`."""
    name, known = request.text("id"), request.market.macro.series
    if name not in known:
        raise Refused("id")
    first, last = request.day("cosd", 0), min(request.day("coed", request.today), request.today)
    lines = (f"{day},{value}" for day, value in known[name].rows(first, last, request.now_ms))
    table = table_answer(f"observation_date,{name}", lines, "application/csv")
    return replace(table, headers={"Content-Disposition": f'attachment; filename="{name}.csv"'})


PAGES = (Page(("fred.stlouisfed.org",), {r"/graph/fredgraph\.csv": graph}, ERRORS),)
