"""DefiLlama: rates of lending pools, and stablecoins in circulation.

Every answer is a whole history, except the list of pools, which has the newest state of each. A row of a stablecoin
that is stamped at midnight describes the end of the day *before*; the last row may be a current one, stamped at the
hour. An amount of zero has no key.
"""

import re
from typing import Any

from flows.simulator.instants import DAY_S, HOUR_MS, SECOND_MS, moment
from flows.simulator.lending import POOLS, borrow_of, lent_out
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, Routes, json_answer, text_answer, whole
from flows.simulator.stablecoins import COINS

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PEG = "peggedUSD"
CACHED = {"Cache-Control": "public, max-age=1800"}
ERRORS = Errors(
    shape=lambda _, message: {"message": message},
    other="Internal server error",
    statuses={
        400: json_answer("invalid configID!"),
        402: "Upgrade to the paid API plan",
        404: text_answer("Invalid request"),
        429: text_answer("Too Many Requests"),
    },
    refusals={"paid": 402, "coin": 404, "pool": 400},
)


def _pool(number: str, **known: Any) -> dict[str, Any]:
    """A pool of the list; everything unknown is null."""
    names = ("apyBaseBorrow", "apyRewardBorrow", "totalSupplyUsd", "totalBorrowUsd", "debtCeilingUsd", "ltv")
    more = ("borrowable", "mintedCoin", "rewardTokens", "underlyingTokens", "borrowFactor")
    return {"pool": number} | dict.fromkeys((*names, *more)) | known


# Three of thousands of other pools: one that only takes collateral, one that mints a coin, and an empty one.
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
    """The borrow rate of each pool, and its deposits and debts, by its newest observation."""
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


def pools(request: Request) -> Answer:
    """The current state of every pool."""
    return json_answer(_state(request), headers=CACHED)


def pool(request: Request, number: str) -> Answer:
    """The history of a pool; that of an unknown one is empty."""
    if not UUID.fullmatch(number):
        raise Refused("pool")
    history = request.market.lending.history(number, request.now_ms) if number in POOLS else []
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


def paid(_: Request) -> Answer:
    """What is only for paying customers."""
    raise Refused("paid")


def _amount(value: float) -> dict[str, int | float]:
    return {PEG: whole(value)} if value else {}


def _row(stamp: int, value: float) -> dict[str, Any]:
    amount = _amount(value)
    return {"date": stamp, "circulating": amount, "minted": amount, "unreleased": {}, "bridgedTo": {}}


def _chain_rows(request: Request, coin_id: str) -> dict[str, list[tuple[int, float]]]:
    """Stamps (seconds since 1970) and tokens by chain; the first row of a chain is zero. Empty before the launch."""
    coins = request.market.stablecoins
    began = {chain: coins.began(coin_id, chain) for chain in COINS[coin_id].chains}
    found: dict[str, list[tuple[int, float]]] = {chain: [] for chain in began}
    first = min(began.values())
    for day in range(first - 1, request.today):
        amounts = coins.chains(coin_id, day) if day >= first else {}
        for chain, rows in found.items():
            if day >= began[chain] - 1:
                rows.append(((day + 1) * DAY_S, amounts.get(chain, 0)))
    hour = request.now_ms // HOUR_MS
    if hour % 24 and request.today > first:
        before, after = (coins.chains(coin_id, day) for day in (request.today - 1, request.today))
        for chain, amount in before.items():
            # To a quarter of a token, so that sums are exact.
            current = round((amount + (after[chain] - amount) * (hour % 24 / 24)) * 4) / 4
            found[chain].append((hour * HOUR_MS // SECOND_MS, current))
    return {chain: rows for chain, rows in found.items() if rows}


def stablecoin(request: Request, coin_id: str) -> Answer:
    """The history of a coin, in total and by chain."""
    by_chain = _chain_rows(request, coin_id) if coin_id in COINS else {}
    if not by_chain:
        raise Refused("coin")
    coin, totals = COINS[coin_id], dict[int, float]()
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
        headers=CACHED,
    )


def stablecoins(request: Request) -> Answer:
    """Every coin with its current supply."""
    coins = []
    for coin_id, coin in COINS.items():
        newest = [rows[-1][1] for rows in _chain_rows(request, coin_id).values()]
        if newest:
            about = {"id": coin_id, "name": coin.name, "symbol": coin.symbol, "gecko_id": coin.gecko_id, "pegType": PEG}
            coins.append({**about, "circulating": _amount(sum(newest)), "price": 1})
    return json_answer({"peggedAssets": coins}, headers=CACHED)


YIELDS: Routes = {"/lendBorrow": pools, "/chart/(?P<number>.*)": pool, "/chartLendBorrow/.*": paid}
SUPPLY: Routes = {"/stablecoins": stablecoins, "/stablecoin/(?P<coin_id>.*)": stablecoin}
BUDGET = Budget(500, 60)
PAGES = (
    Page(("yields.llama.fi",), YIELDS, ERRORS, ("data", ""), budget=BUDGET, has_etags=True),
    Page(
        ("stablecoins.llama.fi",), SUPPLY, ERRORS, ("tokens", "chainBalances.*.tokens"), budget=BUDGET, has_etags=True
    ),
)
