"""Seeded random numbers with random access: the same key and counter always give the same number.

A path of which any day may be requested, in any order, cannot come from one running generator. Each number here is a
pure function of a key (seed and name) and of counters such as the day.
"""

import hashlib

_MASK = (1 << 64) - 1


def key_of(*parts: object) -> int:
    """The key of one named sequence of random numbers, such as seed, ticker and "wicks"."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def unit(key: int, counter: int, stream: int = 0) -> float:
    """A uniform number from 0 to 1; `stream` separates several numbers for one counter."""
    mixed = (key + counter * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) / (_MASK + 1)


def bell(key: int, counter: int, stream: int = 0) -> float:
    """A number with mean 0 and variance 1, never beyond ±3: a sum of three uniform numbers."""
    first = stream * 3
    return 2 * sum(unit(key, counter, first + part) for part in (1, 2, 3)) - 3
