"""Upbit: daily candles in won, newest first, one unless more are requested, at most 200.

`to` is exclusive and in UTC. `timestamp` is the time of the last trade, not of the candle.
"""

from flows.simulator.candles import UTC_DAYS, Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, moment
from flows.simulator.korea import MARKETS
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer
from flows.simulator.seeded_random import key_of, unit

KST_MS = 9 * HOUR_MS
MAX_COUNT = 200
STAMP = "%Y-%m-%dT%H:%M:%S"
ERRORS = Errors(
    shape=lambda status, message, name=None: {"error": {"name": name or status, "message": message}},
    other="Internal Server Error",
    statuses={404: "Code not found", 429: ("Too many API requests.", "too_many_requests")},
    refusals={
        "market": 404,
        "missing": "Missing request parameter error. Check the required parameters!",
        "malformed": "Type mismatch error. Check the parameters type!",
        "count": f"count must be between 1 and {MAX_COUNT}",
    },
)


def candle_row(market: str, candle: Candle, step_ms: int, now_ms: int) -> dict[str, object]:
    """A candle, as Upbit and Bithumb have it."""
    last_trade = candle.start_ms + step_ms - 1 - int(60 * SECOND_MS * unit(key_of(market), candle.start_ms))
    return {
        "market": market,
        "candle_date_time_utc": moment(candle.start_ms).strftime(STAMP),
        "candle_date_time_kst": moment(candle.start_ms + KST_MS).strftime(STAMP),
        "opening_price": candle.open,
        "high_price": candle.high,
        "low_price": candle.low,
        "trade_price": candle.close,
        "timestamp": min(last_trade, now_ms),
        "candle_acc_trade_price": round(candle.turnover, 5),
        "candle_acc_trade_volume": round(candle.volume, 8),
    }


def change(close: float, before: float) -> dict[str, object]:
    """The change of the price since the day before."""
    changed = close - before
    return {"prev_closing_price": before, "change_price": changed, "change_rate": round(changed / before, 10)}


def candles(request: Request) -> Answer:
    """The daily candles of a market."""
    market, end_ms = request.must_be("market", *MARKETS), request.instant_ms("to", request.now_ms + 1) - 1
    series = request.market.korea.series(market)
    numbers = window(series, UTC_DAYS, 0, end_ms, request.now_ms)[-request.size("count", 1, MAX_COUNT) :]
    rows = [
        candle_row(market, day, DAY_MS, request.now_ms) | change(day.close, series.day(number - 1).close)
        for number, day in zip(numbers, shown(series, DAY_MS, numbers, request.now_ms), strict=True)
    ]
    return json_answer(rows[::-1], headers={"Remaining-Req": "group=candles; min=600; sec=9"})


BUDGET = Budget(10, 1, says_when=False)
PAGES = (Page(("api.upbit.com",), {"/v1/candles/days": candles}, ERRORS, ("",), budget=BUDGET),)
