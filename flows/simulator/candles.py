"""Candles: a day, its 24 hours, and what of them may be seen at a given moment."""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flows.simulator.chance import bell, unit
from flows.simulator.instants import DAY_MS, HOUR_MS

HOURS = 24


class Candle(NamedTuple):
    """What traded in one hour or one UTC day.

    Attributes:
        start_ms: When it opened, in milliseconds since 1970.
        open: First price, in the quote currency.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: What changed hands, in units of the base asset.
        turnover: The same in the quote currency.
    """

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float


@dataclass(frozen=True)
class Scene:
    """How a scripted day unfolds.

    Attributes:
        peak: The hour, UTC, that holds the day's high.
        trough: The hour that holds its low.
        waypoints: Hour of the day and how high the price then stood, from 0 (low) to 1 (high).
    """

    peak: int
    trough: int
    waypoints: tuple[tuple[int, float], ...] = ()


class Series:
    """One traded pair at one venue: daily candles, each of which can be cut into hours."""

    def __init__(
        self,
        key: int,
        first_ms: int,
        decimals: int,
        make_day: Callable[[int], Candle],
        scenes: Mapping[int, Scene],
        leader: "Series | None" = None,
    ) -> None:
        self.first_ms = first_ms
        self._key = key
        # Who follows another pair rises and falls in the same hours.
        self.rhythm: int = key if leader is None else leader.rhythm
        self._decimals = decimals
        self._make_day = make_day
        self._scenes = scenes
        self._days: dict[int, Candle] = {}
        self._hours: dict[int, list[Candle]] = {}

    def day(self, number: int) -> Candle:
        """The finished candle of a UTC day, given as days since 1970."""
        candle = self._days.get(number)
        if candle is None:
            candle = self._days[number] = self._make_day(number)
        return candle

    def hours(self, number: int) -> list[Candle]:
        """The finished hours of a UTC day; they add up to the day's candle."""
        hours = self._hours.get(number)
        if hours is None:
            hours = self._hours[number] = self._cut(number)
        return hours

    def hour(self, index: int) -> Candle:
        """The finished candle of one hour, given as hours since 1970."""
        hours = self.hours(index // HOURS)
        return hours[index % HOURS - (HOURS - len(hours))]

    def _cut(self, number: int) -> list[Candle]:
        day = self.day(number)
        begin = max(self.first_ms - day.start_ms, 0) // HOUR_MS
        scene = self._scenes.get(number) or self._scene(number, begin)
        closes = self._closes(day, number, begin, scene)
        weights = [
            (0.4 + unit(self._key, number * HOURS + hour, 7)) * (4 if hour in (scene.peak, scene.trough) else 1)
            for hour in range(begin, HOURS)
        ]
        shares = [weight / sum(weights) for weight in weights]
        hours = []
        opened = day.open
        for hour, close, share in zip(range(begin, HOURS), closes, shares, strict=True):
            reach = (day.high - day.low) * 0.03 * unit(self._key, number * HOURS + hour, 8)
            high = day.high if hour == scene.peak else min(max(opened, close) + reach, day.high)
            low = day.low if hour == scene.trough else max(min(opened, close) - reach, day.low)
            hours.append(
                Candle(
                    day.start_ms + hour * HOUR_MS,
                    opened,
                    round(high, self._decimals),
                    round(low, self._decimals),
                    close,
                    round(day.volume * share, 5),
                    day.turnover * share,
                )
            )
            opened = close
        return hours

    def _scene(self, number: int, begin: int) -> Scene:
        span = HOURS - begin
        peak = begin + int(unit(self.rhythm, number, 5) * span)
        trough = begin + int(unit(self.rhythm, number, 6) * span)
        return Scene(peak, trough)

    def _closes(self, day: Candle, number: int, begin: int, scene: Scene) -> list[float]:
        """The price at the end of each hour: by way of high, low and waypoints to the close."""
        stations = {float(begin): day.open, float(HOURS): day.close}
        stations[scene.trough + 0.5] = day.low
        stations[scene.peak + 0.5] = day.high
        for hour, height in scene.waypoints:
            stations[float(hour)] = day.low + (day.high - day.low) * height
        times = sorted(stations)
        closes = []
        for hour in range(begin + 1, HOURS):
            after = bisect_right(times, hour)
            before = times[after - 1]
            share = (hour - before) / (times[after] - before)
            price = stations[before] + (stations[times[after]] - stations[before]) * share
            price += (day.high - day.low) * 0.02 * bell(self.rhythm, number * HOURS + hour, 9)
            closes.append(round(min(max(price, day.low), day.high), self._decimals))
        return [*closes, day.close]


def window(series: Series, step_ms: int, start_ms: int | None, end_ms: int | None, now_ms: int) -> range:
    """The candles that opened between two moments (both included) and not after now.

    Returns:
        Their numbers, counted in steps since 1970; slicing them is free.
    """
    if now_ms < series.first_ms:
        return range(0)
    first = series.first_ms // step_ms
    if start_ms is not None:
        first = max(first, math.ceil(start_ms / step_ms))
    last = (now_ms if end_ms is None else min(end_ms, now_ms)) // step_ms
    return range(first, last + 1)


def shown(series: Series, step_ms: int, numbers: Sequence[int], now_ms: int) -> list[Candle]:
    """The candles of these numbers as they stand now: the running one holds only what has happened."""
    daily = step_ms == DAY_MS
    candles = []
    for number in numbers:
        if (number + 1) * step_ms > now_ms:
            candles.append(_running_day(series, number, now_ms) if daily else _opened(series.hour(number)))
        else:
            candles.append(series.day(number) if daily else series.hour(number))
    return candles


def _opened(hour: Candle) -> Candle:
    """The running hour: its opening trade has happened, the rest has not."""
    return Candle(hour.start_ms, hour.open, hour.open, hour.open, hour.open, 0.0, 0.0)


def _running_day(series: Series, number: int, now_ms: int) -> Candle:
    begun = [hour for hour in series.hours(number) if hour.start_ms <= now_ms]
    if not begun:
        start_ms, opened = number * DAY_MS, series.day(number).open
        return Candle(start_ms, opened, opened, opened, opened, 0.0, 0.0)
    hours = [*begun[:-1], _opened(begun[-1])]
    return Candle(
        number * DAY_MS,
        hours[0].open,
        max(hour.high for hour in hours),
        min(hour.low for hour in hours),
        hours[-1].close,
        round(sum(hour.volume for hour in hours), 5),
        sum(hour.turnover for hour in hours),
    )
