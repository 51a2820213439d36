"""bitcoin-data.com: open interest of bitcoin futures at fourteen exchanges, the last four years in one answer.

Oldest first, up to the day before; an exchange that was not there yet has null. Eight requests an hour are free.
"""

from flows.simulator.instants import DAY_MS, DAY_S, day_of
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer, list_rows

PATH = "/v1/open-interest-futures"
KEPT_DAYS = 4 * 365
# The exchanges, and how many coins are open at each for one at the main venue.
EXCHANGES = "binance bybit okx bitget deribit bitmex huobi bitfinex gateIo kucoin kraken cryptoCom dydx deltaExchange"
OPEN = (1.17, 0.6, 0.37, 0.4, 0.2, 0.04, 0.07, 0.05, 0.25, 0.06, 0.02, 0.03, 0.01, 0.01)
SHARES = dict(zip(EXCHANGES.split(), OPEN, strict=True))
LATE = {"deltaExchange": 19_600}  # the first day, as days since 1970


def error(status: int) -> Answer:
    """What it says along with an HTTP error."""
    words = {404: "Not Found", 429: "RATE_LIMIT_HOUR_EXCEEDED"}
    return json_answer({"error": {"code": words.get(status, "Internal Server Error")}}, status)


def envelope() -> Answer:
    """The limit, told in a success."""
    return json_answer({"error": {"code": "RATE_LIMIT_HOUR_EXCEEDED", "message": "8 requests per hour"}})


def answer(request: Request) -> Answer:
    """Everything."""
    if request.path.rstrip("/") != PATH:
        return error(404)
    days = range(request.today - KEPT_DAYS, request.today)
    moments = [(day + 1) * DAY_MS - 60_000 for day in days]
    told = {
        name: request.market.interest.readings("BTC", moments, venue=f"witness {name}", share=share)
        for name, share in SHARES.items()
    }
    return json_answer(
        [
            {"d": day_of(day).isoformat(), "unixTs": day * DAY_S}
            | {name: None if day < LATE.get(name, 0) else round(told[name][place].usd, 2) for name in SHARES}
            for place, day in enumerate(days)
        ]
    )


PAGES = (Page(("bitcoin-data.com",), answer, error, envelope, list_rows, Budget(8, 3600, says_when=False)),)
