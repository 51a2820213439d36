"""A node of Ethereum: JSON-RPC by POST, in batches; logs of at most 10,000 blocks; errors come in a 200.

It has two contracts: Aave's pool, whose logs it sends, and Compound's market in USDC, whose state it has after any
block.
"""

from collections.abc import Sequence
from typing import Any

from flows.simulator.chain import MERGE_BLOCK, RESERVES, YEAR_S, Update
from flows.simulator.instants import DAY_S, SECOND_MS
from flows.simulator.lending import COMPOUND_USDC, FIRST_DAY, borrow_of, lent_out, supply_of
from flows.simulator.liquidations import Closed, Venue, closed_on
from flows.simulator.page import Answer, Budget, Errors, Page, Refused, Request, json_answer
from flows.simulator.seeded_random import key_of

LONGEST_RANGE = 10_000
POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
COMET = "0xc3d688b66703497daa19211eedff47f25384cdc3"
RATES_UPDATED = "0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a"
LIQUIDATED = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
UTILIZATION, SUPPLY_RATE, BORROW_RATE = "0x7eb71131", "0xd955759d", "0x9fa83b5a"  # functions of Compound's market
WAD = 10**18
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
TOKENS = {
    "ETH": ("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18),
    "BTC": ("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8),
}
VENUE = Venue("aave-v3", tuple(TOKENS), share=0.02, calm=0.15)
BONUS = 1.05  # the liquidator receives so much for each unit repaid
LIQUIDATOR = "0x00000000000000000000000000000000000000aa"
ACCOUNTS = 997
ERRORS = Errors(
    shape=lambda _, code, message: {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}},
    other=(-32603, "internal"),
    statuses={429: (-32005, "rate limit exceeded")},
    refusals={"malformed": (-32700, "parse error")},
    refused_with=200,
    within_200=429,
)
# Of one call of a batch.
CALL_ERRORS = {
    "argument": {"code": -32602, "message": "invalid argument"},
    "method": {"code": -32601, "message": "the method does not exist"},
    "range": {"code": -32602, "message": f"block range is limited to {LONGEST_RANGE} blocks"},
}


def _hash(*parts: int) -> str:
    return "0x" + "".join(f"{part * 0x9E3779B97F4A7C15 % 2**64:016x}" for part in (*parts, 1, 2, 3, 4))[:64]


def _header(request: Request, params: list[Any], head: int) -> dict[str, Any] | None:
    number = int(params[0], 16)
    if not MERGE_BLOCK <= number <= head:
        return None
    return {
        "number": hex(number),
        "hash": _hash(number),
        "parentHash": _hash(number - 1),
        "timestamp": hex(request.market.chain.time_of(number)),
        "gasLimit": hex(30_000_000),
        "transactions": [_hash(number, 1)],
    }


def _logs(request: Request, params: list[Any], head: int) -> list[dict[str, Any]]:
    wanted = params[0]
    first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
    if last - first + 1 > LONGEST_RANGE:
        raise Refused("range")
    kind, *tokens = wanted["topics"]
    if wanted["address"].lower() != POOL:
        return []
    first, last = max(first, MERGE_BLOCK), min(last, head)
    if kind == LIQUIDATED:
        return _liquidations(request, first, last)
    reserves = {f"0x{token[-40:]}".lower() for token in tokens[0]} & set(RESERVES) if kind == RATES_UPDATED else set()
    found = [update for reserve in reserves for update in request.market.chain.updates(reserve, first, last)]
    return [_update(update) for update in sorted(found, key=lambda update: (update.block, update.place))]


def _update(update: Update) -> dict[str, Any]:
    return _log(update.block, update.place, [RATES_UPDATED, _topic(update.reserve)], update.words)


def _topic(address: str) -> str:
    return "0x" + address[2:].lower().zfill(64)


def _log(block: int, place: int, topics: list[str], words: Sequence[int]) -> dict[str, Any]:
    return {
        "address": POOL,
        "topics": topics,
        "data": "0x" + "".join(f"{word:064x}" for word in words),
        "blockNumber": hex(block),
        "transactionHash": _hash(block, place),
        "transactionIndex": hex(place // 8),
        "blockHash": _hash(block),
        "logIndex": hex(place),
        "removed": False,
    }


def _liquidations(request: Request, first: int, last: int) -> list[dict[str, Any]]:
    """Liquidations between two blocks: longs owed USDC and had coins as collateral, shorts the reverse."""
    chain = request.market.chain
    days = range(max(chain.time_of(first) // DAY_S, FIRST_DAY), chain.time_of(last) // DAY_S + 1)
    closed = [position for day in days for position in closed_on(request.market, VENUE, day)]
    placed = sorted((chain.block_at(row.at_ms // SECOND_MS), row.number % 400, row) for row in closed)
    return [_liquidation(block, place, row) for block, place, row in placed if first <= block <= last]


def _liquidation(block: int, place: int, closed: Closed) -> dict[str, Any]:
    token, decimals = TOKENS[closed.ticker]
    coins, dollars = closed.coins * 10**decimals, closed.usd * 10**6
    account = f"0x{key_of('aave', closed.number % ACCOUNTS):040x}"
    pair = (token, USDC) if closed.is_long else (USDC, token)
    repaid, taken = (dollars, coins * BONUS) if closed.is_long else (coins, dollars * BONUS)
    topics = [LIQUIDATED, *map(_topic, (*pair, account))]
    return _log(block, place, topics, (round(repaid), round(taken), int(LIQUIDATOR, 16), 0))


def _state(request: Request, params: list[Any], head: int) -> str | None:
    """Compound's market after a block: its utilization, or its rates at a utilization."""
    number, call = int(params[1], 16), params[0]
    if not MERGE_BLOCK <= number <= head:
        return None
    if call["to"].lower() != COMET:
        return "0x"
    function, argument = call["data"][:10], call["data"][10:]
    if function == UTILIZATION:
        chain = request.market.chain
        value = round(lent_out(chain.standing(COMPOUND_USDC, chain.time_of(number))) * WAD)
    else:
        supply = supply_of(int(argument, 16) / WAD)
        value = round({SUPPLY_RATE: supply, BORROW_RATE: borrow_of(supply)}[function] / YEAR_S * WAD)
    return f"0x{value:064x}"


METHODS = {"eth_getBlockByNumber": _header, "eth_getLogs": _logs, "eth_call": _state}


def _call(request: Request, call: dict[str, Any], head: int) -> dict[str, Any]:
    """The answer to one call of a batch."""
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
    if call["method"] not in METHODS:
        return answer | {"error": CALL_ERRORS["method"]}
    try:
        return answer | {"result": METHODS[call["method"]](request, call["params"], head)}
    except Refused as refused:
        return answer | {"error": CALL_ERRORS[refused.cause]}
    except (KeyError, IndexError, TypeError, ValueError):
        return answer | {"error": CALL_ERRORS["argument"]}


def batch(request: Request) -> Answer:
    """The answers to a batch, in another order than its calls."""
    head = request.market.chain.block_at(request.now_ms // SECOND_MS)
    return json_answer([_call(request, call, head) for call in request.sent()][::-1])


HOSTS = ("mainnet.gateway.tenderly.co",)
PAGES = (Page(HOSTS, {"/": batch}, ERRORS, ("*.result",), budget=Budget(600, 60), by_post=True),)
