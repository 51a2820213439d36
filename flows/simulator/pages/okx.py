"""OKX: daily candles; funding, open interest and liquidations of swaps; borrow rates. Newest first, errors in a 200.

`after` means older than, `before` newer than; both are exclusive. The last field of a candle states whether it is
finished. Funding is kept for 94 days. A page has 100 candles, or up to 300 if requested, and up to 400 payments. Borrow
rates are hourly, per year, a hundred a page. Open interest has bounds called `begin` and `end`, also exclusive, and the
newest 1,440 hours or 100 days; a day of it begins at 16:00. Liquidations are kept for a week.
"""

from datetime import UTC, datetime
from itertools import islice

from flows.simulator import borrow_rates
from flows.simulator.candles import UTC_DAYS, Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of, steps
from flows.simulator.liquidations import Closed, Venue, closed_before
from flows.simulator.open_interest import TICKERS
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, coin_of, json_answer, plain

CANDLES = "/api/v5/market/history-candles"
RATES = "/api/v5/finance/savings/lending-rate-history"
READINGS = "/api/v5/rubik/stat/contracts/open-interest-history"
LIQUIDATIONS = "/api/v5/public/liquidation-orders"
FIRST_RATE_MS = millis_of(datetime(2021, 12, 14, 8, tzinfo=UTC))
LENT = 0.85  # the share of the borrow rate that lenders receive
KEPT_MS = 94 * DAY_MS
SHARE = 0.3
# By the period of open interest: the distance of its stamps, the first of them after midnight, and how many are kept.
PERIODS = {"1H": (HOUR_MS, 0, 1440), "1D": (DAY_MS, 16 * HOUR_MS, 100)}
# Swaps: their open interest as a multiple of the main venue's, and the contract size in coins or in dollars.
SWAPS = {"-USDT-SWAP": (0.32, {"BTC": 0.01, "ETH": 0.1}), "-USD-SWAP": (0.05, {})}
DOLLARS_A_CONTRACT = {"BTC": 100, "ETH": 10}
LIQUIDATIONS_KEPT_MS = 7 * DAY_MS
LIQUIDATED = {
    f"{ticker}{ending}": (ticker, Venue(f"okx {ticker}{ending}", (ticker,), share=share, calm=calm))
    for ticker in TICKERS
    for ending, share, calm in (("-USDT", 0.8, 0.0), ("-USD", 0.1, 0.15))
}
ERRORS = Errors(
    shape=lambda _, code, message: {"code": code, "msg": message, "data": []},
    other=("50026", "System error. Try again later"),
    statuses={404: ("404", "Not Found"), 429: ("50011", "Too Many Requests")},
    refusals={
        "instId": ("51001", "Instrument ID doesn't exist."),
        "uly": ("51014", "Index doesn't exist"),
        "": ("51000", "Parameter {} error"),
    },
    refused_with=200,
    within_200=429,
)


def _reply(data: list[object]) -> Answer:
    return json_answer({"code": "0", "msg": "", "data": data})


def swap_coin(name: str) -> str:
    """The coin of a swap such as BTC-USDT-SWAP."""
    return coin_of(name, "-USDT-SWAP", "instId")


def rate_text(rate: float) -> str:
    """A funding rate as OKX prints it."""
    return f"{rate:.16f}"


def _bounds(request: Request, oldest_ms: int = 0, *, newer: str = "before", older: str = "after") -> tuple[int, int]:
    """The oldest and the newest moment of a page, both included, by the names of its exclusive bounds."""
    newest = min(request.integer(older, request.now_ms + 1) - 1, request.now_ms)
    return max(request.integer(newer, -1) + 1, oldest_ms), newest


def candles(request: Request) -> Answer:
    """The daily candles of a spot market."""
    ticker = coin_of(request.text("instId"), "-USDT", "instId")
    request.must_be("bar", "1Dutc")
    series, size = request.market.pair("okx", ticker, SHARE), request.size("limit", 100, 300, cut=True)
    numbers = window(series, UTC_DAYS, *_bounds(request), request.now_ms)[-size:][::-1]
    return _reply([_fields(candle, request.now_ms) for candle in shown(series, DAY_MS, numbers, request.now_ms)])


def _fields(candle: Candle, now_ms: int) -> list[str]:
    return [
        str(candle.start_ms),
        *(plain(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        *(plain(amount, 8) for amount in (candle.volume, candle.turnover, candle.turnover)),
        "1" if candle.start_ms + DAY_MS <= now_ms else "0",
    ]


def funding(request: Request) -> Answer:
    """The payments of a swap."""
    name, size = request.text("instId"), request.size("limit", 400, 400, cut=True)
    bounds = _bounds(request, request.now_ms - KEPT_MS)
    payments = request.market.funding.payments("okx", swap_coin(name), *bounds)
    return _reply(
        [
            {
                "formulaType": "withRate",
                # The predicted rate is near the paid one, but not the same.
                "fundingRate": rate_text(payment.rate * 1.001),
                "fundingTime": str(payment.at_ms),
                "instId": name,
                "instType": "SWAP",
                "method": "current_period",
                "realizedRate": rate_text(payment.rate),
            }
            for payment in payments[-size:][::-1]
        ]
    )


def lending_rates(request: Request) -> Answer:
    """The hourly rates of a coin, for lenders and for borrowers."""
    coin, size = request.query.get("ccy", "USDT"), request.size("limit", 100, 100, cut=True)
    if coin not in borrow_rates.COINS:
        raise Refused("ccy")
    hours = steps(HOUR_MS, *_bounds(request, FIRST_RATE_MS))[-size:][::-1]
    rates = [(hour, borrow_rates.rate("okx", coin, hour)) for hour in hours]
    return _reply(
        [
            {
                "amt": "",
                "ccy": coin,
                "lendingRate": plain(rate * LENT, 4),
                "rate": plain(rate, 4),
                "ts": str(hour * HOUR_MS),
            }
            for hour, rate in rates
        ]
    )


def loan_quota(request: Request) -> Answer:
    """The current rate of each coin, per day, and how much of it may be borrowed."""
    hour = request.now_ms // HOUR_MS
    basic = [
        {"ccy": coin, "quota": "5000000", "rate": plain(borrow_rates.rate("okx", coin, hour) / 365)}
        for coin in sorted(borrow_rates.COINS)
    ]
    return _reply([{"basic": basic, "vip": [], "regular": []}])


def _contracts(ending: str, ticker: str, coins: float, usd: float) -> float:
    """The number of a swap's contracts, by the end of its name and its coin."""
    size = SWAPS[ending][1]
    return coins / size[ticker] if size else usd / DOLLARS_A_CONTRACT[ticker]


def open_interest(request: Request) -> Answer:
    """Readings of a swap: contracts, coins and dollars."""
    name = request.text("instId")
    ending = next((ending for ending in SWAPS if name.endswith(ending)), "")
    ticker = name.removesuffix(ending)
    if not ending or ticker not in TICKERS:
        raise Refused("instId")
    step_ms, offset_ms, kept = request.one_of("period", PERIODS)
    oldest_ms = (request.now_ms - offset_ms) // step_ms * step_ms + offset_ms - (kept - 1) * step_ms
    first_ms, last_ms = _bounds(request, oldest_ms, newer="begin", older="end")
    page = steps(step_ms, first_ms - offset_ms, last_ms - offset_ms)[-request.size("limit", 100, 100, cut=True) :]
    moments = [number * step_ms + offset_ms for number in page]
    share = SWAPS[ending][0]
    readings = request.market.open_interest.readings(ticker, moments, venue=f"okx {name}", share=share)
    return _reply(
        [
            [
                str(reading.at_ms),
                plain(_contracts(ending, ticker, reading.coins, reading.usd)),
                plain(reading.coins),
                plain(reading.usd),
            ]
            for reading in readings[::-1]
        ]
    )


def liquidations(request: Request) -> Answer:
    """The orders that liquidated positions in a swap."""
    request.must_be("instType", "SWAP")
    request.must_be("state", "filled")
    underlying, (ticker, venue) = request.text("uly"), request.one_of("uly", LIQUIDATED)
    since, until = _bounds(request, request.now_ms - LIQUIDATIONS_KEPT_MS)
    size = request.size("limit", 100, 100, cut=True)
    closed = islice(closed_before(request.market, venue, until, since), size)
    details = [_order(position, f"{underlying.removeprefix(ticker)}-SWAP") for position in closed]
    group = {"instFamily": underlying, "instId": f"{underlying}-SWAP", "instType": "SWAP", "totalLoss": ""}
    return _reply([{"details": details, **group, "uly": underlying}] if details else [])


def _order(closed: Closed, ending: str) -> dict[str, str]:
    contracts = _contracts(ending, closed.ticker, closed.coins, closed.usd)
    return {
        "bkLoss": "0",
        "bkPx": plain(round(closed.price, 2)),
        "ccy": "",
        "posSide": "long" if closed.is_long else "short",
        "side": "sell" if closed.is_long else "buy",
        "sz": plain(max(round(contracts, 2), 0.01)),
        "ts": str(closed.at_ms),
    }


ROUTES = {
    CANDLES: candles,
    "/api/v5/public/funding-rate-history": funding,
    RATES: lending_rates,
    "/api/v5/public/interest-rate-loan-quota": loan_quota,
    READINGS: open_interest,
    LIQUIDATIONS: liquidations,
}
ENDPOINTS = {
    CANDLES: Budget(20, 2, says_when=False),
    RATES: Budget(12, 2, says_when=False),
    READINGS: Budget(5, 2, says_when=False),
    LIQUIDATIONS: Budget(40, 2, says_when=False),
}
PAGES = (
    Page(
        ("www.okx.com",),
        ROUTES,
        ERRORS,
        ("data.*.details", "data"),
        budget=Budget(10, 2, says_when=False),
        endpoints=ENDPOINTS,
    ),
)
