"""OKX: daily candles, funding and open interest of swaps, and borrowing rates, newest first; errors come in a 200.

`after` means older than, `before` newer than; both are exclusive. The candle of the running day says so in its last
field. Funding is kept for 94 days. A page holds 100 candles, up to 300 where so many are asked for, and 400 payments.
Borrowing rates come each hour, per year, a hundred a page. Open interest has bounds called `begin` and `end`, also
exclusive, and keeps the newest hours and days; a day begins at 16:00 UTC. Liquidations are kept for a week.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from flows.simulator import borrowing
from flows.simulator.candles import Candle, shown, window
from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.interest import TICKERS
from flows.simulator.liquidations import Closed, Venue, closed_before
from flows.simulator.script import PEGGED
from flows.simulator.venues import pair, payments, plain
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows

CANDLES = "/api/v5/market/history-candles"
FUNDING = "/api/v5/public/funding-rate-history"
RATES = "/api/v5/finance/savings/lending-rate-history"
QUOTA = "/api/v5/public/interest-rate-loan-quota"
FIRST_RATE_MS = millis_of(datetime(2021, 12, 14, 8, tzinfo=UTC))
LENT = 0.85  # what lenders get of what borrowers pay
KEPT_MS = 94 * DAY_MS
SHARE = 0.3
READINGS = "/api/v5/rubik/stat/contracts/open-interest-history"
MAX_READINGS = 100
# Of a period: the distance of its stamps, the first of them after midnight, and how many are kept.
PERIODS = {"1H": (HOUR_MS, 0, 1440), "1D": (DAY_MS, 16 * HOUR_MS, 100)}
# Of a swap: how many coins are open here for each at the main venue, and how many a contract is of.
SWAPS = {"-USDT-SWAP": (0.32, {"BTC": 0.01, "ETH": 0.1}), "-USD-SWAP": (0.05, {})}
DOLLARS_A_CONTRACT = {"BTC": 100, "ETH": 10}
LIQUIDATIONS = "/api/v5/public/liquidation-orders"
LIQUIDATIONS_KEPT_MS = 7 * DAY_MS
LIQUIDATED = {
    f"{ticker}{ending}": (ticker, Venue(f"okx {ticker}{ending}", (ticker,), share=share, calm=calm))
    for ticker in TICKERS
    for ending, share, calm in (("-USDT", 0.8, 0.0), ("-USD", 0.1, 0.15))
}


def reply(data: Sequence[object], code: str = "0", message: str = "", status: int = 200) -> Answer:
    """OKX's envelope."""
    return json_answer({"code": code, "msg": message, "data": data}, status)


def error(status: int) -> Answer:
    """What OKX says along with an HTTP error."""
    if status == 429:
        return reply([], "50011", "Too Many Requests", status)
    if status == 404:
        return reply([], "404", "Not Found", status)
    return reply([], "50026", "System error. Try again later", status)


def envelope() -> Answer:
    """An error that comes as a success."""
    return reply([], "50011", "Too Many Requests")


def _rows(document: object) -> list[object]:
    data = document.get("data") if isinstance(document, dict) else None
    if data and isinstance(data, list) and isinstance(data[0], dict) and "details" in data[0]:
        return [group["details"] for group in data]
    return list_rows(data)


def _ticker(name: str, ending: str) -> str | None:
    ticker = name.removesuffix(ending)
    known = name.endswith(ending) and ticker.isalnum() and ticker != "USDT"
    return ticker if known else None


def _wire(candle: Candle, now_ms: int) -> list[str]:
    return [
        str(candle.start_ms),
        *(plain(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        *(plain(amount, 8) for amount in (candle.volume, candle.turnover, candle.turnover)),
        "1" if candle.start_ms + DAY_MS <= now_ms else "0",
    ]


def _candles(request: Request, older_than: int | None, newer_than: int | None, limit: int) -> Answer:
    ticker = _ticker(request.query.get("instId", ""), "-USDT")
    if ticker is None:
        return reply([], "51001", "Instrument ID doesn't exist.")
    if request.query.get("bar") != "1Dutc":
        return reply([], "51000", "Parameter bar error")
    series = pair(request.market, "okx", ticker, SHARE)
    first = None if newer_than is None else newer_than + 1
    last = None if older_than is None else older_than - 1
    numbers = window(series, DAY_MS, first, last, request.now_ms)[-limit:][::-1]
    return reply([_wire(candle, request.now_ms) for candle in shown(series, DAY_MS, numbers, request.now_ms)])


def rate_text(rate: float) -> str:
    """A rate of funding as OKX prints it."""
    return f"{rate:.16f}"


def swap_ticker(name: str) -> str | None:
    """The coin of a swap such as BTC-USDT-SWAP; None where there is no such swap."""
    ticker = _ticker(name, "-USDT-SWAP")
    return None if ticker in PEGGED else ticker


def _funding(request: Request, older_than: int | None, newer_than: int | None, limit: int) -> Answer:
    name = request.query.get("instId", "")
    ticker = swap_ticker(name)
    if ticker is None:
        return reply([], "51001", "Instrument ID doesn't exist.")
    first = max(request.now_ms - KEPT_MS, 0 if newer_than is None else newer_than + 1)
    last = request.now_ms if older_than is None else min(older_than - 1, request.now_ms)
    found = payments(request.market, "okx", ticker, first, last)[-limit:][::-1]
    data = [
        {
            "formulaType": "withRate",
            # What was predicted is near what was paid, and not the same.
            "fundingRate": rate_text(each.rate * 1.001),
            "fundingTime": str(each.at_ms),
            "instId": name,
            "instType": "SWAP",
            "method": "current_period",
            "realizedRate": rate_text(each.rate),
        }
        for each in found
    ]
    return reply(data)


def _rates(request: Request, older_than: int | None, newer_than: int | None, limit: int) -> Answer:
    coin = request.query.get("ccy", "USDT")
    if coin not in borrowing.COINS:
        return reply([], "51000", "Parameter ccy error")
    first = max(FIRST_RATE_MS, 0 if newer_than is None else newer_than + 1)
    last = request.now_ms if older_than is None else min(older_than - 1, request.now_ms)
    found = borrowing.hours(first, last)[-limit:][::-1]
    data = [
        {
            "amt": "",
            "ccy": coin,
            "lendingRate": plain(rate * LENT, 4),
            "rate": plain(rate, 4),
            "ts": str(hour * HOUR_MS),
        }
        for hour in found
        for rate in (borrowing.rate("okx", coin, hour),)
    ]
    return reply(data)


def _quota(request: Request) -> Answer:
    """What each coin costs now, per day, and how much may be borrowed of it."""
    hour = request.now_ms // HOUR_MS
    basic = [
        {"ccy": coin, "quota": "5000000", "rate": plain(borrowing.rate("okx", coin, hour) / 365)}
        for coin in sorted(borrowing.COINS)
    ]
    return reply([{"basic": basic, "vip": [], "regular": []}])


def _open_interest(request: Request) -> Answer:
    name = request.query.get("instId", "")
    ending = next((each for each in SWAPS if name.endswith(each)), None)
    ticker = name.removesuffix(ending or "")
    if ending is None or ticker not in TICKERS:
        return reply([], "51001", "Instrument ID doesn't exist.")
    if request.query.get("period") not in PERIODS:
        return reply([], "51000", "Parameter period error")
    step_ms, offset_ms, kept = PERIODS[request.query["period"]]
    try:
        begin, end, limit = (request.integer(each) for each in ("begin", "end", "limit"))
    except BadParameterError as bad:
        return reply([], "51000", f"Parameter {bad.name} error")
    newest = (request.now_ms - offset_ms) // step_ms
    first, last = newest - kept + 1, newest
    if begin is not None:
        first = max(first, (begin - offset_ms) // step_ms + 1)
    if end is not None:
        last = min(last, -(-(end - offset_ms) // step_ms) - 1)
    numbers = range(first, last + 1)
    page = numbers[max(len(numbers) - min(limit or MAX_READINGS, MAX_READINGS), 0) :]
    share, coins_a_contract = SWAPS[ending]
    readings = request.market.interest.readings(
        ticker, [number * step_ms + offset_ms for number in page], venue=f"okx {name}", share=share
    )
    return reply(
        [
            [
                str(one.at_ms),
                plain(
                    one.coins / coins_a_contract[ticker] if coins_a_contract else one.usd / DOLLARS_A_CONTRACT[ticker]
                ),
                plain(one.coins),
                plain(one.usd),
            ]
            for one in reversed(readings)
        ]
    )


def _liquidations(request: Request, older_than: int | None, newer_than: int | None, size: int) -> Answer:
    """The orders that closed positions in a swap by force, newest first."""
    underlying = request.query.get("uly", "")
    if request.query.get("instType") != "SWAP" or request.query.get("state") != "filled":
        return reply([], "51000", "Parameter instType error")
    if underlying not in LIQUIDATED:
        return reply([], "51014", "Index doesn't exist")
    ticker, venue = LIQUIDATED[underlying]
    until = min(request.now_ms if older_than is None else older_than - 1, request.now_ms)
    since = max(request.now_ms - LIQUIDATIONS_KEPT_MS, 0 if newer_than is None else newer_than + 1)
    found = islice(closed_before(request.market, venue, until, since), size)
    details = [_order(one, ticker, underlying) for one in found]
    group = {"instFamily": underlying, "instId": f"{underlying}-SWAP", "instType": "SWAP", "totalLoss": ""}
    return reply([{"details": details, **group, "uly": underlying}] if details else [])


def _order(one: Closed, ticker: str, underlying: str) -> dict[str, str]:
    coins_a_contract = SWAPS[f"{underlying.removeprefix(ticker)}-SWAP"][1]
    contracts = one.coins / coins_a_contract[ticker] if coins_a_contract else one.usd / DOLLARS_A_CONTRACT[ticker]
    return {
        "bkLoss": "0",
        "bkPx": plain(round(one.price, 2)),
        "ccy": "",
        "posSide": "long" if one.is_long else "short",
        "side": "sell" if one.is_long else "buy",
        "sz": plain(max(round(contracts, 2), 0.01)),
        "ts": str(one.at_ms),
    }


def answer(request: Request) -> Answer:
    """The candles of a market; funding, open interest or liquidations of a swap; or what it costs to borrow a coin."""
    unpaged = {READINGS: _open_interest, QUOTA: _quota}
    if request.path in unpaged:
        return unpaged[request.path](request)
    pages = {
        CANDLES: (_candles, 100, 300),
        FUNDING: (_funding, 400, 400),
        RATES: (_rates, 100, 100),
        LIQUIDATIONS: (_liquidations, 100, 100),
    }
    if request.path not in pages:
        return error(404)
    page, default, most = pages[request.path]
    try:
        older_than, newer_than, limit = (request.integer(name) for name in ("after", "before", "limit"))
    except BadParameterError as bad:
        return reply([], "51000", f"Parameter {bad.name} error")
    if limit is not None and limit < 1:
        return reply([], "51000", "Parameter limit error")
    return page(request, older_than, newer_than, min(limit or default, most))


ENDPOINTS = {
    CANDLES: Budget(20, 2, says_when=False),
    RATES: Budget(12, 2, says_when=False),
    READINGS: Budget(5, 2, says_when=False),
    LIQUIDATIONS: Budget(40, 2, says_when=False),
}
PAGES = (Page(("www.okx.com",), answer, error, envelope, _rows, Budget(10, 2, says_when=False), ENDPOINTS),)
