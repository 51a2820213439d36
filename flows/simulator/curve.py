"""A path over UTC days that passes through scripted pillars and is random in between."""

import math
import random
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from flows.simulator.instants import month_start, next_month, number_of
from flows.simulator.seeded_random import key_of, unit

WAVE_PERIODS = (1461, 577, 211)  # days: a cycle of four years, and two shorter ones


class Character(NamedTuple):
    """How a curve moves between and beyond its pillars.

    Attributes:
        wobble: Standard deviation of the random move of a day, as a fraction of the level.
        drift: The range of the level before the first and after the last pillar, as a fraction.
        beta: The part of a move of the followed curve that this one copies.
        low: The lowest value between pillars.
        high: The highest value between pillars.
    """

    wobble: float
    drift: float = 0.0
    beta: float = 0.0
    low: float = 0.0
    high: float = math.inf


class Curve:
    """A positive number for any UTC day: exact at each pillar, a random bridge between two pillars.

    Before the first and after the last pillar the level moves on slow waves, month by month, so that the value of any
    day is independent of earlier questions.
    """

    def __init__(
        self,
        name: str,
        pillars: Mapping[date, float],
        character: Character,
        *,
        seed: int,
        follows: "Curve | None" = None,
    ) -> None:
        ordered = sorted((number_of(day), math.log(value)) for day, value in pillars.items())
        self._name, self._seed = name, seed
        self._days = [day for day, _ in ordered]
        self._logs = [value for _, value in ordered]
        self._character = character
        self._follows = follows
        phase_key = key_of(seed, name, "phase")
        self._phases = [2 * math.pi * unit(phase_key, period) for period in WAVE_PERIODS]
        self._values: dict[int, float] = {}

    def at(self, day: int) -> float:
        """The value on a day, given as days since 1970."""
        value = self._values.get(day)
        if value is None:
            self._fill(day)
            value = self._values[day]
        return value

    def log(self, day: int) -> float:
        """The natural logarithm of the value on a day."""
        return math.log(self.at(day))

    def _wave(self, day: int) -> float:
        turns = zip(WAVE_PERIODS, self._phases, strict=True)
        return sum(math.sin(2 * math.pi * day / period + phase) for period, phase in turns)

    def _beyond(self, day: int, edge: int) -> float:
        """The level, as a logarithm, on a day that lies outside the pillars."""
        level = self._logs[edge] + self._character.drift * (self._wave(day) - self._wave(self._days[edge]))
        if self._follows is not None:
            moved = self._follows.log(day) - self._follows.log(self._days[edge])
            level += self._character.beta * moved
        return level

    def _ends(self, day: int) -> tuple[int, float, int, float]:
        """The pillars before and after a day: day and logarithm of the first, day and logarithm of the second."""
        if day < self._days[0]:
            start, end = month_start(day), next_month(day)
            if end >= self._days[0]:
                return start, self._beyond(start, 0), self._days[0], self._logs[0]
            return start, self._beyond(start, 0), end, self._beyond(end, 0)
        if day >= self._days[-1]:
            start, end = month_start(day), next_month(day)
            if start <= self._days[-1]:
                return self._days[-1], self._logs[-1], end, self._beyond(end, -1)
            return start, self._beyond(start, -1), end, self._beyond(end, -1)
        after = bisect_right(self._days, day)
        return self._days[after - 1], self._logs[after - 1], self._days[after], self._logs[after]

    def _fill(self, day: int) -> None:
        """Compute the whole bridge that contains a day."""
        start, from_log, end, to_log = self._ends(day)
        length = end - start
        dice = random.Random(key_of(self._seed, self._name, start))
        walk = [0.0]
        for _ in range(length):
            walk.append(walk[-1] + dice.gauss(0.0, self._character.wobble))
        swing = self._swing(start, end)
        low, high = self._character.low, self._character.high
        self._values[start] = math.exp(from_log)
        for step in range(1, length):
            share = step / length
            level = from_log + (to_log - from_log) * share + walk[step] - walk[length] * share
            self._values[start + step] = min(max(math.exp(level + swing[step]), low), high)

    def _swing(self, start: int, end: int) -> list[float]:
        """The path of the followed curve between two days, less its straight line, times beta."""
        if self._follows is None:
            return [0.0] * (end - start)
        first, last = self._follows.log(start), self._follows.log(end)
        slope = (last - first) / (end - start)
        beta = self._character.beta
        return [beta * (self._follows.log(start + step) - first - slope * step) for step in range(end - start)]
