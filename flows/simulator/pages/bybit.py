"""Bybit: daily spot candles, funding and open interest of perpetuals, newest first, and what borrowing costs now.

Errors come in a 200. Both bounds are included, and a candle's start may lie before the bound that falls into it.
Nothing says that the newest candle runs. Funding refuses a start without an end. Open interest counts both sides; a row
tells one of them too, as all do since June 2026. Linear contracts are counted in coins, inverse ones in dollars.
"""

import re
from collections.abc import Mapping
from datetime import date

from flows.simulator import borrowing
from flows.simulator.candles import Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, midnight_ms
from flows.simulator.interest import STEP_MS, TICKERS
from flows.simulator.script import PEGGED
from flows.simulator.venues import pair, payments, plain
from flows.simulator.wire import (
    Answer,
    BadParameterError,
    Budget,
    Page,
    Request,
    json_answer,
    list_rows,
    text_answer,
)

QUOTE = "USDT"
KLINES = "/v5/market/kline"
FUNDING = "/v5/market/funding/history"
READINGS = "/v5/market/open-interest"
RATES = "/v5/spot-margin-trade/data"
DISCOUNTS = {"No VIP": 1.0, "VIP-1": 0.95}
MAX_KLINES = 1000
MAX_READINGS = 200
PERIODS = {"5min": STEP_MS, "1h": HOUR_MS, "1d": DAY_MS}
# Of what a contract ends with: the digits of its unit, and how many coins are open here for each at the main venue.
CONTRACTS = {"linear": {"USDT": (3, 0.5), "PERP": (3, 0.03)}, "inverse": {"USD": (0, 0.06)}}
CURSOR = re.compile(r"lasttime(?:=|%3D)(\d+)")
MAX_PAYMENTS = 200
SHARE = 0.25


def reply(
    result: Mapping[str, object], code: int = 0, message: str = "OK", now_ms: int = 0, status: int = 200
) -> Answer:
    """Bybit's envelope, with the time at which it was made."""
    document = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": now_ms}
    return json_answer(document, status)


def error(status: int) -> Answer:
    """What Bybit says along with an HTTP error; a 403 is its own way of saying too many requests."""
    if status == 403:
        return text_answer("403, access too frequent", status)
    if status == 404:
        return text_answer("404 page not found", status)
    if status == 429:
        return reply({}, 10006, "Too many visits. Exceeded the API Rate Limit.", status=status)
    return reply({}, 10016, "Server error.", status=status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return reply({}, 10006, "Too many visits. Exceeded the API Rate Limit.")


def _rows(document: object) -> list[object]:
    result = document.get("result") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        return []
    return list_rows(result.get("list", result.get("vipCoinList")))


def _refused(request: Request, message: str) -> Answer:
    return reply({}, 10001, message, request.now_ms)


def _ticker(request: Request) -> str | None:
    symbol = request.query.get("symbol", "")
    ticker = symbol.removesuffix(QUOTE)
    known = symbol.endswith(QUOTE) and ticker.isalnum() and ticker not in PEGGED
    return ticker if known else None


def _wire(candle: Candle) -> list[str]:
    return [
        str(candle.start_ms),
        *(plain(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        plain(candle.volume, 6),
        plain(candle.turnover, 8),
    ]


def _klines(request: Request) -> Answer:
    category, symbol, ticker = request.query.get("category"), request.query.get("symbol"), _ticker(request)
    if category != "spot":
        return _refused(request, "params error: Category is invalid")
    if ticker is None:
        return _refused(request, "Not supported symbols")
    if request.query.get("interval") != "D":
        return _refused(request, "Invalid period!")
    start, end, limit = (request.integer(name) for name in ("start", "end", "limit"))
    if limit is not None and limit < 1:
        return _refused(request, "params error: limit invalid")
    series = pair(request.market, "bybit", ticker, SHARE)
    # The candle that holds the start is sent too.
    first = None if start is None else start // DAY_MS * DAY_MS
    numbers = window(series, DAY_MS, first, end, request.now_ms)
    size = min(limit or 200, MAX_KLINES)
    page = numbers[:size] if start is not None and end is None else numbers[max(len(numbers) - size, 0) :]
    rows = [_wire(candle) for candle in shown(series, DAY_MS, page[::-1], request.now_ms)]
    return reply({"category": category, "symbol": symbol, "list": rows}, now_ms=request.now_ms)


def _funding(request: Request) -> Answer:
    category, symbol, ticker = request.query.get("category"), request.query.get("symbol"), _ticker(request)
    if category != "linear":
        return _refused(request, "params error: Category is invalid")
    if ticker is None:
        return _refused(request, "params error: symbol invalid")
    start, end, limit = (request.integer(name) for name in ("startTime", "endTime", "limit"))
    if start is not None and end is None:
        return _refused(request, "params error: endTime is required with startTime")
    if limit is not None and not 1 <= limit <= MAX_PAYMENTS:
        return _refused(request, "params error: limit invalid")
    size = limit or MAX_PAYMENTS
    last = request.now_ms if end is None else min(end, request.now_ms)
    first = max(start or 0, last - (size + 1) * DAY_MS)
    found = payments(request.market, "bybit", ticker, first, last)[-size:][::-1]
    rows = [
        {"symbol": symbol, "fundingRate": plain(each.rate, 8), "fundingRateTimestamp": str(each.at_ms)}
        for each in found
    ]
    return reply({"category": category, "list": rows}, now_ms=request.now_ms)


def _open_interest(request: Request) -> Answer:
    category, symbol = request.query.get("category", ""), request.query.get("symbol", "")
    if category not in CONTRACTS:
        return _refused(request, "params error: Category is invalid")
    ending = next((each for each in CONTRACTS[category] if symbol.endswith(each)), "")
    ticker = symbol.removesuffix(ending)
    if ticker not in TICKERS or not ending:
        return _refused(request, "params error: symbol invalid")
    digits, share = CONTRACTS[category][ending]
    step_ms = PERIODS.get(request.query.get("intervalTime", ""))
    if step_ms is None:
        return _refused(request, "params error: intervalTime invalid")
    start, end, limit = (request.integer(name) for name in ("startTime", "endTime", "limit"))
    if limit is not None and not 1 <= limit <= MAX_READINGS:
        return _refused(request, "params error: limit invalid")
    last = request.now_ms if end is None else min(end, request.now_ms)
    cursor = CURSOR.search(request.query.get("cursor", ""))
    if cursor is not None:
        last = min(last, int(cursor[1]) * SECOND_MS - 1)
    first = midnight_ms(date(2020, 9, 1)) if start is None else start
    numbers = range(-(-first // step_ms), last // step_ms + 1)
    page = numbers[max(len(numbers) - (limit or 50), 0) :]
    readings = request.market.interest.readings(
        ticker, [number * step_ms for number in page], venue=f"bybit {symbol}", share=share
    )
    listed = []
    for one in reversed(readings):
        side = round(one.coins if category == "linear" else one.usd, digits)
        listed.append(
            {
                "openInterest": f"{2 * side:.8f}",
                "singleOpenInterest": plain(side, digits) if digits else f"{side:.0f}",
                "timestamp": str(one.at_ms),
            }
        )
    older = f"lastid%3D{page[0]}%26lasttime%3D{page[0] * step_ms // SECOND_MS}" if page else ""
    result = {"symbol": symbol, "category": category, "list": listed, "nextPageCursor": older}
    return reply(result, now_ms=request.now_ms)


def _rates(request: Request) -> Answer:
    level, coin = request.query.get("vipLevel"), request.query.get("currency")
    if (level is not None and level not in DISCOUNTS) or (coin is not None and coin not in borrowing.COINS):
        return _refused(request, "params error")
    hour = request.now_ms // HOUR_MS
    levels = [
        {
            "list": [
                {
                    "borrowable": True,
                    "collateralRatio": "1",
                    "currency": each,
                    "hourlyBorrowRate": f"{borrowing.rate('bybit', each, hour) * less / 8760:.16f}",
                    "liquidationOrder": "1",
                    "marginCollateral": True,
                    "maxBorrowingAmount": "1000000",
                }
                for each in sorted(borrowing.COINS)
                if coin in {None, each}
            ],
            "vipLevel": name,
        }
        for name, less in DISCOUNTS.items()
        if level in {None, name}
    ]
    return reply({"vipCoinList": levels}, message="success", now_ms=request.now_ms)


def answer(request: Request) -> Answer:
    """The candles of a market, the funding or the open interest of a perpetual, or what it costs to borrow a coin."""
    pages = {KLINES: _klines, FUNDING: _funding, READINGS: _open_interest, RATES: _rates}
    if request.path not in pages:
        return error(404)
    try:
        return pages[request.path](request)
    except BadParameterError as bad:
        return _refused(request, f"params error: {bad.name} invalid")


PAGES = (Page(("api.bybit.com", "api.bytick.com"), answer, error, envelope, _rows, Budget(600, 5, says_when=False)),)
