"""FRED's API: one series as JSON, oldest first, with a key as a parameter.

A weekday without a value has ".". The vintage is today's.
"""

from flows.simulator.instants import day_of
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer

MOST = 100_000
ERRORS = Errors(
    shape=lambda status, message: {"error_code": status, "error_message": message},
    other="Internal Server Error",
    statuses={404: "Not Found", 429: "Too Many Requests.  Exceeded Rate Limit"},
    refusals={
        "missing": "Bad Request.  Variable {} is not set.",
        "malformed": "Bad Request.  A value is not valid.",
        "series_id": "Bad Request.  The series does not exist.",
        "": "Bad Request.  This value of {} is not simulated.",
    },
)


def observations(request: Request) -> Answer:
    """The public observations of a series."""
    request.text("api_key")
    request.must_be("file_type", "json")
    series = request.one_of("series_id", request.market.macro.series)
    first, last = request.day("observation_start", 0), min(request.day("observation_end", request.today), request.today)
    vintage = dict.fromkeys(("realtime_start", "realtime_end"), f"{day_of(request.today)}")
    rows = [
        {**vintage, "date": f"{day}", "value": value or "."} for day, value in series.rows(first, last, request.now_ms)
    ]
    return json_answer(
        {
            **vintage,
            "observation_start": request.query.get("observation_start", "1776-07-04"),
            "observation_end": request.query.get("observation_end", "9999-12-31"),
            "units": "lin",
            "output_type": 1,
            "file_type": "json",
            "order_by": "observation_date",
            "sort_order": "asc",
            "count": len(rows),
            "offset": 0,
            "limit": MOST,
            "observations": rows,
        }
    )


ROUTES = {"/fred/series/observations": observations}
PAGES = (Page(("api.stlouisfed.org",), ROUTES, ERRORS, ("observations",), budget=Budget(120, 60)),)
