"""Positions closed by force: the further a coin falls in a day the more longs, the further it rises the more shorts."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from flows.simulator.candles import Candle
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS, HOUR_MS
from flows.simulator.market import Market

# How large a venue's contracts in USDT are beside those of a middling venue, and for each what is settled in the coin.
SIZES = {"Binance": 6.0, "Bybit": 3.0, "OKX": 2.0}
IN_COIN = 0.25
USUAL = 2e-6  # of the turnover, on a day without a move
DEPTH = 0.15  # times the square of the move


class Liquidated(NamedTuple):
    """What one venue closed by force on a day, or in what has passed of it.

    Attributes:
        long_usd: Value of the longs.
        short_usd: Value of the shorts.
    """

    long_usd: float
    short_usd: float


def liquidated(venue: str, ticker: str, day: Candle, share: float) -> Liquidated:
    """What a day did to those who had borrowed.

    Args:
        venue: Whose customers.
        ticker: The coin.
        day: The coin's day at the main venue, or what has passed of it.
        share: The size of the venue; that of a middling one is 1.
    """
    key = key_of(venue, ticker, "liquidations")
    number = day.start_ms // DAY_MS

    def side(move: float, stream: int) -> float:
        chance = 0.6 + 0.8 * unit(key, number, stream)
        return round(day.turnover * share * chance * (USUAL + DEPTH * move**2), 4)

    return Liquidated(side(1 - day.low / day.open, 1), side(day.high / day.open - 1, 2))


class Closed(NamedTuple):
    """One position that was closed by force.

    Attributes:
        at_ms: When.
        number: Which one of the venue's it is.
        ticker: The coin.
        is_long: Whether the position was long.
        usd: Its value at the price.
        price: What a coin was worth then.
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


# Of one side on one day: how many positions, and how many more for each tenth that the coin moved against them.
FEWEST, MOST, PER_TENTH = 1, 4, 12
EVENING = 20.0  # on such days most of them are closed in the three hours from then on
MOST_A_DAY = 1000


class Venue(NamedTuple):
    """Whose liquidations they are.

    Attributes:
        name: Our name of the venue.
        tickers: The coins that trade there.
        share: The size of the venue; that of a middling one is 1.
        calm: The chance that a day of a coin passes without any.
    """

    name: str
    tickers: tuple[str, ...]
    share: float
    calm: float = 0.0


@lru_cache(maxsize=20_000)
def closed_on(market: Market, venue: Venue, number: int) -> tuple[Closed, ...]:
    """The positions that a venue closed on a day, oldest first, whether they may be seen yet or not."""
    found = [one for place, ticker in enumerate(venue.tickers) for one in _closed(market, venue, place, ticker, number)]
    return tuple(sorted(found))


def _closed(market: Market, venue: Venue, place: int, ticker: str, number: int) -> Iterator[Closed]:
    series, key = market.spot.series(ticker), key_of(venue.name, ticker, "closed")
    if number * DAY_MS < series.first_ms or unit(key, number) < venue.calm:
        return
    day = series.day(number)
    sums = liquidated(venue.name, ticker, day, venue.share)
    first = (number * len(venue.tickers) + place) * MOST_A_DAY
    for is_long, move, usd in (
        (True, 1 - day.low / day.open, sums.long_usd),
        (False, day.high / day.open - 1, sums.short_usd),
    ):
        chance = key_of(key, number, is_long)
        count = FEWEST + round((MOST - FEWEST) * unit(chance, 0) + PER_TENTH * 10 * move)
        weights = [0.2 + unit(chance, one, 1) for one in range(count)]
        for one, weight in enumerate(weights):
            hour = unit(chance, one, 2) * 24
            if unit(chance, one, 3) < 5 * move:
                hour = EVENING + hour / 8
            at_ms = number * DAY_MS + round(hour * HOUR_MS)
            then = series.hour(at_ms // HOUR_MS)
            price = then.open + (then.close - then.open) * (at_ms % HOUR_MS) / HOUR_MS
            yield Closed(at_ms, first + 2 * one + is_long, ticker, is_long, usd * weight / sum(weights), price)


def closed_before(market: Market, venue: Venue, end_ms: int, oldest_ms: int) -> Iterator[Closed]:
    """The positions that a venue closed up to a moment, newest first."""
    for number in range(end_ms // DAY_MS, oldest_ms // DAY_MS - 1, -1):
        yield from (one for one in reversed(closed_on(market, venue, number)) if oldest_ms <= one.at_ms <= end_ms)


def at_perpetual(venue: str, ticker: str, quote: str, day: Candle) -> Liquidated:
    """What a day did at one of a large venue's perpetuals, whoever tells of it.

    Args:
        venue: One of `SIZES`.
        ticker: The coin.
        quote: `USDT`, or `USD` where it is settled in the coin.
        day: The coin's day at the main venue, or what has passed of it.
    """
    return liquidated(f"{venue} {quote}", ticker, day, SIZES[venue] * (1.0 if quote == "USDT" else IN_COIN))
