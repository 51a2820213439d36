"""Coinglass: daily liquidations, open interest and borrow rates, oldest first; a key in a header, errors in a 200.

Both bounds are included, and the newest 1,000 rows at most. The current day is listed. Stamps are in milliseconds,
those of borrow rates in seconds. That these are percent per day is the simulator's choice.
"""

import math
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from flows.simulator import borrow_rates
from flows.simulator.candles import shown
from flows.simulator.instants import DAY_MS, DAY_S, midnight_ms, steps
from flows.simulator.liquidations import SIZES, at_perpetual
from flows.simulator.open_interest import TICKERS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, coin_of, json_answer, whole

MOST = 1000
FIRST_MS = midnight_ms(date(2020, 12, 1))
EVERYWHERE = 2.4  # open interest at all venues, as a multiple of the main one's
LENDERS = ("Binance", "Bybit")
ERRORS = Errors(
    shape=lambda status, message, code="": {"code": code or str(status), "msg": message},
    other="Server Error",
    statuses={401: "Upgrade plan", 404: "Not Found", 429: "Too Many Requests"},
    refusals={
        "key": ("API key missing.", "401"),
        "missing": ("Required String parameter '{}' is not present", "400"),
        "malformed": ("Failed to convert value of parameter '{}'", "400"),
        "": ("The requested {} is not simulated.", "400"),
    },
    refused_with=200,
    within_200=401,
)


def _days(request: Request) -> range:
    first = max(request.integer("start_time", 0), FIRST_MS)
    return steps(DAY_MS, first, request.end_ms("end_time"))[-request.size("limit", MOST, MOST, cut=True) :]


def _liquidations(request: Request) -> list[Any]:
    ticker, venues = coin_of(request.text("symbol"), "", "symbol"), request.text("exchange_list").split(",")
    if not set(venues) <= set(SIZES):
        raise Refused("exchange_list")
    rows = []
    for day in shown(request.market.spot.series(ticker), DAY_MS, _days(request), request.now_ms):
        closed = [at_perpetual(venue, ticker, quote, day) for venue in venues for quote in ("USDT", "USD")]
        longs, shorts = (whole(round(math.fsum(sides), 5)) for sides in zip(*closed, strict=True))
        sums = {"aggregated_long_liquidation_usd": longs, "aggregated_short_liquidation_usd": shorts}
        rows.append({"time": day.start_ms, **sums})
    return rows


def _open_interest(request: Request) -> list[Any]:
    ticker, levels = request.must_be("symbol", *TICKERS), request.market.open_interest.day_usd
    rows = []
    for day in _days(request):
        usd = levels(ticker, day, request.now_ms, venue="everywhere", share=EVERYWHERE)
        rows.append({"time": day * DAY_MS, **dict(zip(("open", "high", "low", "close"), map(whole, usd), strict=True))})
    return rows


def _rates(request: Request) -> list[Any]:
    lender, coin = request.must_be("exchange", *LENDERS).lower(), request.must_be("symbol", *borrow_rates.COINS)
    return [
        {"time": day * DAY_S, "interest_rate": round(borrow_rates.noon_rate(lender, coin, day) / 3.65, 6)}
        for day in _days(request)
    ]


def history(rows: Callable[[Request], list[Any]], request: Request) -> Answer:
    """One of the histories."""
    if not request.headers.get("cg-api-key"):
        raise Refused("key")
    request.must_be("interval", "1d")
    return json_answer({"code": "0", "msg": "success", "data": rows(request)})


ROUTES = {
    "/api/futures/liquidation/aggregated-history": partial(history, _liquidations),
    "/api/futures/open-interest/aggregated-history": partial(history, _open_interest),
    "/api/borrow-interest-rate/history": partial(history, _rates),
}
PAGES = (Page(("open-api-v4.coinglass.com",), ROUTES, ERRORS, ("data",), budget=Budget(30, 60)),)
