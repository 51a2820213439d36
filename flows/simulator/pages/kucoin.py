"""KuCoin: the newest 168 hours of its lending market's rates, oldest first; errors come in a 200.

That they are per year here is the simulator's own choice.
"""

from flows.simulator import borrowing
from flows.simulator.instants import HOUR_MS, moment
from flows.simulator.venues import plain
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer, list_rows

PATH = "/api/v3/project/marketInterestRate"
HOURS = 168
LENT = 0.85  # what lenders get of what borrowers pay


def failure(code: str, message: str, status: int = 200) -> Answer:
    """A refusal in KuCoin's shape."""
    return json_answer({"code": code, "msg": message}, status)


def error(status: int) -> Answer:
    """What KuCoin says along with an HTTP error."""
    known = {404: ("404000", "Url Not Found"), 429: ("429000", "Too many requests")}
    return failure(*known.get(status, ("500000", "Internal Server Error")), status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure("429000", "Too many requests")


def _rows(document: object) -> list[object]:
    return list_rows(document.get("data")) if isinstance(document, dict) else []


def answer(request: Request) -> Answer:
    """The rates of one coin."""
    if request.path != PATH:
        return error(404)
    coin = request.query.get("currency", "")
    if coin not in borrowing.COINS:
        return failure("400100", "currency is illegal")
    newest = request.now_ms // HOUR_MS
    data = [
        {
            "time": f"{moment(hour * HOUR_MS):%Y%m%d%H}00",
            "marketInterestRate": plain(borrowing.rate("kucoin", coin, hour) * LENT, 4),
        }
        for hour in range(newest - HOURS + 1, newest + 1)
    ]
    return json_answer({"code": "200000", "data": data})


PAGES = (Page(("api.kucoin.com",), answer, error, envelope, _rows, Budget(400, 30)),)
