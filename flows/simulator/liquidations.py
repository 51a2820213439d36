"""Liquidations: the more a coin falls within a day the more longs are closed, the more it rises the more shorts."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flows.simulator.candles import Candle
from flows.simulator.instants import DAY_MS, HOUR_MS
from flows.simulator.market import Market
from flows.simulator.seeded_random import key_of, unit

# The size of a venue's contracts in USDT, as a multiple of a medium venue, and of those settled in the coin beside it.
SIZES = {"Binance": 6.0, "Bybit": 3.0, "OKX": 2.0}
IN_COIN = 0.25
USUAL = 2e-6  # of the turnover, on a day without a move
DEPTH = 0.15  # times the square of the move

# Positions of one side on one day: at least, at most without a move, and more for each tenth of a move against them.
FEWEST, MOST, PER_TENTH = 1, 4, 12
EVENING = 20.0  # the hour from which most are closed, within three hours, on a day of a large move
MOST_A_DAY = 1000


class Liquidated(NamedTuple):
    """The liquidations of a venue on a day, or in what has passed of it.

    Attributes:
        long_usd: Value of the longs.
        short_usd: Value of the shorts.
    """

    long_usd: float
    short_usd: float


def liquidated(venue: str, ticker: str, day: Candle, share: float) -> Liquidated:
    """The liquidations of a day.

    Args:
        venue: The venue.
        ticker: The coin.
        day: The candle of the coin's day at the main venue, or of what has passed of it.
        share: The size of the venue; 1 is a medium one.
    """
    key = key_of(venue, ticker, "liquidations")
    number = day.start_ms // DAY_MS

    def side(move: float, stream: int) -> float:
        factor = 0.6 + 0.8 * unit(key, number, stream)
        return round(day.turnover * share * factor * (USUAL + DEPTH * move**2), 4)

    return Liquidated(side(1 - day.low / day.open, 1), side(day.high / day.open - 1, 2))


def at_perpetual(venue: str, ticker: str, quote: str, day: Candle) -> Liquidated:
    """The liquidations of a day at a perpetual of a large venue, as every provider reports them.

    Args:
        venue: One of `SIZES`.
        ticker: The coin.
        quote: `USDT`, or `USD` if it is settled in the coin.
        day: The candle of the coin's day at the main venue, or of what has passed of it.
    """
    return liquidated(f"{venue} {quote}", ticker, day, SIZES[venue] * (1.0 if quote == "USDT" else IN_COIN))


class Closed(NamedTuple):
    """A liquidated position.

    Attributes:
        at_ms: When it was closed, in milliseconds since 1970.
        number: Its number among the venue's.
        ticker: The coin.
        is_long: Whether the position was long.
        usd: Its value at the price.
        price: The price of a coin then, in USD.
    """

    at_ms: int
    number: int
    ticker: str
    is_long: bool
    usd: float
    price: float

    @property
    def coins(self) -> float:
        """Its size."""
        return self.usd / self.price


class Venue(NamedTuple):
    """A venue whose single liquidations are published.

    Attributes:
        name: Our name of the venue.
        tickers: The coins that trade there.
        share: The size of the venue; 1 is a medium one.
        calm: The probability that a day of a coin passes without any.
    """

    name: str
    tickers: tuple[str, ...]
    share: float
    calm: float = 0.0


@lru_cache(maxsize=20_000)
def closed_on(market: Market, venue: Venue, number: int) -> tuple[Closed, ...]:
    """The positions that a venue closed on a day, oldest first, including those after now."""
    return tuple(sorted(row for place in range(len(venue.tickers)) for row in _closed(market, venue, place, number)))


def _closed(market: Market, venue: Venue, place: int, number: int) -> Iterator[Closed]:
    ticker = venue.tickers[place]
    series, key = market.spot.series(ticker), key_of(venue.name, ticker, "closed")
    if number * DAY_MS < series.first_ms or unit(key, number) < venue.calm:
        return
    day = series.day(number)
    sums = liquidated(venue.name, ticker, day, venue.share)
    first = (number * len(venue.tickers) + place) * MOST_A_DAY
    sides = ((True, 1 - day.low / day.open, sums.long_usd), (False, day.high / day.open - 1, sums.short_usd))
    for is_long, move, usd in sides:
        draw = key_of(key, number, is_long)
        count = FEWEST + round((MOST - FEWEST) * unit(draw, 0) + PER_TENTH * 10 * move)
        weights = [0.2 + unit(draw, position, 1) for position in range(count)]
        for position, weight in enumerate(weights):
            hour = unit(draw, position, 2) * 24
            if unit(draw, position, 3) < 5 * move:
                hour = EVENING + hour / 8
            at_ms = number * DAY_MS + round(hour * HOUR_MS)
            then = series.hour(at_ms // HOUR_MS)
            price = then.open + (then.close - then.open) * (at_ms % HOUR_MS) / HOUR_MS
            yield Closed(at_ms, first + 2 * position + is_long, ticker, is_long, usd * weight / sum(weights), price)


def closed_before(market: Market, venue: Venue, end_ms: int, oldest_ms: int) -> Iterator[Closed]:
    """The positions that a venue closed between two moments, both included, newest first."""
    for number in range(end_ms // DAY_MS, oldest_ms // DAY_MS - 1, -1):
        yield from (row for row in reversed(closed_on(market, venue, number)) if oldest_ms <= row.at_ms <= end_ms)
