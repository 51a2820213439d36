"""CoinGecko: a chart of price, market value and turnover, as many days back as are asked for, and the running moment.

A point at midnight tells how the day before ended; it appears 35 minutes later. Without a key a year is all there is.
"""

from typing import Any

from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer
from flows.simulator.worth import coins, price

HOST = "api.coingecko.com"
PREFIX, SUFFIX = "/api/v3/coins/", "/market_chart"
WINDOW = 365
PUBLIC_AFTER_MS = 35 * HOUR_MS // 60
NAMES = {
    "aave": "AAVE",
    "aptos": "APT",
    "arbitrum": "ARB",
    "arkham": "ARKM",
    "avalanche-2": "AVAX",
    "binancecoin": "BNB",
    "bitcoin": "BTC",
    "bitcoin-cash": "BCH",
    "cardano": "ADA",
    "chainlink": "LINK",
    "dogecoin": "DOGE",
    "ethereum": "ETH",
    "io": "IO",
    "litecoin": "LTC",
    "optimism": "OP",
    "pepe": "PEPE",
    "polkadot": "DOT",
    "ripple": "XRP",
    "sei-network": "SEI",
    "shiba-inu": "SHIB",
    "solana": "SOL",
    "stellar": "XLM",
    "sui": "SUI",
    "tron": "TRX",
    "uniswap": "UNI",
    "worldcoin-wld": "WLD",
}


def _status(code: int, message: str) -> dict[str, Any]:
    return {"status": {"error_code": code, "error_message": message}}


def error(status: int) -> Answer:
    """What CoinGecko says along with an HTTP error."""
    if status == 429:
        return json_answer(_status(429, "You've exceeded the Rate Limit."), status)
    return json_answer({"error": "coin not found" if status == 404 else "Internal server error"}, status)


def envelope() -> Answer:
    """An error that is delivered as a success."""
    return json_answer(_status(429, "You've exceeded the Rate Limit."))


def _rows(document: Any) -> list[Any]:
    return [document[name] for name in ("prices", "market_caps") if isinstance(document.get(name), list)]


def _chart(request: Request, ticker: str, days: int) -> Answer:
    newest = (request.now_ms - PUBLIC_AFTER_MS) // DAY_MS - 1
    listed = millis_of(request.market.spot.coin(ticker).listed) // DAY_MS
    points = [
        ((day + 1) * DAY_MS, price(request.market, ticker, day), coins(ticker, day))
        for day in range(max(request.today - days, listed), newest + 1)
    ]
    if request.now_ms % DAY_MS:
        points.append((request.now_ms, price(request.market, ticker, request.today - 1), coins(ticker, newest)))
    turnover = request.market.spot.coin(ticker).turnover_usd
    return json_answer(
        {
            "prices": [[stamp, value] for stamp, value, _ in points],
            "market_caps": [[stamp, value * amount] for stamp, value, amount in points],
            "total_volumes": [[stamp, turnover] for stamp, *_ in points],
        }
    )


def answer(request: Request) -> Answer:
    """The chart of one asset."""
    ticker = NAMES.get(request.path.removeprefix(PREFIX).removesuffix(SUFFIX))
    if ticker is None or not request.path.endswith(SUFFIX):
        return error(404)
    for name in ("vs_currency", "days"):
        if not request.query.get(name):
            return json_answer({"error": f"Missing parameter {name}"}, 422)
    if request.query["vs_currency"] != "usd":
        return json_answer({"error": "invalid vs_currency"}, 400)
    try:
        days = request.integer("days") or 0
    except BadParameterError:
        return json_answer({"error": "invalid days"}, 400)
    if days > WINDOW:
        message = "Your request exceeds the allowed time range: the past 365 days."
        return json_answer({"error": _status(10012, message)}, 401)
    if request.query.get("interval") != "daily":
        return json_answer({"error": "the simulator knows daily charts only"}, 400)
    return _chart(request, ticker, days)


PAGES = (Page((HOST,), answer, error, envelope, _rows, Budget(5, 60)),)
