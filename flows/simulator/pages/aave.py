"""Aave: GraphQL by POST; the averages of the last 365 days of two pools, newest first, errors in a 200.

The newest point is the running day's, averaged over what has passed of it.
"""

import json
import re
from itertools import pairwise
from typing import Any

from flows.simulator.instants import DAY_MS, moment
from flows.simulator.lending import AAVE_USDC, AAVE_USDT, borrow_of
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer

MARKET = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
POOLS = {
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": AAVE_USDC,
    "0xdac17f958d2ee523a2206206994597c13d831ec7": AAVE_USDT,
}
DAYS = 365
SIDES = ("supplyAPYHistory", "borrowAPYHistory")
CHAIN = re.compile(r"chainId:(\d+)")


def failure(message: str, code: str, status: int = 200) -> Answer:
    """GraphQL's list of errors."""
    return json_answer({"data": None, "errors": [{"message": message, "extensions": {"code": code}}]}, status)


def error(status: int) -> Answer:
    """What Aave says along with an HTTP error."""
    if status == 429:
        return failure("Too many requests", "TOO_MANY_REQUESTS", status)
    return failure("Internal server error", "INTERNAL_SERVER_ERROR", status)


def envelope() -> Answer:
    """A failure that comes as a success."""
    return failure("Internal server error", "INTERNAL_SERVER_ERROR")


def _rows(document: Any) -> list[Any]:
    data = document.get("data") if isinstance(document, dict) else None
    return [data[side] for side in SIDES if side in data] if isinstance(data, dict) else []


def _averages(request: Request, pool: str) -> list[tuple[int, float]]:
    """The start of each day in milliseconds, and between two readings the average deposit rate, newest first."""
    readings = request.market.lending.history(pool, request.now_ms)
    averages = [
        (after.at_ms // DAY_MS * DAY_MS, (before.percent + after.percent) / 200) for before, after in pairwise(readings)
    ]
    return averages[-DAYS:][::-1]


def _points(averages: list[tuple[int, float]]) -> list[dict[str, Any]]:
    return [{"date": moment(start).isoformat(), "avgRate": {"value": f"{rate:.18f}"}} for start, rate in averages]


def answer(request: Request) -> Answer:
    """The two histories of one pool; one that is not known has empty ones."""
    if request.path.rstrip("/") != "/graphql":
        return error(404)
    try:
        question = json.loads(request.body or b"")
        query, asked = str(question["query"]), question["variables"]
        market, token = str(asked["market"]).lower(), str(asked["token"]).lower()
    except (ValueError, KeyError, TypeError):
        return failure("Invalid request", "BAD_REQUEST", 400)
    if not all(side in query for side in SIDES) or "window:LAST_YEAR" not in query:
        return failure('Unknown field on type "Query"', "GRAPHQL_VALIDATION_FAILED")
    known = market == MARKET and set(CHAIN.findall(query)) == {"1"} and token in POOLS
    supply = _averages(request, POOLS[token]) if known else []
    borrow = [(start, borrow_of(rate)) for start, rate in supply]
    return json_answer({"data": {"supplyAPYHistory": _points(supply), "borrowAPYHistory": _points(borrow)}})


PAGES = (Page(("api.v3.aave.com",), answer, error, envelope, _rows, Budget(1000, 60), takes_post=True),)
