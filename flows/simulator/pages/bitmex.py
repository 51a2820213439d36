"""BitMEX: funding of perpetuals at 04:00, 12:00 and 20:00 UTC, oldest first unless reversed, at most 500 rows.

Both bounds on time are inclusive; `start` leaves out so many of the rows that fit. Without a count 100 are sent.
"""

from datetime import UTC, datetime

from flows.simulator.instants import HOUR_MS, millis_of, moment, parse
from flows.simulator.perpetuals import hourly_rates, hours
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

PATH = "/api/v1/funding"
# The perpetual's coin and its first payment.
CONTRACTS = {
    "XBTUSD": ("BTC", millis_of(datetime(2016, 5, 14, 12, tzinfo=UTC))),
    "ETHUSD": ("ETH", millis_of(datetime(2018, 8, 2, 12, tzinfo=UTC))),
}
OPENED_MS = millis_of(datetime(2017, 8, 18, tzinfo=UTC))  # the invented market is no older
EVERY_HOURS, FIRST_HOUR = 8, 4
INTERVAL = "2000-01-01T08:00:00.000Z"
USUAL_ROWS, MAX_ROWS = 100, 500


def failure(status: int, message: str, name: str = "HTTPError") -> Answer:
    """A refusal in BitMEX's shape."""
    return json_answer({"error": {"message": message, "name": name}}, status)


def error(status: int) -> Answer:
    """What BitMEX says along with an HTTP error."""
    words = {
        404: "Not Found",
        429: "Rate limit exceeded, retry in 1 seconds.",
        503: "The system is currently overloaded. Please try again later.",
    }
    return failure(status, words.get(status, "Internal Server Error"))


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure(200, "The system is currently overloaded. Please try again later.")


def _bound(request: Request, name: str) -> int | None:
    text = request.query.get(name, "")
    try:
        return parse(text) if text else None
    except ValueError:
        raise BadParameterError(name) from None


def _rates(request: Request, ticker: str, dues: list[int]) -> list[float]:
    """What was paid at these hours: the sum over the eight hours before each."""
    if not dues:
        return []
    every = hourly_rates(request.market, "bitmex", ticker, range(dues[0] - EVERY_HOURS + 1, dues[-1] + 1))
    return [round(sum(every[place : place + EVERY_HOURS]), 6) for place in range(0, len(every), EVERY_HOURS)]


def answer(request: Request) -> Answer:
    """The funding of one perpetual."""
    if request.path.rstrip("/") != PATH:
        return error(404)
    symbol = request.query.get("symbol", "")
    ticker, first = CONTRACTS.get(symbol, ("", 0))
    if not ticker:
        return json_answer([])
    try:
        count, skipped = request.integer("count"), request.integer("start") or 0
        start, end = _bound(request, "startTime"), _bound(request, "endTime")
    except BadParameterError as bad:
        return failure(400, f"'{bad.name}' is invalid.", "ValidationError")
    if count is not None and not 0 < count <= MAX_ROWS:
        return failure(400, f"Maximum result count is {MAX_ROWS}", "HTTPError")
    begin = max(first, OPENED_MS, start or 0)
    last = request.now_ms if end is None else min(end, request.now_ms)
    dues = [hour for hour in hours(begin, last) if hour % EVERY_HOURS == FIRST_HOUR]
    backward = request.query.get("reverse") == "true"
    size = count or USUAL_ROWS
    page = sorted(dues[::-1][skipped : skipped + size]) if backward else dues[skipped : skipped + size]
    listed = [
        {
            "timestamp": moment(hour * HOUR_MS).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "symbol": symbol,
            "fundingInterval": INTERVAL,
            "fundingRate": rate,
            "fundingRateDaily": rate * 3,
        }
        for hour, rate in zip(page, _rates(request, ticker, page), strict=True)
    ]
    return json_answer(listed[::-1] if backward else listed)


PAGES = (Page(("www.bitmex.com",), answer, error, envelope, list_rows, Budget(30, 60)),)
