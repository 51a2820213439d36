"""A node of Ethereum: JSON-RPC by POST, in batches; logs of at most 10,000 blocks, errors in a 200.

It has two contracts: Aave's pool, whose logs it gives, and Compound's market in USDC, whose state it tells after any
block.
"""

import json
from collections.abc import Sequence
from typing import Any

from flows.simulator.chain import MERGE_BLOCK, RESERVES, Update
from flows.simulator.chance import key_of
from flows.simulator.instants import DAY_S, SECOND_MS
from flows.simulator.lending import COMPOUND_USDC, FIRST_DAY, borrow_of, lent_out, supply_of
from flows.simulator.liquidations import Closed, Venue, closed_on
from flows.simulator.wire import Answer, Budget, Page, Request, json_answer

LONGEST_RANGE = 10_000
POOL = "0x87870bca3f3fd6335c3f4ce8392d69350b4fa4e2"
COMET = "0xc3d688b66703497daa19211eedff47f25384cdc3"
RATES_UPDATED = "0x804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a"
YEAR_S, WAD = 31_536_000, 10**18
LIQUIDATED = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
USDC = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"
TOKENS = {
    "ETH": ("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2", 18),
    "BTC": ("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599", 8),
}
VENUE = Venue("aave-v3", tuple(TOKENS), share=0.02, calm=0.15)
BONUS = 1.05  # the liquidator takes so much more than was repaid
LIQUIDATOR = "0x00000000000000000000000000000000000000aa"
ACCOUNTS = 997
INVALID_PARAMS, NO_METHOD, LIMITED = -32602, -32601, -32005


class RefusedError(ValueError):
    """A call that the node does not answer.

    Attributes:
        code: JSON-RPC's number for it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def failure(code: int, message: str, status: int = 200) -> Answer:
    """An error in place of the whole batch."""
    return json_answer({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}, status)


def error(status: int) -> Answer:
    """What the node says along with an HTTP error."""
    return failure(LIMITED, "rate limit exceeded", status) if status == 429 else failure(-32603, "internal", status)


def envelope() -> Answer:
    """A failure that comes as a success."""
    return failure(LIMITED, "rate limit exceeded")


def _rows(document: Any) -> list[Any]:
    if not isinstance(document, list):
        return []
    return [one["result"] for one in document if isinstance(one.get("result"), list)]


def _hash(*parts: int) -> str:
    return "0x" + "".join(f"{part * 0x9E3779B97F4A7C15 % 2**64:016x}" for part in (*parts, 1, 2, 3, 4))[:64]


def _header(request: Request, params: list[Any], head: int) -> dict[str, Any] | None:
    number = int(params[0], 16)
    if not MERGE_BLOCK <= number <= head:
        return None
    at = request.market.chain.time_of(number)
    return {
        "number": hex(number),
        "hash": _hash(number),
        "parentHash": _hash(number - 1),
        "timestamp": hex(at),
        "gasLimit": hex(30_000_000),
        "transactions": [_hash(number, 1)],
    }


def _logs(request: Request, params: list[Any], head: int) -> list[dict[str, Any]]:
    wanted = params[0]
    first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
    if last - first + 1 > LONGEST_RANGE:
        raise RefusedError(INVALID_PARAMS, f"block range is limited to {LONGEST_RANGE} blocks")
    kind, *tokens = wanted["topics"]
    if wanted["address"].lower() != POOL or kind not in (RATES_UPDATED, LIQUIDATED):
        return []
    if kind == LIQUIDATED:
        return _liquidations(request, max(first, MERGE_BLOCK), min(last, head))
    reserves = {f"0x{token[-40:]}".lower() for token in tokens[0]} & set(RESERVES)
    found = [
        update
        for reserve in reserves
        for update in request.market.chain.updates(reserve, max(first, MERGE_BLOCK), min(last, head))
    ]
    return [_log(update) for update in sorted(found, key=lambda update: (update.block, update.place))]


def _log(update: Update) -> dict[str, Any]:
    return _written(update.block, update.place, [RATES_UPDATED, _topic(update.reserve)], update.words)


def _topic(address: str) -> str:
    return "0x" + address[2:].lower().zfill(64)


def _written(block: int, place: int, topics: list[str], words: Sequence[int]) -> dict[str, Any]:
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
    """Whose collateral was taken: longs owed USDC for coins, shorts owed coins for USDC."""
    chain = request.market.chain
    days = range(chain.time_of(first) // DAY_S, chain.time_of(last) // DAY_S + 1)
    closed = [one for day in days if day >= FIRST_DAY for one in closed_on(request.market, VENUE, day)]
    found = [(chain.block_at(one.at_ms // SECOND_MS), one.number % 400, one) for one in closed]
    return [_liquidation(*each) for each in sorted(found) if first <= each[0] <= last]


def _liquidation(block: int, place: int, one: Closed) -> dict[str, Any]:
    token, decimals = TOKENS[one.ticker]
    coins, dollars = one.coins * 10**decimals, one.usd * 10**6
    account = f"0x{key_of('aave', one.number % ACCOUNTS):040x}"
    pair = (token, USDC) if one.is_long else (USDC, token)
    repaid, taken = (dollars, coins * BONUS) if one.is_long else (coins, dollars * BONUS)
    topics = [LIQUIDATED, *map(_topic, (*pair, account))]
    return _written(block, place, topics, (round(repaid), round(taken), int(LIQUIDATOR, 16), 0))


def _state(request: Request, params: list[Any], head: int) -> str | None:
    """Compound's market after a block: utilization, or the rates that it would have at one."""
    number = int(params[1], 16)
    if not MERGE_BLOCK <= number <= head:
        return None
    selector, argument = params[0]["data"][:10], params[0]["data"][10:]
    if params[0]["to"].lower() != COMET:
        return "0x"
    if selector == "0x7eb71131":
        chain = request.market.chain
        value = round(lent_out(chain.standing(COMPOUND_USDC, chain.time_of(number))) * WAD)
    else:
        supply = supply_of(int(argument, 16) / WAD)
        value = round({"0xd955759d": supply, "0x9fa83b5a": borrow_of(supply)}[selector] / YEAR_S * WAD)
    return f"0x{value:064x}"


METHODS = {"eth_getBlockByNumber": _header, "eth_getLogs": _logs, "eth_call": _state}


def _one(request: Request, call: dict[str, Any], head: int) -> dict[str, Any]:
    said: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
    if call["method"] not in METHODS:
        return said | {"error": {"code": NO_METHOD, "message": f"the method {call['method']} does not exist"}}
    try:
        return said | {"result": METHODS[call["method"]](request, call["params"], head)}
    except RefusedError as refused:
        return said | {"error": {"code": refused.code, "message": str(refused)}}
    except (KeyError, IndexError, TypeError, ValueError):
        return said | {"error": {"code": INVALID_PARAMS, "message": "invalid argument"}}


def answer(request: Request) -> Answer:
    """The answers to a batch, in another order than it asks."""
    if request.path.strip("/"):
        return error(404)
    head = request.market.chain.block_at(request.now_ms // SECOND_MS)
    try:
        calls = json.loads(request.body or b"")
        answers = [_one(request, call, head) for call in calls]
    except (ValueError, KeyError, TypeError):
        return failure(-32700, "parse error")
    return json_answer(answers[::-1])


PAGES = (Page(("mainnet.gateway.tenderly.co",), answer, error, envelope, _rows, Budget(600, 60), takes_post=True),)
