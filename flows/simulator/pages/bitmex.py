"""BitMEX: funding of perpetuals at 04:00, 12:00 and 20:00 UTC, oldest first unless reversed, at most 500 rows.

Both bounds on time are inclusive; `start` skips so many of the matching rows. Without a count 100 are sent.
"""

from datetime import UTC, datetime

from flows.simulator.instants import HOUR_MS, millis_of, moment, steps
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer

# The coin of a perpetual, and its first payment.
CONTRACTS = {
    "XBTUSD": ("BTC", millis_of(datetime(2016, 5, 14, 12, tzinfo=UTC))),
    "ETHUSD": ("ETH", millis_of(datetime(2018, 8, 2, 12, tzinfo=UTC))),
}
OPENED_MS = millis_of(datetime(2017, 8, 18, tzinfo=UTC))  # the simulated market is not older
EVERY_HOURS, FIRST_HOUR = 8, 4
INTERVAL = "2000-01-01T08:00:00.000Z"
USUAL_ROWS, MAX_ROWS = 100, 500
OVERLOADED = "The system is currently overloaded. Please try again later."
ERRORS = Errors(
    shape=lambda _, message, name="HTTPError": {"error": {"message": message, "name": name}},
    other="Internal Server Error",
    statuses={404: "Not Found", 429: "Rate limit exceeded, retry in 1 seconds.", 503: OVERLOADED},
    refusals={"count": f"Maximum result count is {MAX_ROWS}", "": ("'{}' is invalid.", "ValidationError")},
    within_200=503,
)


def _rates(request: Request, ticker: str, hours: range) -> dict[int, float]:
    """The rate at each hour of payment: the sum over the eight hours before it."""
    if not hours:
        return {}
    ends = range(hours[0] - EVERY_HOURS + 1, hours[-1] + 1)
    hourly = request.market.funding.hourly_rates("bitmex", ticker, ends)
    return {hour: round(sum(hourly[hour - hours[0] : hour - hours[0] + EVERY_HOURS]), 6) for hour in hours}


def funding(request: Request) -> Answer:
    """The payments of a perpetual; an unknown one has none."""
    symbol = request.query.get("symbol", "")
    if symbol not in CONTRACTS:
        return json_answer([])
    ticker, first = CONTRACTS[symbol]
    begin = max(first, OPENED_MS, request.instant_ms("startTime", 0))
    hours = steps(HOUR_MS, begin, min(request.instant_ms("endTime", request.now_ms), request.now_ms))
    due = range(hours.start + (FIRST_HOUR - hours.start) % EVERY_HOURS, hours.stop, EVERY_HOURS)
    backward = request.query.get("reverse") == "true"
    skipped, size = request.integer("start", 0), request.size("count", USUAL_ROWS, MAX_ROWS)
    page = (due[::-1] if backward else due)[skipped : skipped + size]
    rates = _rates(request, ticker, page[::-1] if backward else page)
    return json_answer(
        [
            {
                "timestamp": moment(hour * HOUR_MS).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "symbol": symbol,
                "fundingInterval": INTERVAL,
                "fundingRate": rates[hour],
                "fundingRateDaily": rates[hour] * 3,
            }
            for hour in page
        ]
    )


PAGES = (Page(("www.bitmex.com",), {"/api/v1/funding": funding}, ERRORS, ("",), budget=Budget(30, 60)),)
