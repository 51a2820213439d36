"""Ethereum: blocks and their times, and the rate updates that a lending protocol writes into them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import exp
from threading import Lock
from typing import NamedTuple

from flows.simulator.instants import DAY_S
from flows.simulator.lending import AAVE_USDC, AAVE_USDT, FIRST_DAY, Lending, borrow_of
from flows.simulator.seeded_random import key_of, unit

MERGE_BLOCK, MERGE_AT = 15_537_394, 1_663_224_179
SLOT_S = 12
# One of each hundred slots, drawn at random, has no block.
TURNS, BLOCKS = 100, 99

HOUR_S = 3600
FIRST_HOUR = FIRST_DAY * DAY_S // HOUR_S
RAY = 10**27
YEAR_S = 31_536_000
RESERVES = {
    "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48": AAVE_USDC,
    "0xdac17f958d2ee523a2206206994597c13d831ec7": AAVE_USDT,
}
TWICE_EVERY = 7  # hours: such a block has two updates, of which only the second counts


class Update(NamedTuple):
    """A rate update of the pool; rates and indices in units of 1e-27.

    Attributes:
        block: Its block.
        place: Its place among the logs of the block.
        reserve: The token's address.
        words: Deposit rate, stable rate, borrow rate, deposit index, borrow index.
    """

    block: int
    place: int
    reserve: str
    words: tuple[int, int, int, int, int]


class Chain:
    """The blocks since the merge, and the updates of two reserves, one soon after each full hour."""

    def __init__(self, lending: Lending, seed: int) -> None:
        self._lending = lending
        self._key = key_of(seed, "ethereum")
        self._lock = Lock()
        self._updates: dict[str, list[Update]] = {reserve: [] for reserve in RESERVES}

    def time_of(self, block: int) -> int:
        """The time of a block, in seconds since 1970."""
        group, place = divmod(block - MERGE_BLOCK, BLOCKS)
        return MERGE_AT + SLOT_S * (group * TURNS + place + (place >= self._missed(group)))

    def block_at(self, second: int) -> int:
        """The newest block at an instant."""
        group, turn = divmod((second - MERGE_AT) // SLOT_S, TURNS)
        return MERGE_BLOCK + group * BLOCKS + turn - (turn >= self._missed(group))

    def standing(self, pool: str, second: int) -> float:
        """The deposit rate of a pool at an instant, as a fraction per year."""
        return self._lending.standing(pool, second // HOUR_S) / 100

    def updates(self, reserve: str, first: int, last: int) -> Sequence[Update]:
        """The updates of a reserve between two blocks, both included."""
        known = self._updates[reserve]
        with self._lock:
            hour = self.time_of(known[-1].block) // HOUR_S + 1 if known else FIRST_HOUR
            while self._block_of(reserve, hour) <= last:
                known.extend(self._made(reserve, hour, known))
                hour += 1
        start = bisect_left(known, first, key=lambda update: update.block)
        return known[start : bisect_right(known, last, key=lambda update: update.block)]

    def _missed(self, group: int) -> int:
        """The slot of a hundred that has no block, never the first: slots are counted by the blocks before it."""
        return 1 + int(unit(self._key, group) * BLOCKS)

    def _block_of(self, reserve: str, hour: int) -> int:
        """The block of an hour's update, some seconds after the full hour."""
        return self.block_at(hour * HOUR_S + 24 + int(30 * unit(key_of(reserve), hour)))

    def _made(self, reserve: str, hour: int, known: Sequence[Update]) -> list[Update]:
        block, place = self._block_of(reserve, hour), 10 + 40 * list(RESERVES).index(reserve)
        supply = self._lending.standing(RESERVES[reserve], hour) / 100
        indices = _grown(known[-1], self.time_of(block) - self.time_of(known[-1].block)) if known else (RAY, RAY)
        made = [(place, supply)]
        if hour % TWICE_EVERY == 0:
            made.insert(0, (place - 5, supply * 1.5))
        return [Update(block, where, reserve, (_ray(rate), 0, _ray(borrow_of(rate)), *indices)) for where, rate in made]


def _ray(rate: float) -> int:
    """A fraction in units of 1e-27."""
    return round(rate * 10**12) * 10**15


def _grown(update: Update, seconds: int) -> tuple[int, int]:
    """Both indices after so many seconds: deposits grow linearly, debts by compound interest."""
    supply, _, borrow, supply_index, borrow_index = update.words
    debt = round(exp(borrow / RAY * seconds / YEAR_S) * 10**15) * 10**12
    return supply_index * (RAY + supply * seconds // YEAR_S) // RAY, borrow_index * debt // RAY
