"""Gate: statistics of perpetuals in USDT, oldest first from `from` on, 30 rows unless more are requested.

A start more than 180 days ago is refused. The newest row is of the current day. Sizes are text and count contracts.
Loan rates come hourly, newest first, in numbered pages; that they are per day is the simulator's choice.
"""

from flows.simulator import borrow_rates
from flows.simulator.candles import HOURLY, UTC_DAYS, Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, SECOND_MS
from flows.simulator.liquidations import liquidated
from flows.simulator.open_interest import TICKERS, Reading
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, Routes, coin_of, json_answer, whole
from flows.simulator.seeded_random import key_of, unit

RATES_KEPT_HOURS = 24 * 60
AFTER_THE_HOUR_MS = 16 * SECOND_MS
QUOTE = "_USDT"
KEPT_MS = 180 * DAY_MS
COINS_PER_CONTRACT = {"BTC": 0.0001, "ETH": 0.01}
SHARE = 1.0
FRAMES = {"1d": UTC_DAYS, "1h": HOURLY}
OPEN_SHARE = 0.25
ERRORS = Errors(
    shape=lambda _, label, message: {"label": label, "message": message},
    other=("SERVER_ERROR", "Internal server error"),
    statuses={404: ("INVALID_PARAM_VALUE", "Not Found"), 429: ("TOO_MANY_REQUESTS", "Request Rate limit Exceeded")},
    refusals={
        "contract": ("CONTRACT_NOT_FOUND", "contract not found"),
        "interval": ("INVALID_PARAM_VALUE", "invalid interval"),
        "from": ("INVALID_PARAM_VALUE", "from time exceeds 180-day limit"),
        "": ("INVALID_PARAM_VALUE", "Invalid request parameter `{}` value"),
    },
    within_200=429,
)


def _reading(request: Request, ticker: str, at_ms: int) -> Reading:
    (reading,) = request.market.open_interest.readings(ticker, [at_ms], venue="gate", share=OPEN_SHARE)
    return reading


def _statistics(request: Request, ticker: str, bar: Candle) -> dict[str, object]:
    key, number = key_of("gate", ticker, "statistics"), bar.start_ms // HOUR_MS
    closed = liquidated("gate", ticker, bar, SHARE)
    size = COINS_PER_CONTRACT.get(ticker, 1.0)
    middle = (bar.high + bar.low) / 2
    longs, shorts = closed.long_usd / middle, closed.short_usd / middle
    held = 0.1 * bar.turnover * (1 + unit(key, number))
    if ticker in TICKERS:
        held = _reading(request, ticker, bar.start_ms).usd
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


def statistics(request: Request) -> Answer:
    """The statistics of a contract."""
    ticker, frame = coin_of(request.text("contract"), QUOTE, "contract"), request.one_of("interval", FRAMES)
    size, oldest_ms = request.size("limit", 30, 2000), request.now_ms - KEPT_MS
    start_ms = oldest_ms
    if "from" in request.query:
        start_ms = request.integer("from") * SECOND_MS
        if start_ms < oldest_ms:
            raise Refused("from")
        start_ms = start_ms // frame.step_ms * frame.step_ms
    series = request.market.spot.series(ticker)
    numbers = window(series, frame, start_ms, request.now_ms, request.now_ms)
    page = numbers[:size] if "from" in request.query else numbers[-size:]
    return json_answer(
        [_statistics(request, ticker, bar) for bar in shown(series, frame.step_ms, page, request.now_ms)]
    )


def contract(request: Request, name: str) -> Answer:
    """The current positions of a contract's longs, each contract counted once."""
    ticker = coin_of(name, QUOTE, "contract")
    if ticker not in TICKERS:
        raise Refused("contract")
    reading, size = _reading(request, ticker, request.now_ms), COINS_PER_CONTRACT[ticker]
    held = {"position_size": round(reading.coins / size), "mark_price": str(reading.price)}
    return json_answer({"name": name, "type": "direct", "quanto_multiplier": str(size), **held})


def loan_rates(request: Request) -> Answer:
    """A page of the rates of a coin."""
    coin = request.must_be("currency", *borrow_rates.COINS)
    page, size = request.integer("page", 1), request.size("limit", 100, 100)
    newest = (request.now_ms - AFTER_THE_HOUR_MS) // HOUR_MS
    hours = range(newest, newest - RATES_KEPT_HOURS, -1)[(page - 1) * size : page * size]
    rates = [
        {"time": hour * HOUR_MS + AFTER_THE_HOUR_MS, "rate": f"{borrow_rates.rate('gate', coin, hour) / 365:.8f}"}
        for hour in hours
    ]
    tier = request.query.get("tier", "1")
    return json_answer({"currency": coin, "tier": tier, "tier_up_rate": "1", "rates": rates})


ROUTES: Routes = {
    "/api/v4/futures/usdt/contract_stats": statistics,
    "/api/v4/futures/usdt/contracts/(?P<name>.*)": contract,
    "/api/v4/unified/history_loan_rate": loan_rates,
}
PAGES = (Page(("api.gateio.ws",), ROUTES, ERRORS, ("rates", ""), budget=Budget(200, 10)),)
