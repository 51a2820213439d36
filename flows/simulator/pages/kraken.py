"""Kraken: candles of a day or an hour in dollars, oldest first, the latest 720 finished ones and the running one.

`since` is exclusive; `last` is the stamp of the newest finished candle. Errors are a list in a 200.
"""

from collections.abc import Mapping

from flows.simulator.candles import Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS
from flows.simulator.venues import pair
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer

PATH = "/0/public/OHLC"
MAX_ROWS = 720
SHARE = 0.12
# The pair as it may be asked for: its ticker, its name in the answer, and the digits of its price.
PAIRS = {
    "XBTUSD": ("BTC", "XXBTZUSD", 1),
    "XXBTZUSD": ("BTC", "XXBTZUSD", 1),
    "ETHUSD": ("ETH", "XETHZUSD", 2),
    "XETHZUSD": ("ETH", "XETHZUSD", 2),
    "USDTUSD": ("USDT", "USDTZUSD", 5),
    "USDTZUSD": ("USDT", "USDTZUSD", 5),
}
STEPS = {"1440": DAY_MS, "60": HOUR_MS}


def reply(errors: list[str], result: Mapping[str, object] | None = None, status: int = 200) -> Answer:
    """Kraken's envelope."""
    return json_answer({"error": errors} if result is None else {"error": errors, "result": result}, status)


def error(status: int) -> Answer:
    """What Kraken says along with an HTTP error."""
    messages = {404: "EGeneral:Unknown method", 429: "EGeneral:Temporary lockout"}
    return reply([messages.get(status, "EService:Unavailable")], status=status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return reply(["EAPI:Rate limit exceeded"])


def _rows(document: object) -> list[object]:
    result = document.get("result") if isinstance(document, dict) else None
    return [value for value in result.values() if isinstance(value, list)] if isinstance(result, dict) else []


def _wire(candle: Candle, digits: int) -> list[int | str]:
    prices = [f"{price:.{digits}f}" for price in (candle.open, candle.high, candle.low, candle.close)]
    mean = candle.turnover / candle.volume if candle.volume else 0.0
    trades = int(candle.turnover / 2_500)
    return [candle.start_ms // SECOND_MS, *prices, f"{mean:.{digits}f}", f"{candle.volume:.8f}", trades]


def answer(request: Request) -> Answer:
    """The candles of one pair."""
    if request.path != PATH:
        return error(404)
    if request.query.get("pair", "") not in PAIRS:
        return reply(["EQuery:Unknown asset pair"])
    step_ms = STEPS.get(request.query.get("interval", "1"))
    if step_ms is None:
        return reply(["EGeneral:Invalid arguments"])
    try:
        since = request.integer("since")
    except BadParameterError:
        return reply(["EGeneral:Invalid arguments:since"])
    ticker, name, digits = PAIRS[request.query["pair"]]
    series = pair(request.market, "kraken", ticker, SHARE, in_dollars=True)
    known = window(series, step_ms, None, None, request.now_ms)[-(MAX_ROWS + 1) :]
    last = known[-2] * step_ms // SECOND_MS if len(known) > 1 else 0
    newer = [number for number in known if since is None or number * step_ms // SECOND_MS > since]
    rows = [_wire(candle, digits) for candle in shown(series, step_ms, newer, request.now_ms)]
    return reply([], {name: rows, "last": last})


PAGES = (Page(("api.kraken.com",), answer, error, envelope, _rows, Budget(20, 20, says_when=False)),)
