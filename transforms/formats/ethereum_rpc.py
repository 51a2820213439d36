"""What an Ethereum node answers: JSON-RPC's envelope, hexadecimal numbers, words of 32 bytes, blocks and their time."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any, NamedTuple

from expectations.errors import PayloadChanged, quoted
from expectations.interval import ONE_DAY, day_start
from transforms.payload import member

DAY_SECONDS = 86_400
WORD = 64  # hexadecimal digits
SLOT_SECONDS = 12  # between two blocks, where none is missed


class Block(NamedTuple):
    """A block by its number, and when it was made, in seconds since 1970."""

    number: int
    at: int


def results(payload: Any) -> list[Any]:
    """The results of a batch in the order of its calls, which are numbered from 0; a node may answer in any order."""
    if not isinstance(payload, list) or not payload:
        raise PayloadChanged(f"expected a list of answers, found {quoted(payload, 120)}")
    numbered = {member(answer, "id"): member(answer, "result") for answer in payload}
    if len(numbered) != len(payload) or set(numbered) != set(range(len(payload))):
        raise PayloadChanged(f"expected the answers 0 to {len(payload) - 1}, found {sorted(numbered, key=str)}")
    return [numbered[number] for number in range(len(payload))]


def quantity(text: Any) -> int:
    """A number as nodes write it, 0x1294bb2."""
    if not isinstance(text, str) or not text.startswith("0x"):
        raise PayloadChanged(f"expected a hexadecimal number, found {quoted(text, 80)}")
    try:
        return int(text, 16)
    except ValueError as odd:
        raise PayloadChanged(f"expected a hexadecimal number, found {text[:80]!r}") from odd


def words(data: Any, count: int) -> list[int]:
    """`count` words of 32 bytes, each read as a whole number."""
    if not isinstance(data, str) or len(data) != len("0x") + count * WORD:
        raise PayloadChanged(f"expected {count} words of 32 bytes, found {quoted(data, 80)}")
    digits = data.removeprefix("0x")
    return [quantity("0x" + digits[place : place + WORD]) for place in range(0, len(digits), WORD)]


def was_removed(log: Any) -> bool:
    """Whether a log's block was replaced by another one; some nodes state it only then."""
    return log.get("removed") not in {None, False}


def address_of(topic: Any) -> str:
    """The address that a topic of 32 bytes holds, in lower case."""
    (value,) = words(topic, 1)
    return f"0x{value:040x}"


def topic_of(address: str) -> str:
    """An address as a topic of 32 bytes."""
    return "0x" + address.removeprefix("0x").lower().zfill(WORD)


def block_of(header: Any) -> Block:
    """A block's number and time, as `eth_getBlockByNumber` gives them."""
    return Block(quantity(member(header, "number")), quantity(member(header, "timestamp")))


class Clock:
    """When the blocks between some known ones were made.

    A block is made 12 seconds after the one before it, or a multiple of that where proposers missed their slots. Missed
    slots are spread evenly between two known blocks: a time is then wrong by less than `bound` seconds.
    """

    def __init__(self, known: Iterable[Block]) -> None:
        self.known: Sequence[Block] = sorted(set(known))
        for before, after in pairwise(self.known):
            if after.at - before.at < SLOT_SECONDS * (after.number - before.number):
                raise PayloadChanged(f"expected {SLOT_SECONDS} seconds or more between blocks, found {before}, {after}")
        if len(self.known) < 2:  # noqa: PLR2004  the first and the last of a range
            raise PayloadChanged(f"expected the first and the last block, found {len(self.known)} blocks")

    @property
    def first(self) -> Block:
        """The first block that is known."""
        return self.known[0]

    @property
    def last(self) -> Block:
        """The last block that is known."""
        return self.known[-1]

    @property
    def bound(self) -> int:
        """The most seconds by which a time may be wrong."""
        return max(
            (after.at - before.at) - SLOT_SECONDS * (after.number - before.number)
            for before, after in pairwise(self.known)
        )

    def require_around(self, day: date) -> None:
        """Refuse blocks that do not reach from before a UTC day to after it."""
        start, end = (day_start(bound).timestamp() for bound in (day, day + ONE_DAY))
        if not self.first.at <= start < end <= self.last.at:
            span = [datetime.fromtimestamp(block.at, UTC) for block in (self.first, self.last)]
            raise PayloadChanged(f"expected blocks from before {day} to after it, found {span[0]} to {span[1]}")

    def at(self, log: Any) -> float:
        """When a log was written, in seconds since 1970: as the node states it, else by its block."""
        stamp = log.get("blockTimestamp")
        return self._made(quantity(member(log, "blockNumber"))) if stamp is None else float(quantity(stamp))

    def knows_day(self, log: Any) -> bool:
        """Whether it is certain on which UTC day a log was written."""
        if log.get("blockTimestamp") is not None:
            return True
        number = quantity(member(log, "blockNumber"))
        before, after = self._around(number)
        if number in {before.number, after.number}:
            return True
        earliest = before.at + SLOT_SECONDS * (number - before.number)
        latest = after.at - SLOT_SECONDS * (after.number - number)
        return earliest // DAY_SECONDS == latest // DAY_SECONDS

    def _made(self, number: int) -> float:
        before, after = self._around(number)
        share = (number - before.number) / (after.number - before.number)
        return before.at + share * (after.at - before.at)

    def _around(self, number: int) -> tuple[Block, Block]:
        """The known blocks around a block; one of them may be the block itself."""
        if not self.first.number <= number <= self.last.number:
            raise PayloadChanged(f"expected blocks {self.first.number} to {self.last.number}, found {number}")
        place = min(bisect_right(self.known, number, key=lambda block: block.number), len(self.known) - 1)
        return self.known[place - 1], self.known[place]
