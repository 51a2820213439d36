"""KuCoin: the newest 168 hours of the rates of its lending market, oldest first; errors come in a 200.

That they are per year is the simulator's choice.
"""

from flows.simulator import borrow_rates
from flows.simulator.instants import HOUR_MS, moment
from flows.simulator.page import Answer, Budget, Errors, Page, Request, json_answer, plain

HOURS = 168
LENT = 0.85  # the share of the borrow rate that lenders receive
ERRORS = Errors(
    shape=lambda _, code, message: {"code": code, "msg": message},
    other=("500000", "Internal Server Error"),
    statuses={404: ("404000", "Url Not Found"), 429: ("429000", "Too many requests")},
    refusals={"": ("400100", "{} is illegal")},
    refused_with=200,
    within_200=429,
)


def rates(request: Request) -> Answer:
    """The rates of a coin."""
    coin, newest = request.must_be("currency", *borrow_rates.COINS), request.now_ms // HOUR_MS
    data = [
        {
            "time": f"{moment(hour * HOUR_MS):%Y%m%d%H}00",
            "marketInterestRate": plain(borrow_rates.rate("kucoin", coin, hour) * LENT, 4),
        }
        for hour in range(newest - HOURS + 1, newest + 1)
    ]
    return json_answer({"code": "200000", "data": data})


ROUTES = {"/api/v3/project/marketInterestRate": rates}
PAGES = (Page(("api.kucoin.com",), ROUTES, ERRORS, ("data",), budget=Budget(400, 30)),)
