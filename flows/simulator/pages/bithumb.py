"""Bithumb: candles in won in Upbit's shape, newest first, one unless more are asked for, at most 200.

Days begin at 00:00 in Seoul. `to` is exclusive and means Seoul time. `timestamp` is the time of the last trade.
What it refuses it refuses in a 200, as others met it.
"""

from flows.simulator.candles import Candle
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import SECOND_MS, moment, parse
from flows.simulator.korea import MARKETS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows
from flows.simulator.won import HOURLY, KOREAN_DAYS, KST_MS, Frame, Venue, candles, periods

VENUE = Venue("bithumb", share=0.4)
FRAMES = {"/v1/candles/days": KOREAN_DAYS, "/v1/candles/minutes/60": HOURLY}
MAX_COUNT = 200
STAMP = "%Y-%m-%dT%H:%M:%S"


def failure(status: int, name: int | str, message: str) -> Answer:
    """A refusal in Bithumb's shape."""
    return json_answer({"error": {"name": name, "message": message}}, status)


def error(status: int) -> Answer:
    """What Bithumb says along with an HTTP error."""
    messages = {404: "Code not found", 429: "Too many API requests."}
    return failure(status, status, messages.get(status, "Internal Server Error"))


def envelope() -> Answer:
    """An error in a success, which Bithumb documents."""
    return failure(200, 500, "Internal Server Error")


def _wire(market: str, frame: Frame, candle: Candle, before: Candle | None, now_ms: int) -> dict[str, object]:
    end_ms = candle.start_ms + frame.step_ms
    last_trade = end_ms - 1 - int(60 * SECOND_MS * unit(key_of(market), candle.start_ms))
    row: dict[str, object] = {
        "market": market,
        "candle_date_time_utc": moment(candle.start_ms).strftime(STAMP),
        "candle_date_time_kst": moment(candle.start_ms + KST_MS).strftime(STAMP),
        "opening_price": candle.open,
        "high_price": candle.high,
        "low_price": candle.low,
        "trade_price": candle.close,
        "timestamp": min(last_trade, now_ms),
        "candle_acc_trade_price": candle.turnover,
        "candle_acc_trade_volume": candle.volume,
    }
    if frame is HOURLY:
        return row | {"unit": 60}
    close = before.close if before else candle.open
    change = candle.close - close
    return row | {"prev_closing_price": close, "change_price": change, "change_rate": round(change / close, 10)}


def _candles(request: Request, market: str, frame: Frame, count: int, end_ms: int) -> list[dict[str, object]]:
    series = request.market.won.series(VENUE, market)
    numbers = periods(series, frame, None, end_ms, request.now_ms)
    first = max(len(numbers) - count, 0)
    page = candles(series, frame, numbers[max(first - 1, 0) :], request.now_ms)
    earlier = [None, *page]
    shown = [_wire(market, frame, one, before, request.now_ms) for one, before in zip(page, earlier, strict=False)]
    return shown[::-1][:count]


def answer(request: Request) -> Answer:
    """The candles of one market."""
    frame = FRAMES.get(request.path.rstrip("/"))
    if frame is None:
        return error(404)
    market = request.query.get("market")
    if not market:
        return failure(200, 400, "Missing request parameter error. Check the required parameters!")
    if market not in MARKETS:
        return failure(200, 404, "Code not found")
    try:
        count = request.integer("count")
        # A zone in `to` is refused: what Bithumb makes of it is not known.
        to = request.query.get("to")
        end_ms = parse(f"{to}+09:00") - 1 if to else request.now_ms
    except (BadParameterError, ValueError):
        return failure(200, 400, "Type mismatch error. Check the parameters type!")
    if count is not None and not 1 <= count <= MAX_COUNT:
        return failure(200, 400, f"count must be between 1 and {MAX_COUNT}")
    return json_answer(_candles(request, market, frame, count or 1, end_ms))


PAGES = (Page(("api.bithumb.com",), answer, error, envelope, list_rows, Budget(150, 1, says_when=False)),)
