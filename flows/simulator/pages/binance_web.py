"""Binance's web page: past rates of margin loans, newest first, 90 at most; errors come in a 200.

A window of more than a month is cut to its newest month. The running day is listed.
"""

from flows.simulator import borrowing
from flows.simulator.instants import DAY_MS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

PATH = "/bapi/margin/v1/public/margin/vip/spec/history-interest-rate"
MOST = 90
MONTH_MS = 31 * DAY_MS
NOON = 12


def reply(code: str, message: str | None, data: object, status: int = 200) -> Answer:
    """The page's envelope."""
    document = {"code": code, "message": message, "messageDetail": None, "data": data, "success": code == "000000"}
    return json_answer(document, status)


def error(status: int) -> Answer:
    """What the page says along with an HTTP error."""
    return reply("000001", "Too many requests" if status == 429 else "system error", None, status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return error(200)


def _rows(document: object) -> list[object]:
    return list_rows(document.get("data")) if isinstance(document, dict) else []


def answer(request: Request) -> Answer:
    """The daily rates of one coin."""
    if request.path != PATH:
        return error(404)
    try:
        size, start, end = (request.integer(name) for name in ("size", "startTime", "endTime"))
    except BadParameterError:
        return reply("000002", "illegal parameter", None)
    coin = request.query.get("asset", "")
    if coin not in borrowing.COINS or request.query.get("vipLevel", "0") != "0":
        return reply("000000", None, [])
    last_ms = request.now_ms if end is None else min(end, request.now_ms)
    first_ms = max(last_ms - MONTH_MS, 0 if start is None else start)
    days = range(-(-first_ms // DAY_MS), last_ms // DAY_MS + 1)
    data = [
        {
            "asset": coin,
            "timestamp": str(day * DAY_MS),
            "dailyInterestRate": f"{borrowing.rate('binance', coin, day * borrowing.HOURS + NOON) / 365:.8f}",
            "vipLevel": "0",
        }
        for day in days[::-1][: min(size or MOST, MOST)]
    ]
    return reply("000000", None, data)


PAGES = (Page(("www.binance.com",), answer, error, envelope, _rows, Budget(60, 60)),)
