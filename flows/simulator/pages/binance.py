"""Binance: spot candles, funding of swaps settled in USDT, and open interest of swaps settled in any currency, by REST.

Rows come oldest first, with both bounds included; candles are at most 1000, bounded by their opening time. Without a
start the newest rows are sent. The last candle is unfinished: its closing time is after now. Open interest is kept for
30 days.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from flows.simulator.candles import HOURLY, UTC_DAYS, Candle, Series, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, steps
from flows.simulator.open_interest import STEP_MS, TICKERS, Reading
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, coin_of, json_answer
from flows.simulator.seeded_random import key_of, unit

QUOTE = "USDT"
FRAMES = {"1d": UTC_DAYS, "1h": HOURLY}
SYMBOL = re.compile(r"[A-Z0-9_.-]{1,20}")
MAX_ROWS = 1000
KLINES = "/api/v3/klines"
READINGS = "/futures/data/openInterestHist"
READINGS_KEPT_MS = 30 * DAY_MS
PERIODS = {"5m": STEP_MS, "1h": HOUR_MS, "1d": DAY_MS}
MAX_READINGS = 500
CIRCULATING = {"CMCCirculatingSupply": "19790000.00000000"}
ERRORS = Errors(
    shape=lambda _, code, message: {"code": code, "msg": message},
    other=(-1001, "Internal error; unable to process your request. Please try again."),
    statuses={
        404: (-5000, "Path is invalid"),
        418: (-1003, "Too many requests; please slow down."),
        429: (-1003, "Too many requests; please slow down."),
        451: (0, "Service unavailable from a restricted location."),
    },
    refusals={
        "missing": (-1102, "Mandatory parameter '{}' was not sent, was empty/null, or malformed."),
        "malformed": (-1100, "Illegal characters found in parameter '{}'."),
        "interval": (-1120, "Invalid interval."),
        "symbol": (-1121, "Invalid symbol."),
        "pair": (-1121, "Invalid symbol."),
        "": (-1130, "Data sent for parameter '{}' is not valid."),
    },
)


class Swap(NamedTuple):
    """A swap with open interest.

    Attributes:
        ticker: The coin.
        venue: Its name, for its own random numbers.
        share: Its open interest, as a multiple of the main swap's.
        dollars: The contract size in dollars, if it is settled in the coin.
    """

    ticker: str
    venue: str = "main"
    share: float = 1.0
    dollars: int | None = None

    def amounts(self, reading: Reading) -> tuple[float, float]:
        """The count and its value: coins and dollars, or contracts and coins."""
        if self.dollars is None:
            return reading.coins, reading.usd
        return round(reading.usd / self.dollars), reading.coins


# Settled in USDT or USDC, or in the coin.
READ = {f"{ticker}{QUOTE}": Swap(ticker) for ticker in TICKERS} | {"BTCUSDC": Swap("BTC", "binance usdc", 0.06)}
READ_IN_COINS = {
    f"{ticker}USD_PERP": Swap(ticker, f"binance {ticker} inverse", 0.11, dollars)
    for ticker, dollars in (("BTC", 100), ("ETH", 10))
}
PAIRS = {symbol.removesuffix("_PERP"): swap for symbol, swap in READ_IN_COINS.items()}


def spot_coin(symbol: str) -> str:
    """The coin of a spot pair; it may be pegged."""
    if not SYMBOL.fullmatch(symbol):
        raise Refused("symbol", "malformed")
    return coin_of(symbol, QUOTE, "symbol", refused={QUOTE})


def _page(request: Request, numbers: range, default: int, most: int) -> range:
    size = request.size("limit", default, most, cut=True)
    return numbers[:size] if "startTime" in request.query else numbers[-size:]


def kline(candle: Candle, step_ms: int, key: int) -> list[int | str]:
    """The twelve fields of a candle: prices and volumes as text with eight digits."""
    buyers = 0.45 + 0.1 * unit(key, candle.start_ms)
    return [
        candle.start_ms,
        *(f"{price:.8f}" for price in (candle.open, candle.high, candle.low, candle.close, candle.volume)),
        candle.start_ms + step_ms - 1,
        f"{candle.turnover:.8f}",
        int(candle.turnover / 900),
        f"{candle.volume * buyers:.8f}",
        f"{candle.turnover * buyers:.8f}",
        "0",
    ]


def klines(request: Request) -> Answer:
    """The candles of a pair."""
    ticker, frame = spot_coin(request.text("symbol")), request.one_of("interval", FRAMES)
    series = request.market.spot.series(ticker)
    numbers = window(series, frame, request.integer("startTime", 0), request.end_ms("endTime"), request.now_ms)
    candles = shown(series, frame.step_ms, _page(request, numbers, 500, MAX_ROWS), request.now_ms)
    key = key_of(request.text("symbol"), "buyers")
    return json_answer([kline(candle, frame.step_ms, key) for candle in candles])


def server_time(request: Request) -> Answer:
    """The virtual time."""
    return json_answer({"serverTime": request.now_ms})


def _mark(spot: Series, at_ms: int) -> float:
    """About the price of the swap at a settlement, on the way from the day's open to its close."""
    day = spot.day(at_ms // DAY_MS)
    return day.open + (day.close - day.open) * (at_ms % DAY_MS) / DAY_MS


def funding_rate(request: Request) -> Answer:
    """The settlements of a swap."""
    ticker, market = coin_of(request.text("symbol"), QUOTE, "symbol"), request.market
    size = request.size("limit", 100, MAX_ROWS, cut=True)
    span = (size + 1) * market.funding.interval_hours(ticker) * HOUR_MS
    last = request.end_ms("endTime")
    begin = max(request.integer("startTime", last - span), market.funding.first_ms(ticker))
    rows = market.funding.settlements(ticker, begin, min(last, begin + span))
    spot = market.spot.series(ticker)
    return json_answer(
        [
            {
                "symbol": request.text("symbol"),
                "fundingTime": row.at_ms,
                "fundingRate": f"{row.rate:.8f}",
                "markPrice": f"{_mark(spot, row.scheduled_ms):.8f}",
            }
            for row in (rows[:size] if "startTime" in request.query else rows[-size:])
        ]
    )


def funding_info(request: Request) -> Answer:
    """The listed swaps whose interval or caps were adjusted."""
    funding = request.market.funding
    return json_answer(
        [
            {
                "symbol": ticker + QUOTE,
                "adjustedFundingRateCap": "0.02000000",
                "adjustedFundingRateFloor": "-0.02000000",
                "fundingIntervalHours": funding.interval_hours(ticker),
                "disclaimer": False,
                "updateTime": funding.first_ms(ticker),
            }
            for ticker in funding.adjusted()
            if funding.first_ms(ticker) <= request.now_ms
        ]
    )


def open_interest(request: Request) -> Answer:
    """Readings of a swap that is settled in dollars."""
    return _readings(request, request.one_of("symbol", READ), {"symbol": request.text("symbol")}, CIRCULATING)


def coin_open_interest(request: Request) -> Answer:
    """Readings of a swap that is settled in the coin."""
    head = {"pair": request.text("pair"), "contractType": request.must_be("contractType", "PERPETUAL")}
    return _readings(request, request.one_of("pair", PAIRS), head, {})


def _readings(request: Request, swap: Swap, head: Mapping[str, str], tail: Mapping[str, str]) -> Answer:
    """Readings at the full steps of a period."""
    step_ms, oldest = request.one_of("period", PERIODS), request.now_ms - READINGS_KEPT_MS
    start = request.integer("startTime", oldest)
    if start < oldest:
        raise Refused("startTime")
    page = _page(request, steps(step_ms, start, request.end_ms("endTime")), 30, MAX_READINGS)
    moments = [number * step_ms for number in page]
    rows = []
    for reading in request.market.open_interest.readings(swap.ticker, moments, venue=swap.venue, share=swap.share):
        count, value = swap.amounts(reading)
        sums = {"sumOpenInterest": f"{count:.8f}", "sumOpenInterestValue": f"{value:.8f}"}
        rows.append({**head, **sums, **tail, "timestamp": reading.at_ms})
    return json_answer(rows)


PAGES = (
    Page(
        ("data-api.binance.vision", "api.binance.com"),
        {KLINES: klines, "/api/v3/ping": lambda _: json_answer({}), "/api/v3/time": server_time},
        ERRORS,
        ("",),
        budget=Budget(6000, 60, used_header="X-MBX-USED-WEIGHT-1M"),
        cost=lambda request: 2 if request.path == KLINES else 1,
    ),
    Page(
        ("fapi.binance.com",),
        {
            "/fapi/v1/fundingRate": funding_rate,
            "/fapi/v1/fundingInfo": funding_info,
            "/fapi/v1/time": server_time,
            READINGS: open_interest,
        },
        ERRORS,
        ("",),
        budget=Budget(500, 300),
    ),
    Page(("dapi.binance.com",), {READINGS: coin_open_interest}, ERRORS, ("",), budget=Budget(1000, 300)),
)
