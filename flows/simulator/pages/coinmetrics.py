"""Coin Metrics' community API: supply and market value, day by day, oldest first, page by page.

A day is stamped with its start and public seven hours after its end. Both bounds are included. The next page is given
by its whole address, with a token; the last page has none.
"""

from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, millis_of, number_of
from flows.simulator.market_values import coins, price
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer
from flows.simulator.spot import OLDEST
from flows.simulator.stablecoins import COINS

MAX_ROWS = 10_000
PUBLIC_AFTER_MS = 7 * HOUR_MS
IDS = {"usdt": "1", "usdc": "2"}
ASSETS = {"btc": "BTC", "eth": "ETH"}
# What the community may read: a set of metrics, and the assets that have them.
OFFERED = {"SplyCur": frozenset(IDS), "CapMrktCurUSD,PriceUSD": frozenset(ASSETS)}
ISSUED = 1.01  # issued coins for each one that circulates: the others are in the treasury
ERRORS = Errors(
    shape=lambda _, kind, message: {"error": {"type": kind, "message": message}},
    other=("internal_server_error", "Internal server error."),
    statuses={
        403: ("forbidden", "Requested metric with frequency is not available with supplied credentials."),
        404: ("not_found", "HTTP status 404."),
        429: ("too_many_requests", "HTTP status 429."),
    },
    refusals={"metrics": 403, "": ("bad_parameter", "Bad parameter '{}'.")},
)


def _values(request: Request, symbol: str, day: int) -> dict[str, str]:
    if symbol in IDS:
        chains = request.market.stablecoins.chains(IDS[symbol], day)
        return {"SplyCur": f"{sum(chains.values()) * ISSUED:.6f}"}
    value = price(request.market, ASSETS[symbol], day)
    return {"CapMrktCurUSD": f"{value * coins(ASSETS[symbol], day):.6f}", "PriceUSD": f"{value:.10f}"}


def asset_metrics(request: Request) -> Answer:
    """The daily values of an asset."""
    symbol = request.must_be("assets", *IDS, *ASSETS)
    if symbol not in OFFERED.get(request.text("metrics"), frozenset()):
        raise Refused("metrics")
    request.must_be("frequency", "1d")
    request.must_be("paging_from", "start")
    newest = (request.now_ms - PUBLIC_AFTER_MS) // DAY_MS - 1
    first = number_of(COINS[IDS[symbol]].launched) if symbol in IDS else millis_of(OLDEST) // DAY_MS
    days = range(max(request.day("start_time", 0), first), min(request.day("end_time", newest), newest) + 1)
    size, skipped = request.size("page_size", 100, MAX_ROWS), request.integer("next_page_token", 0)
    rows = [
        {"asset": symbol, "time": f"{day_of(day)}T00:00:00.000000000Z", **_values(request, symbol, day)}
        for day in days[skipped : skipped + size]
    ]
    document: dict[str, object] = {"data": rows}
    if skipped + size < len(days):
        token = str(skipped + size)
        query = "&".join(f"{name}={value}" for name, value in {**request.query, "next_page_token": token}.items())
        document |= {"next_page_token": token, "next_page_url": f"https://{request.host}{request.path}?{query}"}
    return json_answer(document)


ROUTES = {"/v4/timeseries/asset-metrics": asset_metrics}
BUDGET = Budget(10, 6, says_when=False)
PAGES = (Page(("community-api.coinmetrics.io",), ROUTES, ERRORS, ("data",), budget=BUDGET),)
