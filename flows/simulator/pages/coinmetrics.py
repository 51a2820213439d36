"""Coin Metrics' community API: supply and market value, day by day, oldest first, page by page.

A day is stamped with its beginning and public seven hours after its end. Both bounds are included. Another page is
named by its whole address, with a token; the last one names none.
"""

from datetime import date

from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, millis_of, number_of
from flows.simulator.spot import OLDEST
from flows.simulator.stablecoins import COINS
from flows.simulator.wire import Answer, BadParameterError, Budget, Page, Request, json_answer, list_rows
from flows.simulator.worth import coins, price

HOST = "community-api.coinmetrics.io"
PATH = "/v4/timeseries/asset-metrics"
MAX_ROWS = 10_000
PUBLIC_AFTER_MS = 7 * HOUR_MS
IDS = {"usdt": "1", "usdc": "2"}
ASSETS = {"btc": "BTC", "eth": "ETH"}
# What the community is given: a set of metrics, and the assets that have them.
OFFERED = {"SplyCur": frozenset(IDS), "CapMrktCurUSD,PriceUSD": frozenset(ASSETS)}
# What was issued for each coin that circulates: some lies in the treasury.
ISSUED = 1.01
KINDS = {403: "forbidden", 404: "not_found", 429: "too_many_requests"}


def failure(kind: str, message: str, status: int) -> Answer:
    """A refusal in Coin Metrics' shape."""
    return json_answer({"error": {"type": kind, "message": message}}, status)


def error(status: int) -> Answer:
    """What Coin Metrics says along with an HTTP error."""
    return failure(KINDS.get(status, "internal_server_error"), f"HTTP status {status}.", status)


def envelope() -> Answer:
    """An error that is delivered as a success."""
    return failure("internal_server_error", "Internal server error.", 200)


def _rows(document: object) -> list[object]:
    return list_rows(document.get("data")) if isinstance(document, dict) else []


def _bad(name: str) -> Answer:
    return failure("bad_parameter", f"Bad parameter '{name}'.", 400)


def _day(request: Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if not text:
        return default
    try:
        return number_of(date.fromisoformat(text[:10]))
    except ValueError:
        raise BadParameterError(name) from None


def _values(request: Request, symbol: str, day: int) -> dict[str, str]:
    if symbol in IDS:
        chains = request.market.stablecoins.chains(IDS[symbol], day)
        return {"SplyCur": f"{sum(chains.values()) * ISSUED:.6f}"}
    value = price(request.market, ASSETS[symbol], day)
    return {"CapMrktCurUSD": f"{value * coins(ASSETS[symbol], day):.6f}", "PriceUSD": f"{value:.10f}"}


def _first(symbol: str) -> int:
    return number_of(COINS[IDS[symbol]].launched) if symbol in IDS else millis_of(OLDEST) // DAY_MS


def _metrics(request: Request) -> Answer:
    symbol, metrics = request.query.get("assets", ""), request.query.get("metrics", "")
    if symbol not in {*IDS, *ASSETS}:
        return _bad("assets")
    if symbol not in OFFERED.get(metrics, frozenset()):
        return failure("forbidden", "Requested metric with frequency is not available with supplied credentials.", 403)
    if request.query.get("frequency", "1d") != "1d":
        return _bad("frequency")
    size = request.integer("page_size") or 100
    if not 1 <= size <= MAX_ROWS:
        return _bad("page_size")
    newest = (request.now_ms - PUBLIC_AFTER_MS) // DAY_MS - 1
    first = max(_day(request, "start_time", 0), _first(symbol))
    last = min(_day(request, "end_time", newest), newest)
    # A page from the start holds the oldest of the days, one from the end the newest; both come oldest first.
    from_start = request.query.get("paging_from", "end") == "start"
    skipped = request.integer("next_page_token") or 0
    days = range(first, last + 1)
    page = days[skipped : skipped + size] if from_start else days[: len(days) - skipped][-size:]
    data = [
        {
            "asset": symbol,
            "time": f"{day_of(day)}T00:00:00.000000000Z",
            **_values(request, symbol, day),
        }
        for day in page
    ]
    document: dict[str, object] = {"data": data}
    if skipped + size < len(days):
        token = str(skipped + size)
        query = "&".join(f"{name}={value}" for name, value in {**request.query, "next_page_token": token}.items())
        document |= {"next_page_token": token, "next_page_url": f"https://{HOST}{PATH}?{query}"}
    return json_answer(document)


def answer(request: Request) -> Answer:
    """The daily values of one asset."""
    if request.path != PATH:
        return error(404)
    try:
        return _metrics(request)
    except BadParameterError as bad:
        return _bad(bad.name)


PAGES = (Page((HOST,), answer, error, envelope, _rows, Budget(10, 6, says_when=False)),)
