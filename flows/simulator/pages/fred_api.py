"""FRED's interface for programs: one series as JSON, oldest first, with a key as a parameter.

A weekday without a value is listed with ".". The vintage is today's.
"""

from datetime import date

from flows.simulator.instants import day_of, number_of
from flows.simulator.macro import FIRST_DAY
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

PATH = "/fred/series/observations"
MOST = 100_000


def failure(status: int, message: str) -> Answer:
    """A refusal in FRED's shape."""
    return json_answer({"error_code": status, "error_message": message}, status)


def error(status: int) -> Answer:
    """What FRED says along with an HTTP error."""
    return failure(status, "Too Many Requests.  Exceeded Rate Limit" if status == 429 else "Internal Server Error")


def envelope() -> Answer:
    """An error that comes as a success."""
    return json_answer({"error_code": 500, "error_message": "Internal Server Error"})


def _rows(document: object) -> list[object]:
    return list_rows(document.get("observations")) if isinstance(document, dict) else []


def answer(request: Request) -> Answer:
    """The observations of one series, as far as they are public."""
    if request.path != PATH:
        return failure(404, "Not Found")
    if not request.query.get("api_key"):
        return failure(400, "Bad Request.  Variable api_key is not set.")
    series = request.market.macro.series.get(request.query.get("series_id", ""))
    if series is None:
        return failure(400, "Bad Request.  The series does not exist.")
    if request.query.get("file_type") != "json":
        return failure(400, "Bad Request.  Only file_type=json is imitated.")
    start = request.query.get("observation_start") or "1776-07-04"
    end = request.query.get("observation_end") or "9999-12-31"
    try:
        first = max(FIRST_DAY, number_of(date.fromisoformat(start)))
        last = min(request.today, number_of(date.fromisoformat(end)))
        limit, offset = request.integer("limit") or MOST, request.integer("offset") or 0
    except (ValueError, BadParameterError):
        return failure(400, "Bad Request.  A value is not valid.")
    vintage = day_of(request.today).isoformat()
    between = {"realtime_start": vintage, "realtime_end": vintage}
    told = [
        {**between, "date": day_of(day).isoformat(), "value": series.value(day) or "."}
        for day in range(first, last + 1)
        if series.has_row(day) and series.published_ms(day) <= request.now_ms
    ]
    return json_answer(
        {
            **between,
            "observation_start": start,
            "observation_end": end,
            "units": "lin",
            "output_type": 1,
            "file_type": "json",
            "order_by": "observation_date",
            "sort_order": "asc",
            "count": len(told),
            "offset": offset,
            "limit": limit,
            "observations": told[offset : offset + min(limit, MOST)],
        }
    )


PAGES = (Page(("api.stlouisfed.org",), answer, error, envelope, _rows, Budget(120, 60)),)
