"""Bybit: daily spot candles, funding and open interest of perpetuals, newest first, and current borrow rates.

Errors come in a 200. Both bounds are included; a candle counts if the start lies within it. Nothing marks the newest
candle as unfinished. Funding refuses a start without an end. Open interest counts both sides; a row also has one of
them, as all have since June 2026. Linear contracts are counted in coins, inverse ones in dollars.
"""

import re
from datetime import date

from flows.simulator import borrow_rates
from flows.simulator.candles import UTC_DAYS, Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, midnight_ms, steps
from flows.simulator.open_interest import STEP_MS, TICKERS
from flows.simulator.page import (
    Answer,
    Budget,
    Errors,
    Page,
    Refused,
    Request,
    coin_of,
    json_answer,
    plain,
    text_answer,
)

QUOTE = "USDT"
PERIODS = {"5min": STEP_MS, "1h": HOUR_MS, "1d": DAY_MS}
MAX_KLINES, MAX_PAYMENTS, MAX_READINGS = 1000, 200, 200
# By the end of a contract's name: the digits of its unit, and its open interest as a multiple of the main venue's.
CONTRACTS = {"linear": {"USDT": (3, 0.5), "PERP": (3, 0.03)}, "inverse": {"USD": (0, 0.06)}}
CURSOR = re.compile(r"lasttime(?:=|%3D)(\d+)")
SHARE = 0.25


def envelope(result: object, now_ms: int = 0, code: int = 0, message: str = "OK") -> dict[str, object]:
    """The document that every answer is, with the time of the answer."""
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": now_ms}


ERRORS = Errors(
    shape=lambda _, code, message: envelope({}, 0, code, message),
    other=(10016, "Server error."),
    statuses={
        403: text_answer("403, access too frequent"),  # its own way to say too many requests
        404: text_answer("404 page not found"),
        429: (10006, "Too many visits. Exceeded the API Rate Limit."),
    },
    refusals={
        "startTime without endTime": (10001, "params error: endTime is required with startTime"),
        "": (10001, "params error: {} invalid"),
    },
    refused_with=200,
    within_200=429,
)


def _fields(candle: Candle) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [str(candle.start_ms), *map(plain, prices), plain(candle.volume, 6), plain(candle.turnover, 8)]


def klines(request: Request) -> Answer:
    """The daily candles of a spot market."""
    request.must_be("interval", "D")
    category, symbol = request.must_be("category", "spot"), request.text("symbol")
    series = request.market.pair("bybit", coin_of(symbol, QUOTE, "symbol"), SHARE)
    # The candle that contains the start is sent too.
    start_ms = request.integer("start", 0) // DAY_MS * DAY_MS
    numbers = window(series, UTC_DAYS, start_ms, request.end_ms("end"), request.now_ms)
    size = request.size("limit", 200, MAX_KLINES, cut=True)
    forward = "start" in request.query and "end" not in request.query
    page = (numbers[:size] if forward else numbers[-size:])[::-1]
    rows = [_fields(candle) for candle in shown(series, DAY_MS, page, request.now_ms)]
    return json_answer(envelope({"category": category, "symbol": symbol, "list": rows}, request.now_ms))


def funding(request: Request) -> Answer:
    """The payments of a linear perpetual."""
    category, symbol = request.must_be("category", "linear"), request.text("symbol")
    if "startTime" in request.query and "endTime" not in request.query:
        raise Refused("startTime without endTime")
    size, last = request.size("limit", MAX_PAYMENTS, MAX_PAYMENTS), request.end_ms("endTime")
    first = max(request.integer("startTime", 0), last - (size + 1) * DAY_MS)
    payments = request.market.funding.payments("bybit", coin_of(symbol, QUOTE, "symbol"), first, last)
    rows = [
        {"symbol": symbol, "fundingRate": plain(payment.rate, 8), "fundingRateTimestamp": str(payment.at_ms)}
        for payment in payments[-size:][::-1]
    ]
    return json_answer(envelope({"category": category, "list": rows}, request.now_ms))


def open_interest(request: Request) -> Answer:
    """Readings of a perpetual; a cursor leads to older ones."""
    contracts = request.one_of("category", CONTRACTS)
    category, symbol = request.text("category"), request.text("symbol")
    ending = next((ending for ending in contracts if symbol.endswith(ending)), "")
    ticker = symbol.removesuffix(ending)
    if ticker not in TICKERS or not ending:
        raise Refused("symbol")
    step_ms = request.one_of("intervalTime", PERIODS)
    digits, share = contracts[ending]
    last, cursor = request.end_ms("endTime"), CURSOR.search(request.query.get("cursor", ""))
    if cursor is not None:
        last = min(last, int(cursor[1]) * SECOND_MS - 1)
    first = request.integer("startTime", midnight_ms(date(2020, 9, 1)))
    page = steps(step_ms, first, last)[-request.size("limit", 50, MAX_READINGS) :]
    moments = [number * step_ms for number in page]
    rows = []
    for reading in request.market.open_interest.readings(ticker, moments, venue=f"bybit {symbol}", share=share)[::-1]:
        side = round(reading.coins if category == "linear" else reading.usd, digits)
        rows.append(
            {
                "openInterest": f"{2 * side:.8f}",
                "singleOpenInterest": plain(side, digits) if digits else f"{side:.0f}",
                "timestamp": str(reading.at_ms),
            }
        )
    older = f"lastid%3D{page[0]}%26lasttime%3D{page[0] * step_ms // SECOND_MS}" if page else ""
    result = {"symbol": symbol, "category": category, "list": rows, "nextPageCursor": older}
    return json_answer(envelope(result, request.now_ms))


def borrow_costs(request: Request) -> Answer:
    """The current hourly rate of a coin, for customers without a discount."""
    level, coin = request.must_be("vipLevel", "No VIP"), request.must_be("currency", *borrow_rates.COINS)
    row = {
        "borrowable": True,
        "collateralRatio": "1",
        "currency": coin,
        "hourlyBorrowRate": f"{borrow_rates.rate('bybit', coin, request.now_ms // HOUR_MS) / 8760:.16f}",
        "liquidationOrder": "1",
        "marginCollateral": True,
        "maxBorrowingAmount": "1000000",
    }
    result = {"vipCoinList": [{"list": [row], "vipLevel": level}]}
    return json_answer(envelope(result, request.now_ms, message="success"))


ROUTES = {
    "/v5/market/kline": klines,
    "/v5/market/funding/history": funding,
    "/v5/market/open-interest": open_interest,
    "/v5/spot-margin-trade/data": borrow_costs,
}
BUDGET = Budget(600, 5, says_when=False)
PAGES = (Page(("api.bybit.com",), ROUTES, ERRORS, ("result.list", "result.vipCoinList"), budget=BUDGET),)
