"""DefiLlama: rates of lending pools, and stablecoins in circulation.

Every answer is a whole history, but for the list of pools, which tells how each was when it was looked at last.
A stablecoin row stamped at midnight tells how the day *before* ended; the last row may be a live one, stamped at the
running hour. A zero amount has no key.
"""

import re
from typing import Any

from flows.simulator.instants import DAY_S, HOUR_MS, SECOND_MS, moment
from flows.simulator.lending import POOLS, borrow_of, lent_out
from flows.simulator.stablecoins import COINS
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer, list_rows, text_answer, whole

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAID = ("/chartLendBorrow/", "/poolsBorrow", "/stablecoindominance", "/inflows")
PEG = "peggedUSD"


def error(status: int) -> Answer:
    """What DefiLlama says along with an HTTP error."""
    texts = {404: "Invalid request", 429: "Too Many Requests"}
    if status in texts:
        return text_answer(texts[status], status)
    return json_answer({"message": "Internal server error"}, status)


def envelope() -> Answer:
    """An error that is delivered as a success."""
    return json_answer({"message": "Internal server error"})


def _yield_rows(document: Any) -> list[Any]:
    return list_rows(document.get("data") if isinstance(document, dict) else document)


def _supply_rows(document: Any) -> list[Any]:
    if not isinstance(document, dict) or "tokens" not in document:
        return []
    return [document["tokens"], *(chain["tokens"] for chain in document["chainBalances"].values())]


def _pool(number: str, **told: Any) -> dict[str, Any]:
    """A pool of the list; what is not told of it is null."""
    names = ("apyBaseBorrow", "apyRewardBorrow", "totalSupplyUsd", "totalBorrowUsd", "debtCeilingUsd", "ltv")
    more = ("borrowable", "mintedCoin", "rewardTokens", "underlyingTokens", "borrowFactor")
    return {"pool": number} | dict.fromkeys((*names, *more)) | told


# Of the thousands of other pools: one that takes collateral alone, one that mints a coin, one that stands empty.
OTHERS = (
    _pool("3b45941c-16cb-48c5-a490-16c6c4f1d86a", totalSupplyUsd=812_340, ltv=0.805, borrowable=False),
    _pool(
        "1d53fa29-b918-4d74-9508-8fcf8173ca51",
        apyBaseBorrow=5.5,
        totalSupplyUsd=0,
        totalBorrowUsd=164_201_877,
        debtCeilingUsd=100_000_000,
        ltv=0,
        borrowable=True,
        mintedCoin="GHO",
    ),
    _pool("8e1f2c3a-7d4b-4f6e-9a5c-0b1d2e3f4a5b", apyBaseBorrow=0, totalSupplyUsd=0, totalBorrowUsd=0, ltv=0.5),
)


def _state(request: Request) -> list[dict[str, Any]]:
    """What borrowers pay at each pool, and what is supplied and borrowed, by the newest look at it."""
    found = []
    for number in sorted(POOLS):
        for row in request.market.lending.history(number, request.now_ms)[-1:]:
            supply = row.percent / 100
            supplied = round(row.liquidity_usd / (1 - lent_out(supply)))
            state = {
                "apyBaseBorrow": round(borrow_of(supply) * 100, 5),
                "totalSupplyUsd": supplied,
                "totalBorrowUsd": supplied - row.liquidity_usd,
                "ltv": 0.75,
                "borrowable": True,
            }
            found.append(_pool(number, **state))
    return [OTHERS[0], *found, *OTHERS[1:]]


def _yields(request: Request) -> Answer:
    """What is known of pools now, or the history of one pool; a pool that is not known has an empty one."""
    if request.path.startswith(PAID):
        return json_answer({"message": "Upgrade to the paid API plan"}, 402)
    if request.path == "/lendBorrow":
        return json_answer(_state(request), headers={"Cache-Control": "public, max-age=1800"})
    pool = request.path.removeprefix("/chart/")
    if pool == request.path:
        return error(404)
    if not UUID.fullmatch(pool):
        return json_answer("invalid configID!", 400)
    history = request.market.lending.history(pool, request.now_ms) if pool in POOLS else []
    data = [
        {
            "timestamp": moment(row.at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "tvlUsd": row.liquidity_usd,
            "apy": row.percent,
            "apyBase": row.percent,
            "apyReward": None,
            "il7d": None,
            "apyBase7d": None,
        }
        for row in history
    ]
    return json_answer({"status": "success", "data": data})


def _amount(value: float) -> dict[str, int | float]:
    return {PEG: whole(value)} if value else {}


def _row(stamp: int, value: float) -> dict[str, Any]:
    return {
        "date": stamp,
        "circulating": _amount(value),
        "minted": _amount(value),
        "unreleased": {},
        "bridgedTo": {},
    }


def _live(before: int, after: int, share: float) -> float:
    """Between two days, to a quarter of a token, so that a sum of such parts stays exact."""
    return round((before + (after - before) * share) * 4) / 4


def _chain_rows(request: Request, coin_id: str) -> dict[str, list[tuple[int, float]]]:
    """Stamp (seconds since 1970) and tokens, by chain; the first row of a chain is a zero."""
    coins = request.market.stablecoins
    began = {chain: coins.began(coin_id, chain) for chain in COINS[coin_id].chains}
    found: dict[str, list[tuple[int, float]]] = {chain: [] for chain in began}
    for day in range(min(began.values()) - 1, request.today):
        amounts = coins.chains(coin_id, day) if day >= min(began.values()) else {}
        for chain, rows in found.items():
            if day >= began[chain] - 1:
                rows.append(((day + 1) * DAY_S, amounts.get(chain, 0)))
    hour = request.now_ms // HOUR_MS
    if hour % 24 and request.today > min(began.values()):
        before = coins.chains(coin_id, request.today - 1)
        after = coins.chains(coin_id, request.today)
        for chain in before:
            live = _live(before[chain], after[chain], hour % 24 / 24)
            found[chain].append((hour * HOUR_MS // SECOND_MS, live))
    return {chain: rows for chain, rows in found.items() if rows}


def _stablecoin(request: Request, coin_id: str) -> Answer:
    coin = COINS.get(coin_id)
    by_chain = _chain_rows(request, coin_id) if coin else {}
    if coin is None or not by_chain:
        return error(404)
    totals: dict[int, float] = {}
    for rows in by_chain.values():
        for stamp, value in rows:
            totals[stamp] = totals.get(stamp, 0) + value
    return json_answer(
        {
            "id": coin_id,
            "name": coin.name,
            "address": None,
            "symbol": coin.symbol,
            "gecko_id": coin.gecko_id,
            "pegType": PEG,
            "pegMechanism": coin.backing,
            "priceSource": "defillama",
            "price": 1,
            "chainBalances": {
                chain: {"tokens": [_row(stamp, value) for stamp, value in rows]} for chain, rows in by_chain.items()
            },
            "currentChainBalances": {chain: _amount(rows[-1][1]) for chain, rows in by_chain.items()},
            "tokens": [_row(stamp, value) for stamp, value in sorted(totals.items())],
        },
        headers={"Cache-Control": "public, max-age=1800"},
    )


def _listed(request: Request) -> Answer:
    """Every coin with what circulates now."""
    coins = []
    for coin_id, coin in COINS.items():
        newest = [rows[-1][1] for rows in _chain_rows(request, coin_id).values()]
        if newest:
            told = {"id": coin_id, "name": coin.name, "symbol": coin.symbol, "gecko_id": coin.gecko_id, "pegType": PEG}
            coins.append({**told, "circulating": _amount(sum(newest)), "price": 1})
    return json_answer({"peggedAssets": coins}, headers={"Cache-Control": "public, max-age=1800"})


def _supply(request: Request) -> Answer:
    if request.path.startswith(PAID):
        return json_answer({"message": "Upgrade to the paid API plan"}, 402)
    if request.path == "/stablecoins":
        return _listed(request)
    coin_id = request.path.removeprefix("/stablecoin/")
    return error(404) if coin_id == request.path else _stablecoin(request, coin_id)


BUDGET = Budget(500, 60)

PAGES = (
    Page(("yields.llama.fi",), _yields, error, envelope, _yield_rows, BUDGET, marks=True),
    Page(("stablecoins.llama.fi",), _supply, error, envelope, _supply_rows, BUDGET, marks=True),
)
