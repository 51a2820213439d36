"""Kraken Futures: every funding rate of a perpetual of the last 368 days, in one answer, oldest first.

A row is stamped at the start of its hour, and the running hour is listed with its rate. `fundingRate` is in dollars per
contract of one coin and hour, `relativeFundingRate` the fraction. What was paid every four hours, before 30 September
2022, is not imitated.

Analytics come as bars of days, stamped at their start in seconds, a hundred a page; `more` says that there are others.
Of open interest a bar has four numbers, of volumes of trades and of liquidations one; that these count coins here is
the simulator's own choice.
"""

import re
from datetime import UTC, datetime
from typing import Any

from flows.simulator.candles import shown
from flows.simulator.instants import DAY_MS, DAY_S, HOUR_MS, millis_of, moment
from flows.simulator.liquidations import liquidated
from flows.simulator.perpetuals import hourly_rates, hours, price_at
from flows.simulator.wire import Answer, BadParameterError, Page, Request, json_answer

PATH = "/derivatives/api/v3/historical-funding-rates"
TICKERS = "/derivatives/api/v3/tickers/"
CONTRACTS = {"PF_XBTUSD": "BTC", "PF_ETHUSD": "ETH"}
FIRST_MS = millis_of(datetime(2022, 9, 30, tzinfo=UTC))
KEPT_DAYS = 368
ANALYTICS = re.compile(r"/api/charts/v1/analytics/(?P<contract>\w+)/(?P<kind>[\w-]+)/?")
FIRST_DAY = FIRST_MS // DAY_MS
MAX_BARS = 100
OPEN_SHARE = 0.02
TRADED_SHARE = 0.05
SERVED = "1970-01-01T00:00:00.000Z"  # where the time of the request is not at hand


def _stamp(millis: int) -> str:
    return moment(millis).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def failure(status: int, word: str) -> Answer:
    """A refusal in the shape of version 3."""
    return json_answer({"result": "error", "error": word, "serverTime": SERVED}, status)


def error(status: int) -> Answer:
    """What Kraken says along with an HTTP error."""
    words = {404: "notFound", 429: "apiLimitExceeded"}
    return failure(status, words.get(status, "Server Error"))


def envelope() -> Answer:
    """The limit is told in a success."""
    return failure(200, "apiLimitExceeded")


def _rates(request: Request, ticker: str, begun: range) -> list[tuple[float, float]]:
    """What holds over the hours that begin then: in dollars per coin, and as a fraction."""
    rates = hourly_rates(request.market, "krakenfutures", ticker, range(begun.start + 1, begun.stop + 1))
    return [
        (round(rate * price_at(request.market, ticker, hour), 12), rate)
        for hour, rate in zip(begun, rates, strict=True)
    ]


def _ticker(request: Request) -> Answer:
    """What holds now of one contract."""
    symbol = request.path.removeprefix(TICKERS)
    ticker = CONTRACTS.get(symbol)
    if ticker is None:
        return error(404)
    hour = request.now_ms // HOUR_MS
    ((absolute, _),) = _rates(request, ticker, range(hour, hour + 1))
    told = {"symbol": symbol, "markPrice": price_at(request.market, ticker, hour), "fundingRate": absolute}
    return json_answer({"result": "success", "serverTime": _stamp(request.now_ms), "ticker": told})


def _wrong(kind: str, value: str) -> Answer:
    told = [{"severity": "E", "error_class": "General", "type": "Invalid arguments", "msg": kind, "value": value}]
    return json_answer({"result": None, "errors": told}, 400)


def _open_interest(request: Request, ticker: str, days: range) -> list[object]:
    """Open, high, low and close of each day, in coins."""
    bars: list[object] = []
    for day in days:
        moments = [min(day * DAY_MS + hour * HOUR_MS, request.now_ms) for hour in range(25)]
        readings = request.market.interest.readings(ticker, moments, venue="krakenfutures", share=OPEN_SHARE)
        coins = [one.coins for one in readings]
        bars.append([f"{value:.4f}" for value in (coins[0], max(coins), min(coins), coins[-1])])
    return bars


def _traded(request: Request, ticker: str, days: range) -> list[object]:
    """What changed hands, in coins."""
    bars = shown(request.market.spot.series(ticker), DAY_MS, days, request.now_ms)
    return [f"{bar.volume * TRADED_SHARE:.4f}" for bar in bars]


def _liquidated(request: Request, ticker: str, days: range) -> list[object]:
    """What was closed by force, in coins."""
    bars = shown(request.market.spot.series(ticker), DAY_MS, days, request.now_ms)
    return [f"{sum(liquidated('krakenfutures', ticker, bar, TRADED_SHARE)) / bar.close:.4f}" for bar in bars]


KINDS = {"open-interest": _open_interest, "trade-volume": _traded, "liquidation-volume": _liquidated}


def _analytics(request: Request, contract: str, kind: str) -> Answer:
    """Bars of whole days."""
    if contract not in CONTRACTS:
        return _wrong("symbol", contract)
    if kind not in KINDS:
        return _wrong("analytics_type", kind)
    if request.query.get("interval") != str(DAY_S):
        return _wrong("interval", request.query.get("interval", ""))
    try:
        since, until = request.integer("since"), request.integer("to")
    except BadParameterError as bad:
        return _wrong(bad.name, "")
    if since is None:
        return _wrong("since", "")
    last = request.today if until is None else min(until // DAY_S, request.today)
    days = range(max(-(-since // DAY_S), FIRST_DAY), last + 1)
    page = days[:MAX_BARS]
    bars = KINDS[kind](request, CONTRACTS[contract], page)
    result = {"timestamp": [day * DAY_S for day in page], "data": bars, "more": len(days) > MAX_BARS}
    return json_answer({"result": result, "errors": []})


def answer(request: Request) -> Answer:
    """The funding history of one contract, what holds now, or its analytics."""
    if request.path.startswith(TICKERS):
        return _ticker(request)
    analytics = ANALYTICS.fullmatch(request.path)
    if analytics is not None:
        return _analytics(request, analytics["contract"], analytics["kind"])
    if request.path.rstrip("/") != PATH:
        return error(404)
    ticker = CONTRACTS.get(request.query.get("symbol", ""))
    if ticker is None:
        told = [{"code": 11, "message": "Argument invalid: symbol"}]
        return json_answer(
            {"status": "BAD_REQUEST", "result": "error", "errors": told, "serverTime": _stamp(request.now_ms)}, 400
        )
    begun = hours(max(FIRST_MS, request.now_ms - KEPT_DAYS * DAY_MS), request.now_ms)
    listed = [
        {"timestamp": _stamp(hour * HOUR_MS), "fundingRate": absolute, "relativeFundingRate": relative}
        for hour, (absolute, relative) in zip(begun, _rates(request, ticker, begun), strict=True)
    ]
    return json_answer({"result": "success", "serverTime": _stamp(request.now_ms), "rates": listed})


def rows(document: Any) -> list[Any]:
    """The rows of an answer."""
    if not isinstance(document, dict):
        return []
    result = document.get("result")
    if isinstance(result, dict):
        return [result["timestamp"], result["data"]]
    return [document["rates"]] if "rates" in document else []


PAGES = (Page(("futures.kraken.com",), answer, error, envelope, rows),)
