"""bitcoin-data.com: open interest of bitcoin futures at fourteen exchanges, the last four years in one answer.

Days come oldest first, up to yesterday; an exchange that did not exist yet has null. Eight requests an hour are free.
"""

from flows.simulator.instants import DAY_MS, DAY_S, day_of
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer

KEPT_DAYS = 4 * 365
# The exchanges, and the open interest of each as a multiple of the main venue's.
EXCHANGES = "binance bybit okx bitget deribit bitmex huobi bitfinex gateIo kucoin kraken cryptoCom dydx deltaExchange"
OPEN = (1.17, 0.6, 0.37, 0.4, 0.2, 0.04, 0.07, 0.05, 0.25, 0.06, 0.02, 0.03, 0.01, 0.01)
SHARES = dict(zip(EXCHANGES.split(), OPEN, strict=True))
LATE = {"deltaExchange": 19_600}  # the first day, as days since 1970
ERRORS = Errors(
    shape=lambda _, code: {"error": {"code": code}},
    other="Internal Server Error",
    statuses={404: "Not Found", 429: "RATE_LIMIT_HOUR_EXCEEDED"},
    within_200=json_answer({"error": {"code": "RATE_LIMIT_HOUR_EXCEEDED", "message": "8 requests per hour"}}),
)


def open_interest(request: Request) -> Answer:
    """All days, in dollars."""
    days = range(request.today - KEPT_DAYS, request.today)
    moments = [(day + 1) * DAY_MS - 60_000 for day in days]
    readings = {
        name: request.market.open_interest.readings("BTC", moments, venue=f"witness {name}", share=share)
        for name, share in SHARES.items()
    }
    return json_answer(
        [
            {"d": day_of(day).isoformat(), "unixTs": day * DAY_S}
            | {name: None if day < LATE.get(name, 0) else round(readings[name][place].usd, 2) for name in SHARES}
            for place, day in enumerate(days)
        ]
    )


ROUTES = {"/v1/open-interest-futures": open_interest}
PAGES = (Page(("bitcoin-data.com",), ROUTES, ERRORS, ("",), budget=Budget(8, 3600, says_when=False)),)
