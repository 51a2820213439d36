"""Binance: spot candles, funding of swaps settled in USDT, and open interest of those in each currency, over REST.

Candles come oldest first, at most 1000, with both bounds on the opening time included; without a
start the newest are sent. The last candle runs: its closing time lies after now. Of open interest there are the
readings of 30 days.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flows.simulator.candles import Candle, Series, shown, window
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS
from flows.simulator.interest import STEP_MS, TICKERS, Reading
from flows.simulator.script import PEGGED
from flows.simulator.wire import (
    Answer,
    BadParameterError,
    Budget,
    Page,
    Request,
    json_answer,
    list_rows,
)

QUOTE = "USDT"
STEPS = {"1d": DAY_MS, "1h": HOUR_MS}
SYMBOL = re.compile(r"[A-Z0-9_.-]{1,20}")
MAX_ROWS = 1000
KLINES = "/api/v3/klines"
READINGS = "/futures/data/openInterestHist"
READINGS_KEPT_MS = 30 * DAY_MS
PERIODS = {"5m": STEP_MS, "1h": HOUR_MS, "1d": DAY_MS}
MAX_READINGS = 500
CIRCULATING = {"CMCCirculatingSupply": "19790000.00000000"}


def failure(code: int, message: str, status: int = 400) -> Answer:
    """A refusal with Binance's own code."""
    return json_answer({"code": code, "msg": message}, status)


def error(status: int) -> Answer:
    """What Binance says along with an HTTP error."""
    if status in (418, 429):
        return failure(-1003, "Too many requests; please slow down.", status)
    if status == 451:
        return failure(0, "Service unavailable from a restricted location.", status)
    return failure(-1001, "Internal error; unable to process your request. Please try again.", status)


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure(-1001, "Internal error; unable to process your request. Please try again.", 200)


def _missing(name: str) -> Answer:
    return failure(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def _invalid(name: str) -> Answer:
    return failure(-1130, f"Data sent for parameter '{name}' is not valid.")


def _illegal(name: str) -> Answer:
    return failure(-1100, f"Illegal characters found in parameter '{name}'.")


def _checked(request: Request, answer: Callable[[Request], Answer]) -> Answer:
    """Answer, unless a number of the query is not one."""
    try:
        limit = request.integer("limit")
        return answer(request) if limit is None or limit > 0 else _invalid("limit")
    except BadParameterError as bad:
        return _illegal(bad.name)


def ticker_of(symbol: str) -> str | None:
    """The coin of a symbol such as BTCUSDT; None where there is no such pair."""
    ticker = symbol.removesuffix(QUOTE)
    known = symbol.endswith(QUOTE) and ticker.isalnum() and ticker != QUOTE
    return ticker if known else None


class Swap(NamedTuple):
    """A swap whose open interest is told.

    Attributes:
        ticker: The coin.
        venue: The chances that it has of its own.
        share: How many coins are open for each in the main swap.
        dollars: What a contract is of, where it is settled in the coin.
    """

    ticker: str
    venue: str = "main"
    share: float = 1.0
    dollars: int | None = None

    def told(self, one: Reading) -> tuple[float, float]:
        """What is counted and what it is worth: coins and dollars, or contracts and coins."""
        return (one.coins, one.usd) if self.dollars is None else (round(one.usd / self.dollars), one.coins)


# Settled in USDT, in USDC, or in the coin.
READ = {f"{ticker}{QUOTE}": Swap(ticker) for ticker in TICKERS}
READ |= {"BTCUSDC": Swap("BTC", "binance usdc", 0.06)}
READ_IN_COINS = {
    f"{ticker}USD_PERP": Swap(ticker, f"binance {ticker} inverse", 0.11, dollars)
    for ticker, dollars in (("BTC", 100), ("ETH", 10))
}


def _page(numbers: range, limit: int | None, default: int, *, from_start: bool) -> range:
    size = min(limit or default, MAX_ROWS)
    return numbers[:size] if from_start else numbers[max(len(numbers) - size, 0) :]


def wire(candle: Candle, step_ms: int, key: int) -> list[int | str]:
    """The twelve fields of a candle: prices and volumes as text with eight digits."""
    buyers = 0.45 + 0.1 * unit(key, candle.start_ms)
    return [
        candle.start_ms,
        f"{candle.open:.8f}",
        f"{candle.high:.8f}",
        f"{candle.low:.8f}",
        f"{candle.close:.8f}",
        f"{candle.volume:.8f}",
        candle.start_ms + step_ms - 1,
        f"{candle.turnover:.8f}",
        int(candle.turnover / 900),
        f"{candle.volume * buyers:.8f}",
        f"{candle.turnover * buyers:.8f}",
        "0",
    ]


def _klines(request: Request) -> Answer:
    for name in ("symbol", "interval"):
        if not request.query.get(name):
            return _missing(name)
    symbol = request.query["symbol"]
    if not SYMBOL.fullmatch(symbol):
        return _illegal("symbol")
    ticker = ticker_of(symbol)
    if ticker is None:
        return failure(-1121, "Invalid symbol.")
    step_ms = STEPS.get(request.query["interval"])
    if step_ms is None:
        return failure(-1120, "Invalid interval.")
    start, end, limit = (request.integer(name) for name in ("startTime", "endTime", "limit"))
    series: Series = request.market.spot.series(ticker)
    numbers = window(series, step_ms, start, end, request.now_ms)
    page = _page(numbers, limit, 500, from_start=start is not None)
    key = key_of(symbol, "buyers")
    return json_answer([wire(candle, step_ms, key) for candle in shown(series, step_ms, page, request.now_ms)])


def _spot(request: Request) -> Answer:
    if request.path == KLINES:
        return _checked(request, _klines)
    if request.path == "/api/v3/ping":
        return json_answer({})
    if request.path == "/api/v3/time":
        return json_answer({"serverTime": request.now_ms})
    return failure(-1000, "Not found.", 404)


def _mark(spot: Series, at_ms: int) -> float:
    """About what the swap was worth at a settlement: on the way from the day's open to its close."""
    day = spot.day(at_ms // DAY_MS)
    return day.open + (day.close - day.open) * (at_ms % DAY_MS) / DAY_MS


def _funding_rate(request: Request) -> Answer:
    """Settlements, oldest first: from the start where one is given, else the newest."""
    symbol = request.query.get("symbol", "")
    ticker = ticker_of(symbol)
    if not symbol:
        return _missing("symbol")
    if ticker is None or ticker in PEGGED:
        return failure(-1121, "Invalid symbol.")
    start, end, limit = (request.integer(name) for name in ("startTime", "endTime", "limit"))
    market = request.market
    first = market.funding.first_ms(ticker, market.spot.coin(ticker))
    last = request.now_ms if end is None else min(end, request.now_ms)
    size = min(limit or 100, MAX_ROWS)
    span = (size + 1) * market.funding.interval_hours(ticker) * HOUR_MS
    if start is not None:
        begin = max(start, first)
        page = market.funding.settlements(ticker, begin, min(last, begin + span))[:size]
    else:
        page = market.funding.settlements(ticker, max(first, last - span), last)[-size:]
    spot = market.spot.series(ticker)
    return json_answer(
        [
            {
                "symbol": symbol,
                "fundingTime": row.at_ms,
                "fundingRate": f"{row.rate:.8f}",
                "markPrice": f"{_mark(spot, row.scheduled_ms):.8f}",
            }
            for row in page
        ]
    )


def _funding_info(request: Request) -> Answer:
    """Only the swaps whose interval or caps were adjusted, and that are listed by now."""
    market = request.market
    listed = {ticker: market.funding.first_ms(ticker, market.spot.coin(ticker)) for ticker in market.funding.adjusted()}
    return json_answer(
        [
            {
                "symbol": ticker + QUOTE,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": market.funding.interval_hours(ticker),
                "disclaimer": False,
                "updateTime": first,
            }
            for ticker, first in listed.items()
            if first <= request.now_ms
        ]
    )


def _open_interest(request: Request) -> Answer:
    """Readings of a swap that is settled in dollars."""
    symbol = request.query.get("symbol", "")
    return _readings(request, ("symbol", "period"), READ.get(symbol), {"symbol": symbol}, CIRCULATING)


def _coin_open_interest(request: Request) -> Answer:
    """Readings of a swap that is settled in the coin."""
    pair, kind = request.query.get("pair", ""), request.query.get("contractType", "")
    swap = READ_IN_COINS.get(f"{pair}_PERP") if kind == "PERPETUAL" else None
    return _readings(request, ("pair", "contractType", "period"), swap, {"pair": pair, "contractType": kind}, {})


def _readings(
    request: Request, needed: Sequence[str], swap: Swap | None, head: Mapping[str, str], tail: Mapping[str, str]
) -> Answer:
    """Readings at the full steps of a period, oldest first: from the start where one is given, else the newest."""
    for name in needed:
        if not request.query.get(name):
            return _missing(name)
    step_ms = PERIODS.get(request.query["period"])
    if step_ms is None:
        return _invalid("period")
    if swap is None:
        return failure(-1121, "Invalid symbol.")
    start, end, limit = (request.integer(name) for name in ("startTime", "endTime", "limit"))
    oldest = request.now_ms - READINGS_KEPT_MS
    if start is not None and start < oldest:
        return failure(-1130, "parameter 'startTime' is invalid.")
    last = request.now_ms if end is None else min(end, request.now_ms)
    numbers = range(-(-(oldest if start is None else start) // step_ms), last // step_ms + 1)
    size = min(limit or 30, MAX_READINGS)
    page = numbers[:size] if start is not None else numbers[max(len(numbers) - size, 0) :]
    moments = [number * step_ms for number in page]
    told = []
    for one in request.market.interest.readings(swap.ticker, moments, venue=swap.venue, share=swap.share):
        count, worth = swap.told(one)
        sums = {"sumOpenInterest": f"{count:.8f}", "sumOpenInterestValue": f"{worth:.8f}"}
        told.append({**head, **sums, **tail, "timestamp": one.at_ms})
    return json_answer(told)


def _futures(request: Request) -> Answer:
    if request.path == "/fapi/v1/fundingRate":
        return _checked(request, _funding_rate)
    if request.path == "/fapi/v1/fundingInfo":
        return _funding_info(request)
    if request.path == READINGS:
        return _checked(request, _open_interest)
    if request.path == "/fapi/v1/time":
        return json_answer({"serverTime": request.now_ms})
    return failure(-5000, f"Path {request.path}, Method GET is invalid", 404)


def _coin_futures(request: Request) -> Answer:
    if request.path == READINGS:
        return _checked(request, _coin_open_interest)
    return failure(-5000, f"Path {request.path}, Method GET is invalid", 404)


def _weight(request: Request) -> int:
    return 2 if request.path == KLINES else 1


PAGES = (
    Page(
        ("data-api.binance.vision", "api.binance.com"),
        _spot,
        error,
        envelope,
        list_rows,
        Budget(6000, 60, cost=_weight, used_header="X-MBX-USED-WEIGHT-1M"),
    ),
    Page(("fapi.binance.com",), _futures, error, envelope, list_rows, Budget(500, 300)),
    Page(("dapi.binance.com",), _coin_futures, error, envelope, list_rows, Budget(1000, 300)),
)
