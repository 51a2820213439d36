"""Upbit: daily candles in won, newest first, one unless more are asked for, at most 200.

`to` is exclusive and means UTC. `timestamp` is the time of the last trade, not of the candle.
"""

from flows.simulator.candles import Candle, Series, shown, window
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS, moment, parse
from flows.simulator.korea import MARKETS
from flows.simulator.wire import (
    Answer,
    BadParameterError,
    Budget,
    Page,
    Request,
    json_answer,
    list_rows,
)

KST_MS = 9 * HOUR_MS
MAX_COUNT = 200
STAMP = "%Y-%m-%dT%H:%M:%S"


def failure(status: int, name: int | str, message: str) -> Answer:
    """A refusal in Upbit's shape."""
    return json_answer({"error": {"name": name, "message": message}}, status)


def error(status: int) -> Answer:
    """What Upbit says along with an HTTP error."""
    if status == 404:
        return failure(404, 404, "Code not found")
    if status == 429:
        return failure(429, "too_many_requests", "Too many API requests.")
    return failure(status, status, "Internal Server Error")


def envelope() -> Answer:
    """An error that a proxy delivers as a success."""
    return failure(200, 500, "Internal Server Error")


def _wire(market: str, candle: Candle, before: float, now_ms: int) -> dict[str, object]:
    change = candle.close - before
    last_trade = candle.start_ms + DAY_MS - 1 - int(60 * SECOND_MS * unit(key_of(market), candle.start_ms))
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
        "prev_closing_price": before,
        "change_price": change,
        "change_rate": round(change / before, 10),
    }


def _candles(request: Request, market: str, count: int, end_ms: int) -> list[dict[str, object]]:
    series: Series = request.market.korea.series(market)
    numbers = window(series, DAY_MS, None, end_ms, request.now_ms)
    page = numbers[max(len(numbers) - count, 0) :][::-1]
    return [
        _wire(market, candle, series.day(number - 1).close, request.now_ms)
        for number, candle in zip(page, shown(series, DAY_MS, page, request.now_ms), strict=True)
    ]


def answer(request: Request) -> Answer:
    """The daily candles of one market."""
    if request.path.rstrip("/") != "/v1/candles/days":
        return error(404)
    market = request.query.get("market")
    if not market:
        return failure(400, 400, "Missing request parameter error. Check the required parameters!")
    if market not in MARKETS:
        return error(404)
    try:
        count = request.integer("count")
        end_ms = parse(request.query["to"]) - 1 if request.query.get("to") else request.now_ms
    except (BadParameterError, ValueError):
        return failure(400, 400, "Type mismatch error. Check the parameters type!")
    if count is not None and not 1 <= count <= MAX_COUNT:
        return failure(400, 400, f"count must be between 1 and {MAX_COUNT}")
    candles = _candles(request, market, count or 1, end_ms)
    return json_answer(candles, headers={"Remaining-Req": "group=candles; min=600; sec=9"})


PAGES = (Page(("api.upbit.com",), answer, error, envelope, list_rows, Budget(10, 1, says_when=False)),)
