"""Candles: days, their 24 hours, and how they stand at a given moment."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from flows.simulator.instants import DAY_MS, HOUR_MS, number_of, steps
from flows.simulator.script import SCENES, Scene
from flows.simulator.seeded_random import bell, unit

HOURS = 24
_SCENES = {number_of(day): scene for day, scene in SCENES.items()}


class Candle(NamedTuple):
    """The trades of one hour or one day.

    Attributes:
        start_ms: When it opened, in milliseconds since 1970.
        open: First price, in the quote currency.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: The amount traded, in units of the base asset.
        turnover: The same in the quote currency.
    """

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float


class Series:
    """A pair at a venue: daily candles, each of which can be cut into hours.

    Attributes:
        first_ms: When it was listed, in milliseconds since 1970.
        day: The finished candle of a UTC day, given as days since 1970.
        hours: The finished hours of a UTC day; they add up to the candle of the day.
        rhythm: The key of the hours in which it rises and falls; a pair that follows another one has the same.
    """

    def __init__(
        self, key: int, first_ms: int, decimals: int, make_day: Callable[[int], Candle], leader: "Series | None" = None
    ) -> None:
        self.first_ms = first_ms
        self.day: Callable[[int], Candle] = cache(make_day)
        self.hours: Callable[[int], list[Candle]] = cache(self._cut)
        self.rhythm: int = key if leader is None else leader.rhythm
        self._key = key
        self._decimals = decimals

    def hour(self, index: int) -> Candle:
        """The finished candle of one hour, given as hours since 1970."""
        hours = self.hours(index // HOURS)
        return hours[index % HOURS - (HOURS - len(hours))]

    def _cut(self, number: int) -> list[Candle]:
        day = self.day(number)
        begin = max(self.first_ms - day.start_ms, 0) // HOUR_MS
        scene = _SCENES.get(number) or self._scene(number, begin)
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
        """The price at the end of each hour, by way of the high, the low and the waypoints to the close."""
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


class Frame(NamedTuple):
    """The periods of a provider: their length, and by how much its days begin before 00:00 UTC."""

    step_ms: int
    ahead_ms: int = 0


HOURLY = Frame(HOUR_MS)
UTC_DAYS = Frame(DAY_MS)
KOREAN_DAYS = Frame(DAY_MS, 9 * HOUR_MS)


def window(series: Series, frame: Frame, start_ms: int, end_ms: int, now_ms: int) -> range:
    """The periods that opened between two moments (both included), since the listing and not after now.

    Returns:
        Their numbers, counted in periods since 1970.
    """
    if now_ms < series.first_ms:
        return range(0)
    first = (series.first_ms + frame.ahead_ms) // frame.step_ms
    opened = steps(frame.step_ms, start_ms + frame.ahead_ms, min(end_ms, now_ms) + frame.ahead_ms)
    return range(max(first, opened.start), opened.stop)


def shown(series: Series, step_ms: int, numbers: Sequence[int], now_ms: int) -> list[Candle]:
    """The candles of these UTC days or hours as they stand now: the current one has only what has happened."""
    daily = step_ms == DAY_MS
    candles = []
    for number in numbers:
        if (number + 1) * step_ms > now_ms:
            candles.append(_current_day(series, number, now_ms) if daily else _opened(series.hour(number)))
        else:
            candles.append(series.day(number) if daily else series.hour(number))
    return candles


def summed(series: Series, frame: Frame, numbers: Sequence[int], now_ms: int) -> list[Candle]:
    """The candles of these periods as they stand now, each the sum of its hours, so that a day may begin at any hour.

    The volume of an hour is its turnover divided by a price of its own, so that any sum of hours has a mean price.
    """
    candles = []
    for number in numbers:
        start_ms = number * frame.step_ms - frame.ahead_ms
        first = max(start_ms, series.first_ms) // HOUR_MS
        last = min(start_ms + frame.step_ms - 1, now_ms) // HOUR_MS
        hours = shown(series, HOUR_MS, range(first, last + 1), now_ms)
        volumes = [round(hour.turnover / ((hour.open + hour.high + hour.low + hour.close) / 4), 8) for hour in hours]
        turnover = sum(round(hour.turnover, 5) for hour in hours)
        day = _together(start_ms, hours)
        candles.append(day._replace(volume=round(sum(volumes), 8), turnover=round(turnover, 5)))
    return candles


def _together(start_ms: int, hours: Sequence[Candle]) -> Candle:
    return Candle(
        start_ms,
        hours[0].open,
        max(hour.high for hour in hours),
        min(hour.low for hour in hours),
        hours[-1].close,
        round(sum(hour.volume for hour in hours), 5),
        sum(hour.turnover for hour in hours),
    )


def _opened(hour: Candle) -> Candle:
    """The current hour: its first trade has happened, the rest has not."""
    return Candle(hour.start_ms, hour.open, hour.open, hour.open, hour.open, 0.0, 0.0)


def _current_day(series: Series, number: int, now_ms: int) -> Candle:
    begun = [hour for hour in series.hours(number) if hour.start_ms <= now_ms]
    if not begun:
        return _opened(series.day(number))
    return _together(number * DAY_MS, [*begun[:-1], _opened(begun[-1])])
