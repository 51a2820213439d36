"""CoinGecko: charts of price, market value and turnover over the days requested, up to the current moment.

A point at midnight describes the end of the day before; it appears 35 minutes later. Without a key a year is all.
"""

from flows.simulator.instants import DAY_MS, HOUR_MS, millis_of
from flows.simulator.market_values import coins, price
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer

KEPT_DAYS = 365
PUBLIC_AFTER_MS = 35 * HOUR_MS // 60
NAMES = {
    "aave": "AAVE", "aptos": "APT", "arbitrum": "ARB", "arkham": "ARKM", "avalanche-2": "AVAX", "binancecoin": "BNB",
    "bitcoin": "BTC", "bitcoin-cash": "BCH", "cardano": "ADA", "chainlink": "LINK", "dogecoin": "DOGE",
    "ethereum": "ETH", "io": "IO", "litecoin": "LTC", "optimism": "OP", "pepe": "PEPE", "polkadot": "DOT",
    "ripple": "XRP", "sei-network": "SEI", "shiba-inu": "SHIB", "solana": "SOL", "stellar": "XLM", "sui": "SUI",
    "tron": "TRX", "uniswap": "UNI", "worldcoin-wld": "WLD",
}  # fmt: skip


def _status(code: int, message: str) -> dict[str, object]:
    return {"status": {"error_code": code, "error_message": message}}


ERRORS = Errors(
    shape=lambda _, error: {"error": error},
    other="Internal server error",
    statuses={
        401: _status(10012, "Your request exceeds the allowed time range: the past 365 days."),
        404: "coin not found",
        422: "Missing parameter {}",
        429: json_answer(_status(429, "You've exceeded the Rate Limit.")),
    },
    refusals={"missing": 422, "coin": 404, "range": 401, "": "invalid {}"},
    within_200=429,
)


def chart(request: Request, name: str) -> Answer:
    """The daily chart of an asset; others are not simulated."""
    if name not in NAMES:
        raise Refused("coin")
    request.must_be("vs_currency", "usd")
    request.must_be("interval", "daily")
    days = request.integer("days")
    if days > KEPT_DAYS:
        raise Refused("range")
    ticker, market = NAMES[name], request.market
    coin, newest = market.spot.coin(ticker), (request.now_ms - PUBLIC_AFTER_MS) // DAY_MS - 1
    first = max(request.today - days, millis_of(coin.listed) // DAY_MS)
    points = [((day + 1) * DAY_MS, price(market, ticker, day), coins(ticker, day)) for day in range(first, newest + 1)]
    if request.now_ms % DAY_MS:
        points.append((request.now_ms, price(market, ticker, request.today - 1), coins(ticker, newest)))
    return json_answer(
        {
            "prices": [[stamp, value] for stamp, value, _ in points],
            "market_caps": [[stamp, value * amount] for stamp, value, amount in points],
            "total_volumes": [[stamp, coin.turnover_usd] for stamp, *_ in points],
        }
    )


ROUTES = {r"/api/v3/coins/(?P<name>[\w-]+)/market_chart": chart}
PAGES = (Page(("api.coingecko.com",), ROUTES, ERRORS, ("prices", "market_caps"), budget=Budget(5, 60)),)
