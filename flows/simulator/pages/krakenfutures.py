"""Kraken Futures: every funding rate of a perpetual of the last 368 days, in one answer, oldest first; and analytics.

A row is stamped at the start of its hour, and the current hour is listed with its rate. `fundingRate` is in dollars per
contract of one coin and hour, `relativeFundingRate` is the fraction. The payments every four hours before 30 September
2022 are not simulated.

Analytics are bars of days, stamped at their start in seconds, a hundred a page; `more` states that there are others. A
bar of open interest has four numbers, one of volumes of trades or of liquidations has one; that they count coins is the
simulator's choice.
"""

from datetime import UTC, datetime
from typing import Any

from flows.simulator.candles import shown
from flows.simulator.instants import DAY_MS, DAY_S, HOUR_MS, SECOND_MS, millis_of, moment, steps
from flows.simulator.liquidations import liquidated
from flows.simulator.page import Answer, Errors, Page, Refused, Request, Routes, json_answer

CONTRACTS = {"PF_XBTUSD": "BTC", "PF_ETHUSD": "ETH"}
FIRST_MS = millis_of(datetime(2022, 9, 30, tzinfo=UTC))
KEPT_MS = 368 * DAY_MS
MAX_BARS = 100
OPEN_SHARE = 0.02
TRADED_SHARE = 0.05
SERVED = "1970-01-01T00:00:00.000Z"  # in errors, which do not know the time of the request


def _invalid(argument: str) -> Answer:
    error = {"severity": "E", "error_class": "General", "type": "Invalid arguments", "msg": argument, "value": ""}
    return json_answer({"result": None, "errors": [error]})


ERRORS = Errors(
    shape=lambda _, word: {"result": "error", "error": word, "serverTime": SERVED},
    other="Server Error",
    statuses={404: "notFound", 429: "apiLimitExceeded"},
    refusals={
        "symbol": json_answer(
            {
                "status": "BAD_REQUEST",
                "result": "error",
                "errors": [{"code": 11, "message": "Argument invalid: symbol"}],
                "serverTime": SERVED,
            }
        ),
        "ticker": 404,
        **{argument: _invalid(argument) for argument in ("contract", "kind", "interval", "since", "to")},
    },
    within_200=429,
)


def _stamp(millis: int) -> str:
    return moment(millis).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _rates(request: Request, ticker: str, begun: range) -> list[tuple[float, float]]:
    """The rates of the hours that begin then: in dollars per coin, and as a fraction."""
    ends = range(begun.start + 1, begun.stop + 1)
    rates = request.market.funding.hourly_rates("krakenfutures", ticker, ends)
    prices = [request.market.spot.open(ticker, hour) for hour in begun]
    return [(round(rate * price, 12), rate) for rate, price in zip(rates, prices, strict=True)]


def funding(request: Request) -> Answer:
    """The funding history of a contract."""
    ticker = request.one_of("symbol", CONTRACTS)
    begun = steps(HOUR_MS, max(FIRST_MS, request.now_ms - KEPT_MS), request.now_ms)
    rows = [
        {"timestamp": _stamp(hour * HOUR_MS), "fundingRate": absolute, "relativeFundingRate": relative}
        for hour, (absolute, relative) in zip(begun, _rates(request, ticker, begun), strict=True)
    ]
    return json_answer({"result": "success", "serverTime": _stamp(request.now_ms), "rates": rows})


def current(request: Request, contract: str) -> Answer:
    """The current price and funding rate of a contract."""
    if contract not in CONTRACTS:
        raise Refused("ticker")
    ticker, hour = CONTRACTS[contract], request.now_ms // HOUR_MS
    ((absolute, _),) = _rates(request, ticker, range(hour, hour + 1))
    state = {"symbol": contract, "markPrice": request.market.spot.open(ticker, hour), "fundingRate": absolute}
    return json_answer({"result": "success", "serverTime": _stamp(request.now_ms), "ticker": state})


def _open_interest(request: Request, ticker: str, days: range) -> list[Any]:
    """Open, high, low and close of each day, in coins."""
    bars = []
    for day in days:
        moments = [min(day * DAY_MS + hour * HOUR_MS, request.now_ms) for hour in range(25)]
        readings = request.market.open_interest.readings(ticker, moments, venue="krakenfutures", share=OPEN_SHARE)
        coins = [reading.coins for reading in readings]
        bars.append([f"{value:.4f}" for value in (coins[0], max(coins), min(coins), coins[-1])])
    return bars


def _traded(request: Request, ticker: str, days: range) -> list[Any]:
    """The volume of each day, in coins."""
    bars = shown(request.market.spot.series(ticker), DAY_MS, days, request.now_ms)
    return [f"{bar.volume * TRADED_SHARE:.4f}" for bar in bars]


def _liquidated(request: Request, ticker: str, days: range) -> list[Any]:
    """The liquidations of each day, in coins."""
    bars = shown(request.market.spot.series(ticker), DAY_MS, days, request.now_ms)
    return [f"{sum(liquidated('krakenfutures', ticker, bar, TRADED_SHARE)) / bar.close:.4f}" for bar in bars]


KINDS = {"open-interest": _open_interest, "trade-volume": _traded, "liquidation-volume": _liquidated}


def analytics(request: Request, contract: str, kind: str) -> Answer:
    """Bars of whole days."""
    for argument, known in (("contract", contract in CONTRACTS), ("kind", kind in KINDS)):
        if not known:
            raise Refused(argument)
    request.must_be("interval", str(DAY_S))
    since_ms = max(request.integer("since") * SECOND_MS, FIRST_MS)
    days = steps(DAY_MS, since_ms, request.end_ms("to", SECOND_MS))
    page = days[:MAX_BARS]
    bars = KINDS[kind](request, CONTRACTS[contract], page)
    result = {"timestamp": [day * DAY_S for day in page], "data": bars, "more": len(days) > MAX_BARS}
    return json_answer({"result": result, "errors": []})


ROUTES: Routes = {
    "/derivatives/api/v3/historical-funding-rates": funding,
    r"/derivatives/api/v3/tickers/(?P<contract>\w+)": current,
    r"/api/charts/v1/analytics/(?P<contract>\w+)/(?P<kind>[\w-]+)": analytics,
}
PAGES = (Page(("futures.kraken.com",), ROUTES, ERRORS, ("result.timestamp", "result.data", "rates")),)
