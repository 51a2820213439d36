"""The smaller won venues: each follows Upbit's market at a price and with a turnover of its own."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from flows.simulator.candles import HOURS, Candle, Series, shown
from flows.simulator.chance import bell, key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS
from flows.simulator.korea import Korea
from flows.simulator.spot import Mirror, mirrored

KST_MS = 9 * HOUR_MS


class Venue(NamedTuple):
    """A smaller venue.

    Attributes:
        name: Its name, from which its chance is drawn.
        share: What trades there, as a share of what trades at Upbit.
    """

    name: str
    share: float


class Won:
    """Upbit's markets as the smaller venues have them."""

    def __init__(self, korea: Korea, seed: int) -> None:
        self._korea, self._seed = korea, seed
        self._series: dict[tuple[Venue, str], Series] = {}

    def series(self, venue: Venue, market: str) -> Series:
        """One of Upbit's markets at a venue; prices and turnover in won."""
        series = self._series.get((venue, market))
        if series is None:
            series = self._series[venue, market] = self._build(venue, market)
        return series

    def _build(self, venue: Venue, market: str) -> Series:
        leader = self._korea.series(market)
        decimals = -3 if market == "KRW-BTC" else 0
        key = key_of(self._seed, venue.name, market)

        def price(day: int) -> float:
            return float(round(leader.day(day).close * (1 + 0.0007 * bell(key, day)), decimals))

        def turnover(day: int) -> float:
            return leader.day(day).turnover * venue.share * (0.8 + 0.4 * unit(key, day, 2))

        return mirrored(Mirror(leader, price, decimals, turnover, {}), key, leader.first_ms)


class Frame(NamedTuple):
    """How a provider cuts time: how long its periods are, and how far before 00:00 UTC its days begin."""

    step_ms: int
    ahead_ms: int = 0

    def start_ms(self, number: int) -> int:
        """When a period begins, in milliseconds since 1970."""
        return number * self.step_ms - self.ahead_ms


HOURLY = Frame(HOUR_MS)
UTC_DAYS = Frame(DAY_MS)
KOREAN_DAYS = Frame(DAY_MS, KST_MS)


def periods(series: Series, frame: Frame, start_ms: int | None, end_ms: int | None, now_ms: int) -> range:
    """The periods that opened between two moments (both included), not before the listing and not after now."""
    if now_ms < series.first_ms:
        return range(0)
    first = (series.first_ms + frame.ahead_ms) // frame.step_ms
    if start_ms is not None:
        first = max(first, math.ceil((start_ms + frame.ahead_ms) / frame.step_ms))
    last = ((now_ms if end_ms is None else min(end_ms, now_ms)) + frame.ahead_ms) // frame.step_ms
    return range(first, last + 1)


def candles(series: Series, frame: Frame, numbers: Sequence[int], now_ms: int) -> list[Candle]:
    """The candles of these periods as they stand now; a day is the sum of its hours, wherever it begins."""
    return [_together(series, frame, number, now_ms) for number in numbers]


def _together(series: Series, frame: Frame, number: int, now_ms: int) -> Candle:
    start_ms = frame.start_ms(number)
    span = min(frame.step_ms // HOUR_MS, HOURS)
    indexes = [
        index
        for index in range(start_ms // HOUR_MS, start_ms // HOUR_MS + span)
        if series.first_ms < (index + 1) * HOUR_MS and index * HOUR_MS <= now_ms
    ]
    hours = [_traded(hour) for hour in shown(series, HOUR_MS, indexes, now_ms)]
    return Candle(
        start_ms,
        hours[0].open,
        max(hour.high for hour in hours),
        min(hour.low for hour in hours),
        hours[-1].close,
        round(sum(hour.volume for hour in hours), 8),
        round(sum(hour.turnover for hour in hours), 5),
    )


def _traded(hour: Candle) -> Candle:
    """An hour whose quantity is its turnover over a price of its own, so that any sum of hours has a mean price."""
    middle = (hour.open + hour.high + hour.low + hour.close) / 4
    return hour._replace(volume=round(hour.turnover / middle, 8), turnover=round(hour.turnover, 5))
