"""Bitfinex: candles against the dollar, newest first unless sorted, 100 unless more are asked for, at most 10,000.

Close comes before high and low. Both bounds are inclusive; the newest candle runs. Bitcoin trades a little above the
other dollar venue. Loans have candles too, of rates per day. Liquidations come newest first, 500 rows at most, each in
a list of its own, first as a trigger and then once or twice as what was executed. A perpetual's status is read each
minute, and comes newest first too. The flash return rate is told twice: per day in the ticker, as a 365th of that in
the statistics.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

from flows.simulator import borrowing
from flows.simulator.candles import Series, shown, window
from flows.simulator.chance import bell, key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of, number_of
from flows.simulator.interest import Reading
from flows.simulator.liquidations import Closed, Venue, closed_before
from flows.simulator.market import Market
from flows.simulator.spot import OLDEST, Mirror, mirrored
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole

PATH = re.compile(r"/v2/candles/trade:(?P<step>1D|1h):t(?P<ticker>[A-Z0-9]{3,4})USD/hist/?")
STEPS = {"1D": DAY_MS, "1h": HOUR_MS}
LOANS = re.compile(r"/v2/candles/trade:1D:f(?P<coin>[A-Z]{3}):p(?P<term>\d+)/hist/?")
TICKER, STATISTICS = "/v2/ticker/fUST", "/v2/funding/stats/fUST/hist"
MAX_STATISTICS = 250
LENT = {("UST", "2"): "USDT"}
FIRST_LOAN = number_of(date(2019, 6, 1))
LENT_A_DAY = 2e7  # in coins
TICKERS = ("BTC", "ETH")
STATUS = re.compile(r"/v2/status/deriv/t(?P<ticker>BTC|ETH)F0:USTF0/hist/?")
STATUS_EVERY_MS = 60_000
MAX_STATUS = 5_000
OPEN_SHARE = 0.05
ABOVE = 1.0013
USUAL_ROWS, MAX_ROWS = 100, 10_000

LIQUIDATIONS = "/v2/liquidations/hist"
VENUE = Venue("bitfinex", ("BTC", "ETH", "SOL", "DOGE"), share=0.05)
# The perpetual, and the pair against the dollar, which can be traded with borrowed money.
MARKETS = ("t{}F0:USTF0", "t{}USD")
LONG_NAME = 4  # from so many letters on, a pair is written with a colon
FIRST_LIQUIDATION_MS = millis_of(OLDEST)
MAX_LIQUIDATIONS = 500
EXECUTED_AFTER_MS = 700


def failure(status: int, code: int, message: str) -> Answer:
    """A refusal in Bitfinex's shape."""
    return json_answer(["error", code, message], status)


def error(status: int) -> Answer:
    """What Bitfinex says along with an HTTP error."""
    if status == 429:
        return json_answer({"error": "ERR_RATE_LIMIT"}, 429)
    return failure(status, 10020 if status == 404 else 20060, "url: invalid" if status == 404 else "maintenance")


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, 11010, "ratelimit: error")


@lru_cache(maxsize=16)
def _series(market: Market, ticker: str) -> Series:
    leader, decimals = market.coinbase.series(ticker), market.spot.coin(ticker).decimals
    key = key_of("bitfinex", ticker)

    def price(day: int) -> float:
        return float(round(leader.day(day).close * (ABOVE + 0.0001 * bell(key, day)), decimals))

    def turnover(day: int) -> float:
        return leader.day(day).turnover * (0.1 + 0.05 * unit(key, day, 4))

    return mirrored(Mirror(leader, price, decimals, turnover, {}), key, millis_of(OLDEST))


def _prices(request: Request, ticker: str, step_ms: int, page: Callable[[range], range]) -> list[list[float]]:
    """The candles of one pair."""
    if ticker not in TICKERS:
        return []
    series = _series(request.market, ticker)
    numbers = window(series, step_ms, request.integer("start"), request.integer("end"), request.now_ms)
    return [
        [
            candle.start_ms,
            whole(candle.open),
            whole(candle.close),
            whole(candle.high),
            whole(candle.low),
            whole(round(candle.volume, 8)),
        ]
        for candle in shown(series, step_ms, page(numbers), request.now_ms)
    ]


def _loans(request: Request, coin: str | None, page: Callable[[range], range]) -> list[list[float]]:
    """The candles of one coin's loans; the running day holds what has been lent."""
    if coin is None:
        return []
    start, end = request.integer("start"), request.integer("end")
    first = FIRST_LOAN if start is None else max(-(-start // DAY_MS), FIRST_LOAN)
    last = request.today if end is None else min(end // DAY_MS, request.today)
    return [_loan(coin, day, request.now_ms) for day in page(range(first, last + 1))]


def _loan(coin: str, day: int, now_ms: int) -> list[float]:
    key = key_of("bitfinex", coin, "loans")
    begun = borrowing.hours(day * DAY_MS, min(now_ms, (day + 1) * DAY_MS - 1))
    rates = [round(borrowing.rate("bitfinex", coin, hour) / 365, 8) for hour in begun]
    dear, cheap = 1 + 0.3 * unit(key, day, 1), 1 - 0.2 * unit(key, day, 2)
    lent = LENT_A_DAY * (0.5 + unit(key, day, 3)) * len(rates) / borrowing.HOURS
    extremes = (round(max(rates) * dear, 8), round(min(rates) * cheap, 8))
    return [day * DAY_MS, rates[0], rates[-1], *extremes, round(lent, 8)]


def _return_rate(hour: int) -> float:
    """The flash return rate of USDT per day, which follows what is lent."""
    return round(borrowing.rate("bitfinex", "USDT", hour) / 365, 8)


def _ticker(request: Request) -> Answer:
    """What holds now: the flash return rate per day, bid, its term and size, ask, its term and size, and so on."""
    daily = _return_rate(request.now_ms // HOUR_MS)
    told = [daily, daily, 30, 1e6, daily, 2, 1e6, 0, 0, daily, LENT_A_DAY, daily, daily, None, None, 1e6]
    return json_answer(told)


def _statistics(request: Request) -> Answer:
    """The flash return rate of each hour, a 365th of that per day, newest first."""
    limit = request.integer("limit") or MAX_STATISTICS
    newest = request.now_ms // HOUR_MS
    rows = [
        [hour * HOUR_MS, None, None, _return_rate(hour) / 365, 2.3, None, None, 4.5e7, 2.1e7, None, None, 1.2e6]
        for hour in range(newest, newest - min(limit, MAX_STATISTICS), -1)
    ]
    return json_answer(rows)


def _liquidations(request: Request) -> Answer:
    """Positions that were closed by force, newest first unless sorted."""
    limit = request.integer("limit") or USUAL_ROWS
    start, end = request.integer("start") or 0, request.integer("end")
    if not 0 < limit <= MAX_LIQUIDATIONS:
        return failure(500, 10020, "limit: invalid")
    if request.query.get("sort") == "1":
        return failure(500, 10020, "sort: invalid")  # nobody here asks for it
    until = request.now_ms if end is None else min(end, request.now_ms)
    each = closed_before(request.market, VENUE, until, max(start - EXECUTED_AFTER_MS * 2, FIRST_LIQUIDATION_MS))
    rows = (row for one in each for row in _told(one) if row[2] <= until)
    wanted = takewhile(lambda row: row[2] >= start, rows)
    return json_answer([[row] for row in islice(wanted, limit)])


def _told(one: Closed) -> Iterator[list[Any]]:
    """A position's rows, newest first: executed, some of them in two steps, and before that the trigger."""
    on_margin = one.number % 3 == 2
    name = f"{one.ticker}:" if on_margin and len(one.ticker) >= LONG_NAME else one.ticker
    symbol = MARKETS[on_margin].format(name)
    size = round(one.coins if one.is_long else -one.coins, 8)
    entered = round(one.price * (1.1 if one.is_long else 0.9), 5)
    position = 100_000_000 + one.number
    head, tail = ["pos", position], [None, symbol, size, entered, None]
    steps = 1 + (one.number % 5 == 4)
    for step in range(steps, 0, -1):
        yield [*head, one.at_ms + step * EXECUTED_AFTER_MS, *tail, 1, 1, None, round(one.price, 5)]
    yield [*head, one.at_ms, *tail, 0, 1, None, round(one.price, 5)]


def _status(request: Request, ticker: str) -> Answer:
    """How a perpetual stood each minute, newest first unless sorted."""
    limit = request.integer("limit") or USUAL_ROWS
    if not 0 < limit <= MAX_STATUS:
        return failure(500, 10020, "limit: invalid")
    start, end = request.integer("start") or 0, request.integer("end")
    until = request.now_ms if end is None else min(end, request.now_ms)
    numbers = range(-(-max(start, FIRST_LIQUIDATION_MS) // STATUS_EVERY_MS), until // STATUS_EVERY_MS + 1)
    page = numbers[:limit] if request.query.get("sort") == "1" else numbers[::-1][:limit]
    moments = sorted(number * STATUS_EVERY_MS for number in page)
    told = {
        one.at_ms: one for one in request.market.interest.readings(ticker, moments, venue="bitfinex", share=OPEN_SHARE)
    }
    return json_answer([_stood(told[number * STATUS_EVERY_MS]) for number in page])


def _stood(one: Reading) -> list[Any]:
    price, funding_ms = round(one.price, 2), one.at_ms - one.at_ms % (8 * HOUR_MS) + 8 * HOUR_MS
    head = [one.at_ms, None, price, price, None, 37_671_589.78, None, funding_ms, 0.0001, 3343, None, 0.00008]
    return [*head, None, None, price, None, None, one.coins, None, None, None, -0.0005, 0.0025]


def answer(request: Request) -> Answer:
    """Candles of one pair or of one coin's loans, how a perpetual stood, liquidations, or the flash return rate."""
    if request.path == TICKER:
        return _ticker(request)
    pair, loan = PATH.fullmatch(request.path), LOANS.fullmatch(request.path)
    try:
        if request.path == LIQUIDATIONS:
            return _liquidations(request)
        status = STATUS.fullmatch(request.path)
        if status is not None:
            return _status(request, status["ticker"])
        limit = request.integer("limit")
        if limit is not None and not 0 < limit <= MAX_ROWS:
            return failure(500, 10020, "limit: invalid")

        def page(numbers: range) -> range:
            size = limit or USUAL_ROWS
            return numbers[:size] if request.query.get("sort") == "1" else numbers[::-1][:size]

        if pair is not None:
            return json_answer(_prices(request, pair["ticker"], STEPS[pair["step"]], page))
        if loan is not None:
            return json_answer(_loans(request, LENT.get((loan["coin"], loan["term"])), page))
        if request.path == STATISTICS:
            return _statistics(request)
    except BadParameterError as bad:
        return failure(500, 10020, f"{bad.name}: invalid")
    return error(404)


ENDPOINTS = {
    "/v2/status": Budget(90, 60, says_when=False),
    "/v2/liquidations": Budget(3, 60, says_when=False),
}
BUDGET = Budget(30, 60, says_when=False)
PAGES = (Page(("api-pub.bitfinex.com",), answer, error, envelope, list_rows, BUDGET, ENDPOINTS),)
