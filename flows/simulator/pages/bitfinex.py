"""Bitfinex: candles, loans, liquidations, states of perpetuals and the flash return rate; newest first unless sorted.

100 rows come unless more are requested, and both bounds are inclusive. In a candle the close comes before high and low;
the newest candle is unfinished. Bitcoin trades a little above the other dollar venue. Loans have candles too, of rates
per day. Liquidations are at most 500 rows, each in a list of its own: first as a trigger, then once or twice as an
execution. The state of a perpetual has a reading each minute. The flash return rate is per day in the ticker, but a
365th of that in the statistics.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

from flows.simulator import borrow_rates
from flows.simulator.candles import UTC_DAYS, Series, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, midnight_ms, millis_of, steps
from flows.simulator.liquidations import Closed, Venue, closed_before
from flows.simulator.market import Market
from flows.simulator.open_interest import Reading
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, Routes, json_answer, whole
from flows.simulator.seeded_random import key_of, unit
from flows.simulator.spot import OLDEST, follower

USUAL_ROWS, MAX_ROWS, MAX_STATUS, MAX_LIQUIDATIONS, MAX_STATISTICS = 100, 10_000, 5_000, 500, 250
FIRST_LOAN_MS = midnight_ms(date(2019, 6, 1))
LENT_A_DAY = 2e7  # in coins
STATUS_EVERY_MS = 60_000
OPEN_SHARE = 0.05
ABOVE = 1.0013
VENUE = Venue("bitfinex", ("BTC", "ETH", "SOL", "DOGE"), share=0.05)
# The perpetual, and the pair against the dollar, which can be traded with borrowed money.
MARKETS = ("t{}F0:USTF0", "t{}USD")
LONG_NAME = 4  # letters, from which on a pair is written with a colon
OLDEST_MS = millis_of(OLDEST)
EXECUTED_AFTER_MS = 700
ERRORS = Errors(
    shape=lambda _, code, message: ["error", code, message],
    other=(20060, "maintenance"),
    statuses={404: (10020, "url: invalid"), 429: json_answer({"error": "ERR_RATE_LIMIT"})},
    refusals={"": (10020, "{}: invalid")},
    refused_with=500,
    within_200=(11010, "ratelimit: error"),
)


@lru_cache(maxsize=16)
def _series(market: Market, ticker: str) -> Series:
    leader, decimals = market.coinbase.series(ticker), market.spot.coin(ticker).decimals
    return follower(leader, key_of("bitfinex", ticker), decimals, noise=0.0001, level=ABOVE, spread=(0.1, 0.05))


def _page(request: Request, numbers: range, most: int) -> range:
    size = request.size("limit", USUAL_ROWS, most)
    return numbers[:size] if request.query.get("sort") == "1" else numbers[::-1][:size]


def candles(request: Request, ticker: str) -> Answer:
    """The daily candles of a pair."""
    series = _series(request.market, ticker)
    numbers = window(series, UTC_DAYS, request.integer("start", 0), request.end_ms("end"), request.now_ms)
    days = shown(series, DAY_MS, _page(request, numbers, MAX_ROWS), request.now_ms)
    return json_answer(
        [[day.start_ms, *map(whole, (day.open, day.close, day.high, day.low, round(day.volume, 8)))] for day in days]
    )


def loans(request: Request) -> Answer:
    """The daily candles of USDT's loans; the current day has what was lent so far."""
    days = steps(DAY_MS, max(request.integer("start", 0), FIRST_LOAN_MS), request.end_ms("end"))
    return json_answer([_loan(day, request.now_ms) for day in _page(request, days, MAX_ROWS)])


def _loan(day: int, now_ms: int) -> list[float]:
    key = key_of("bitfinex", "USDT", "loans")
    begun = steps(HOUR_MS, day * DAY_MS, min(now_ms, (day + 1) * DAY_MS - 1))
    rates = [_return_rate(hour) for hour in begun]
    highest, lowest = max(rates) * (1 + 0.3 * unit(key, day, 1)), min(rates) * (1 - 0.2 * unit(key, day, 2))
    lent = LENT_A_DAY * (0.5 + unit(key, day, 3)) * len(rates) / borrow_rates.HOURS
    return [day * DAY_MS, rates[0], rates[-1], round(highest, 8), round(lowest, 8), round(lent, 8)]


def _return_rate(hour: int) -> float:
    """The rate of loans of USDT, per day; the flash return rate is the same."""
    return round(borrow_rates.rate("bitfinex", "USDT", hour) / 365, 8)


def ticker(request: Request) -> Answer:
    """The flash return rate per day, bid, its term and size, ask, its term and size, and so on."""
    daily = _return_rate(request.now_ms // HOUR_MS)
    return json_answer([daily, daily, 30, 1e6, daily, 2, 1e6, 0, 0, daily, LENT_A_DAY, daily, daily, None, None, 1e6])


def statistics(request: Request) -> Answer:
    """A 365th of the flash return rate of each hour, newest first."""
    size = request.size("limit", MAX_STATISTICS, MAX_STATISTICS)
    newest = request.now_ms // HOUR_MS
    rows = [
        [hour * HOUR_MS, None, None, _return_rate(hour) / 365, 2.3, None, None, 4.5e7, 2.1e7, None, None, 1.2e6]
        for hour in range(newest, newest - size, -1)
    ]
    return json_answer(rows)


def liquidations(request: Request) -> Answer:
    """Liquidated positions, newest first; the other order is not simulated."""
    size = request.size("limit", USUAL_ROWS, MAX_LIQUIDATIONS)
    start, end = request.integer("start", 0), request.end_ms("end")
    if request.query.get("sort") == "1":
        raise Refused("sort")
    closed = closed_before(request.market, VENUE, end, max(start - EXECUTED_AFTER_MS * 2, OLDEST_MS))
    rows = (row for position in closed for row in _rows(position) if row[2] <= end)
    return json_answer([[row] for row in islice(takewhile(lambda row: row[2] >= start, rows), size)])


def _rows(closed: Closed) -> Iterator[list[Any]]:
    """The rows of a position, newest first: its execution, sometimes in two steps, and before that the trigger."""
    on_margin = closed.number % 3 == 2
    name = f"{closed.ticker}:" if on_margin and len(closed.ticker) >= LONG_NAME else closed.ticker
    size = round(closed.coins if closed.is_long else -closed.coins, 8)
    entered = round(closed.price * (1.1 if closed.is_long else 0.9), 5)
    head, tail = ["pos", 100_000_000 + closed.number], [None, MARKETS[on_margin].format(name), size, entered, None]
    for step in range(1 + (closed.number % 5 == 4), -1, -1):
        executed = min(step, 1)
        at_ms = closed.at_ms + step * EXECUTED_AFTER_MS
        yield [*head, at_ms, *tail, executed, 1, None, round(closed.price, 5)]


def status(request: Request, ticker: str) -> Answer:
    """The state of a perpetual at each minute."""
    numbers = steps(STATUS_EVERY_MS, max(request.integer("start", 0), OLDEST_MS), request.end_ms("end"))
    moments = [number * STATUS_EVERY_MS for number in _page(request, numbers, MAX_STATUS)]
    readings = request.market.open_interest.readings(ticker, sorted(moments), venue="bitfinex", share=OPEN_SHARE)
    rows = {reading.at_ms: _state(reading) for reading in readings}
    return json_answer([rows[at_ms] for at_ms in moments])


def _state(reading: Reading) -> list[Any]:
    price, funding_ms = round(reading.price, 2), reading.at_ms - reading.at_ms % (8 * HOUR_MS) + 8 * HOUR_MS
    head = [reading.at_ms, None, price, price, None, 37_671_589.78, None, funding_ms, 0.0001, 3343, None, 0.00008]
    return [*head, None, None, price, None, None, reading.coins, None, None, None, -0.0005, 0.0025]


ROUTES: Routes = {
    r"/v2/candles/trade:1D:t(?P<ticker>BTC|ETH)USD/hist": candles,
    "/v2/candles/trade:1D:fUST:p2/hist": loans,
    r"/v2/candles/trade:1D:f\w+:p\d+/hist": lambda _: json_answer([]),  # what is not lent
    r"/v2/status/deriv/t(?P<ticker>BTC|ETH)F0:USTF0/hist": status,
    "/v2/liquidations/hist": liquidations,
    "/v2/ticker/fUST": ticker,
    "/v2/funding/stats/fUST/hist": statistics,
}
ENDPOINTS = {"/v2/status": Budget(90, 60, says_when=False), "/v2/liquidations": Budget(3, 60, says_when=False)}
BUDGET = Budget(30, 60, says_when=False)
PAGES = (Page(("api-pub.bitfinex.com",), ROUTES, ERRORS, ("",), budget=BUDGET, endpoints=ENDPOINTS),)
