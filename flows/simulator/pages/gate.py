"""Gate: statistics of perpetuals in USDT, oldest first from `from` on, 30 rows unless more are asked for.

What is older than 180 days is refused. The newest row is of the running day. Sizes are text and count contracts. Rates
of loans come once an hour, newest first, in numbered pages; that they are per day here is the simulator's own choice.
"""

from flows.simulator import borrowing
from flows.simulator.candles import Candle, shown, window
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS
from flows.simulator.interest import TICKERS
from flows.simulator.liquidations import liquidated
from flows.simulator.script import PEGGED
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows, whole

PATH = "/api/v4/futures/usdt/contract_stats"
CONTRACTS = "/api/v4/futures/usdt/contracts"
RATES = "/api/v4/unified/history_loan_rate"
RATES_KEPT_HOURS = 24 * 60
MOST_RATES = 100
AFTER_THE_HOUR_MS = 16 * SECOND_MS
QUOTE = "_USDT"
KEPT_MS = 180 * DAY_MS
USUAL_ROWS, MAX_ROWS = 30, 2000
COINS_PER_CONTRACT = {"BTC": 0.0001, "ETH": 0.01}
SHARE = 1.0
STEPS = {"1d": DAY_MS, "1h": HOUR_MS}
OPEN_SHARE = 0.25


def failure(status: int, label: str, message: str) -> Answer:
    """A refusal in Gate's shape."""
    return json_answer({"label": label, "message": message}, status)


def error(status: int) -> Answer:
    """What Gate says along with an HTTP error."""
    if status == 429:
        return failure(status, "TOO_MANY_REQUESTS", "Request Rate limit Exceeded")
    if status == 404:
        return failure(status, "INVALID_PARAM_VALUE", "Not Found")
    return failure(status, "SERVER_ERROR", "Internal server error")


def envelope() -> Answer:
    """An error that comes as a success."""
    return failure(200, "TOO_MANY_REQUESTS", "Request Rate limit Exceeded")


def _bad(message: str) -> Answer:
    return failure(400, "INVALID_PARAM_VALUE", message)


def _wire(request: Request, ticker: str, bar: Candle) -> dict[str, object]:
    key, number = key_of("gate", ticker, "statistics"), bar.start_ms // HOUR_MS
    closed = liquidated("gate", ticker, bar, SHARE)
    size = COINS_PER_CONTRACT.get(ticker, 1.0)
    middle = (bar.high + bar.low) / 2
    longs, shorts = closed.long_usd / middle, closed.short_usd / middle
    held = 0.1 * bar.turnover * (1 + unit(key, number))
    if ticker in TICKERS:
        (reading,) = request.market.interest.readings(ticker, [bar.start_ms], venue="gate", share=OPEN_SHARE)
        held = reading.usd
    ratio = round(0.8 + 0.8 * unit(key, number, 1), 4)
    return {
        "time": bar.start_ms // SECOND_MS,
        "lsr_taker": round(0.8 + 0.4 * unit(key, number, 2), 6),
        "lsr_account": ratio,
        "long_liq_size": str(round(longs / size)),
        "long_liq_amount": whole(round(longs, 8)),
        "long_liq_usd": whole(closed.long_usd),
        "short_liq_size": str(round(shorts / size)),
        "short_liq_amount": whole(round(shorts, 8)),
        "short_liq_usd": whole(closed.short_usd),
        "open_interest": str(round(held / bar.close / size)),
        "open_interest_usd": whole(round(held, 4)),
        "top_lsr_account": ratio,
        "top_lsr_size": round(ratio * 1.1, 4),
        "mark_price": whole(bar.close),
    }


def _contract(request: Request) -> Answer:
    """What holds now of one contract: how much its longs hold, each contract counted once."""
    contract = request.path.rstrip("/").removeprefix(f"{CONTRACTS}/")
    ticker = contract.removesuffix(QUOTE)
    if ticker not in TICKERS or not contract.endswith(QUOTE):
        return failure(400, "CONTRACT_NOT_FOUND", f"contract {contract} not found")
    (reading,) = request.market.interest.readings(ticker, [request.now_ms], venue="gate", share=OPEN_SHARE)
    size = COINS_PER_CONTRACT[ticker]
    held = {"position_size": round(reading.coins / size), "mark_price": str(reading.price)}
    return json_answer({"name": contract, "type": "direct", "quanto_multiplier": str(size), **held})


def _rates(request: Request) -> Answer:
    """One page of a coin's rates."""
    coin = request.query.get("currency", "")
    if coin not in borrowing.COINS:
        return _bad("Invalid request parameter `currency` value")
    try:
        page, limit = request.integer("page") or 1, request.integer("limit") or MOST_RATES
    except BadParameterError as bad:
        return _bad(f"Invalid request parameter `{bad.name}` value")
    if page < 1 or not 0 < limit <= MOST_RATES:
        return _bad("Invalid request parameter `limit` value")
    newest = (request.now_ms - AFTER_THE_HOUR_MS) // HOUR_MS
    told = range(newest, newest - RATES_KEPT_HOURS, -1)[(page - 1) * limit : page * limit]
    rates = [
        {"time": hour * HOUR_MS + AFTER_THE_HOUR_MS, "rate": f"{borrowing.rate('gate', coin, hour) / 365:.8f}"}
        for hour in told
    ]
    tier = request.query.get("tier", "1")
    return json_answer({"currency": coin, "tier": tier, "tier_up_rate": "1", "rates": rates})


def _rows(document: object) -> list[object]:
    return list_rows(document.get("rates") if isinstance(document, dict) else document)


def answer(request: Request) -> Answer:
    """The statistics of one contract, what holds of it now, or what a coin's loans cost."""
    if request.path.startswith(f"{CONTRACTS}/"):
        return _contract(request)
    if request.path.rstrip("/") == RATES:
        return _rates(request)
    if request.path.rstrip("/") != PATH:
        return error(404)
    contract = request.query.get("contract", "")
    ticker = contract.removesuffix(QUOTE)
    if not contract.endswith(QUOTE) or not ticker.isalnum() or ticker in PEGGED:
        return failure(400, "CONTRACT_NOT_FOUND", f"contract {contract} not found")
    step_ms = STEPS.get(request.query.get("interval", ""))
    if step_ms is None:
        return _bad("invalid interval")
    try:
        start, limit = request.integer("from"), request.integer("limit")
    except BadParameterError as bad:
        return _bad(f"Invalid request parameter `{bad.name}` value")
    if limit is not None and not 0 < limit <= MAX_ROWS:
        return _bad("Invalid request parameter `limit` value")
    if start is not None and start * SECOND_MS < request.now_ms - KEPT_MS:
        return _bad("from time exceeds 180-day limit")
    series, size = request.market.spot.series(ticker), limit or USUAL_ROWS
    first = request.now_ms - KEPT_MS if start is None else start * SECOND_MS // step_ms * step_ms
    numbers = window(series, step_ms, first, None, request.now_ms)
    page = numbers[max(len(numbers) - size, 0) :] if start is None else numbers[:size]
    return json_answer([_wire(request, ticker, bar) for bar in shown(series, step_ms, page, request.now_ms)])


PAGES = (Page(("api.gateio.ws",), answer, error, envelope, _rows, Budget(200, 10)),)
