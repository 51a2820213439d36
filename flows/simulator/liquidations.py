"""Positions closed by force: the further a coin falls in a day the more longs, the further it rises the more shorts."""

from typing import NamedTuple

from flows.simulator.candles import Candle
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS

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
        number: Which one of the venue, the coin and the day it is.
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


# Of one day: how many positions on either side, and how many more when the coin moved by a tenth against them.
FEWEST, MOST, PER_TENTH = 1, 4, 12
EVENING = 20  # in a fall it is then that most are closed


@lru_cache(maxsize=50_000)
def closed(market: Market, venue: str, ticker: str, number: int, share: float, calm: float = 0.0) -> tuple[Closed, ...]:
    """The positions in a coin that one venue closed on a day, oldest first; together they are what `liquidated` tells.

    Args:
        market: The world.
        venue: Whose customers.
        ticker: The coin.
        number: The day, as days since 1970.
        share: The size of the venue; that of a middling one is 1.
        calm: The chance that a day passes without any.
    """
    series, key = market.spot.series(ticker), key_of(venue, ticker, "closed")
    if number * DAY_MS < series.first_ms or unit(key, number) < calm:
        return ()
    day = series.day(number)
    sums = liquidated(venue, ticker, day, share)
    sides = ((True, 1 - day.low / day.open, sums.long_usd), (False, day.high / day.open - 1, sums.short_usd))
    found = []
    for is_long, move, usd in sides:
        chance = key_of(key, is_long, number)
        count = FEWEST + round((MOST - FEWEST) * unit(chance, 0) + PER_TENTH * 10 * move)
        weights = [0.2 + unit(chance, place, 1) for place in range(count)]
        for place, weight in enumerate(weights):
            hour = EVENING + unit(chance, place, 2) * 3 if unit(chance, place, 3) < 5 * move else 24 * unit(chance, place, 2)
            at_ms = number * DAY_MS + round(hour * HOUR_MS)
            then = series.hour(at_ms // HOUR_MS)
            price = then.open + (then.close - then.open) * (at_ms % HOUR_MS) / HOUR_MS
            found.append(Closed(at_ms, 2 * place + is_long, ticker, is_long, usd * weight / sum(weights), price))
    return tuple(sorted(found))
