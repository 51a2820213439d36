"""Binance's web page: past rates of margin loans, newest first, at most 90; errors come in a 200.

A window longer than a month is cut to its newest month. The current day is listed.
"""

from flows.simulator import borrow_rates
from flows.simulator.instants import DAY_MS, steps
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer

MOST = 90
MONTH_MS = 31 * DAY_MS


def envelope(code: str, message: str | None, data: object = None) -> dict[str, object]:
    """The document that every answer is."""
    return {"code": code, "message": message, "messageDetail": None, "data": data, "success": code == "000000"}


ERRORS = Errors(
    shape=lambda _, code, message: envelope(code, message),
    other=("000001", "system error"),
    statuses={429: ("000001", "Too many requests")},
    refusals={"": ("000002", "illegal parameter")},
    refused_with=200,
)


def rates(request: Request) -> Answer:
    """The daily rates of a coin, per day."""
    request.must_be("vipLevel", "0")
    coin = request.must_be("asset", *borrow_rates.COINS)
    last_ms = request.end_ms("endTime")
    days = steps(DAY_MS, max(last_ms - MONTH_MS, request.integer("startTime", 0)), last_ms)
    data = [
        {
            "asset": coin,
            "timestamp": str(day * DAY_MS),
            "dailyInterestRate": f"{borrow_rates.noon_rate('binance', coin, day) / 365:.8f}",
            "vipLevel": "0",
        }
        for day in days[::-1][: request.size("size", MOST, MOST, cut=True)]
    ]
    return json_answer(envelope("000000", None, data))


ROUTES = {"/bapi/margin/v1/public/margin/vip/spec/history-interest-rate": rates}
PAGES = (Page(("www.binance.com",), ROUTES, ERRORS, ("data",), budget=Budget(60, 60)),)
