"""Positions closed by force: the further a coin falls in a day the more longs, the further it rises the more shorts."""

from typing import NamedTuple

from flows.simulator.candles import Candle
from flows.simulator.chance import key_of, unit
from flows.simulator.instants import DAY_MS

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


def at_perpetual(venue: str, ticker: str, quote: str, day: Candle) -> Liquidated:
    """What a day did at one of a large venue's perpetuals, whoever tells of it.

    Args:
        venue: One of `SIZES`.
        ticker: The coin.
        quote: `USDT`, or `USD` where it is settled in the coin.
        day: The coin's day at the main venue, or what has passed of it.
    """
    return liquidated(f"{venue} {quote}", ticker, day, SIZES[venue] * (1.0 if quote == "USDT" else IN_COIN))
