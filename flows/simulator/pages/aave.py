"""Aave: GraphQL by POST; daily averages of two pools, the last 365 days, newest first. Errors come in a 200.

The newest point is of the current day, averaged over what has passed of it.
"""

import re
from itertools import pairwise
from typing import Any

from flows.simulator.chain import RESERVES
from flows.simulator.instants import DAY_MS, moment
from flows.simulator.lending import borrow_of
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer

MARKET = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
DAYS = 365
ASKED = ("supplyAPYHistory", "borrowAPYHistory", "window:LAST_YEAR")
CHAIN = re.compile(r"chainId:(\d+)")
ERRORS = Errors(
    shape=lambda _, code, message: {"data": None, "errors": [{"message": message, "extensions": {"code": code}}]},
    other=("INTERNAL_SERVER_ERROR", "Internal server error"),
    statuses={400: ("BAD_REQUEST", "Invalid request"), 429: ("TOO_MANY_REQUESTS", "Too many requests")},
    refusals={"malformed": 400, "query": ("GRAPHQL_VALIDATION_FAILED", 'Unknown field on type "Query"')},
    refused_with=200,
)


def _averages(request: Request, pool: str) -> list[tuple[int, float]]:
    """The start of each day (ms) and the mean deposit rate between two observations, newest first."""
    observations = request.market.lending.history(pool, request.now_ms)
    averages = [
        (after.at_ms // DAY_MS * DAY_MS, (before.percent + after.percent) / 200)
        for before, after in pairwise(observations)
    ]
    return averages[-DAYS:][::-1]


def _points(averages: list[tuple[int, float]]) -> list[dict[str, Any]]:
    return [{"date": moment(start).isoformat(), "avgRate": {"value": f"{rate:.18f}"}} for start, rate in averages]


def histories(request: Request) -> Answer:
    """Deposit and borrow rates of one pool; those of an unknown pool are empty."""
    query = request.sent("query")
    market, token = (request.sent("variables", name).lower() for name in ("market", "token"))
    if not all(part in query for part in ASKED):
        raise Refused("query")
    known = market == MARKET and set(CHAIN.findall(query)) == {"1"} and token in RESERVES
    supply = _averages(request, RESERVES[token]) if known else []
    borrow = [(start, borrow_of(rate)) for start, rate in supply]
    return json_answer({"data": {"supplyAPYHistory": _points(supply), "borrowAPYHistory": _points(borrow)}})


PAGES = (
    Page(("api.v3.aave.com",), {"/graphql": histories}, ERRORS, ("data.*",), budget=Budget(1000, 60), by_post=True),
)
