"""Seeded chance with random access: the same question always draws the same number.

A path that is asked for any day, in any order, cannot come from one running generator. Each
draw here is a pure function of a key (seed and name) and of counters such as the day.
"""

import hashlib

_MASK = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """Make the key of one named source of chance, such as seed, ticker and "wicks"."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def unit(key: int, counter: int, stream: int = 0) -> float:
    """Draw evenly from 0 to 1; `stream` keeps several draws for one counter apart."""
    mixed = (key + counter * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) / (_MASK + 1)


def bell(key: int, counter: int, stream: int = 0) -> float:
    """Draw around 0 with variance 1, never beyond ±3 (a sum of three even draws)."""
    first = stream * 3
    return 2 * sum(unit(key, counter, first + part) for part in (1, 2, 3)) - 3
