"""Requests to an Ethereum node: batches of calls, and the search for a block by its time. Nothing here does I/O."""

from collections.abc import Generator, Mapping
from typing import Any

import orjson

from expectations.errors import (
    NotYetPublished,
    PayloadChanged,
    PipelineError,
    SourceRefused,
    SourceUnavailable,
    brief,
    quoted,
)
from flows.source import Answer, Request, among
from transforms.formats.ethereum_rpc import SLOT_SECONDS, Block, block_of, results

# The first proof-of-stake block; since then, blocks come every 12 seconds or a multiple of that.
MERGE = Block(15_537_394, 1_663_224_179)
# Slightly longer than the average block time, 12.05 to 12.12 seconds, so that a search approaches from below: it does
# not ask for blocks that do not exist yet, and over a day it falls at most ten minutes short.
PACE_SECONDS = 12.13
MOST_STEPS = 12

# JSON-RPC error codes of a wrong request. All other errors may be temporary.
OUR_FAULT = {-32700, -32600, -32601, -32602}
TOO_MUCH = ("block range", "too many results", "more than 10000", "response size")

Call = tuple[str, list[Any]]


def batch(url: str, *calls: Call, transform: str | None = None, labels: Mapping[str, str] | None = None) -> Request:
    """Several calls in one request, numbered from 0."""
    body = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(calls)
    ]
    return Request(url, method="POST", body=orjson.dumps(body).decode(), transform=transform, labels=dict(labels or {}))


def header_call(number: int) -> Call:
    """A block by its number, without its transactions."""
    return ("eth_getBlockByNumber", [hex(number), False])


def logs_call(address: str, topics: list[Any], first: int, last: int) -> Call:
    """The logs of one contract, from the first to the last block, both included."""
    wanted = {"address": address, "topics": topics, "fromBlock": hex(first), "toBlock": hex(last)}
    return ("eth_getLogs", [wanted])


def state_call(address: str, data: str, number: int) -> Call:
    """A read-only call of a contract, at the state after a block."""
    return ("eth_call", [{"to": address, "data": data}, hex(number)])


def answered(answer: Answer) -> list[Any]:
    """The results of a batch; a null result means that the node does not have the block.

    Raises:
        NotYetPublished: A result is null.
    """
    values = results(answer.json())
    if any(value is None for value in values):
        raise NotYetPublished(f"expected blocks that {answer.request.host} has, found that it lacks one of them")
    return values


def block_before(url: str, instant: int, within: int, *, known: Block = MERGE) -> Generator[Request, Answer, Block]:
    """Search for a block at an instant, or at most `within` seconds before it.

    Args:
        url: The node.
        instant: In seconds since 1970.
        within: How far before the instant the block may lie, in seconds.
        known: A block to start from.

    Returns:
        The block.
    """
    number = _nearer(known, instant)
    for _ in range(MOST_STEPS):
        answer = yield batch(url, header_call(number))
        (header,) = answered(answer)
        block = block_of(header)
        if block.number != number:
            raise PayloadChanged(f"expected block {number}, found {block.number}")
        if instant - within <= block.at <= instant:
            return block
        number = _nearer(block, instant)
    raise PayloadChanged(f"expected to find the block of {instant} in {MOST_STEPS} steps, found {block}")


def _nearer(block: Block, instant: int) -> int:
    seconds = instant - block.at
    if seconds < 0:
        return block.number + seconds // SLOT_SECONDS
    return block.number + max(int(seconds / PACE_SECONDS), 1)


def refusal(answer: Answer) -> PipelineError | None:
    """The JSON-RPC error of the whole batch, or of any call in it."""
    document = answer.json()
    replies = document if isinstance(document, list) else [document]
    for reply in replies:
        if not isinstance(reply, dict):
            return PayloadChanged(f"expected answers of JSON-RPC, found {quoted(reply, 80)}")
        error = reply.get("error")
        if error is None:
            continue
        code = error.get("code") if isinstance(error, dict) else None
        text = brief(error.get("message") if isinstance(error, dict) else error, 160)
        message = f"expected a result from {answer.request.host}, found error {brief(code)}: {text}"
        ours = among(code, OUR_FAULT) or any(sign in text.lower() for sign in TOO_MUCH)
        return SourceRefused(message) if ours else SourceUnavailable(message)
    return None
