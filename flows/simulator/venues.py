"""Further venues: the main venue's coins and swaps at prices and rates of their own.

Each is a pure function of the market, so that no venue has to be listed there.
"""

from functools import lru_cache

from flows.simulator.candles import Series
from flows.simulator.chance import bell, key_of, unit
from flows.simulator.funding import BASELINE, Settlement
from flows.simulator.instants import HOUR_MS, millis_of
from flows.simulator.market import Market
from flows.simulator.spot import OLDEST, Mirror, mirrored

NOISE = 0.0002  # standard deviation of a venue's close against that of the venue it follows
SECOND_MS = 1_000


def plain(number: float, digits: int = 10) -> str:
    """A number as text without an exponent and without closing zeroes."""
    return f"{number:.{digits}f}".rstrip("0").rstrip(".")


@lru_cache(maxsize=256)
def pair(market: Market, venue: str, ticker: str, share: float, *, in_dollars: bool = False) -> Series:
    """A pair at another venue, whose price stays within a thousandth of the one that it follows.

    Args:
        market: The world.
        venue: The venue's name.
        ticker: The coin.
        share: About how much trades here for each dollar at the followed venue.
        in_dollars: Whether the pair is against dollars and follows Coinbase, not against USDT and follows Binance.
    """
    leader = (market.coinbase if in_dollars else market.spot).series(ticker)
    decimals = market.spot.coin(ticker).decimals
    key = key_of(venue, ticker, "venue")

    def price(day: int) -> float:
        return float(round(leader.day(day).close * (1 + NOISE * bell(key, day)), decimals))

    def turnover(day: int) -> float:
        return leader.day(day).turnover * share * (0.8 + 0.4 * unit(key, day, 4))

    return mirrored(Mirror(leader, price, decimals, turnover, {}), key, millis_of(OLDEST))


def payments(market: Market, venue: str, ticker: str, start_ms: int, end_ms: int) -> list[Settlement]:
    """The funding of a swap at another venue between two moments, both included, oldest first.

    Stamped with the full hour; calm swaps pay the baseline everywhere, hot ones differ by some percent.
    """
    key = key_of(venue, ticker, "payments")
    funding = market.funding
    first = max(start_ms, funding.first_ms(ticker, market.spot.coin(ticker)))
    calm = round(BASELINE * funding.interval_hours(ticker) / 8, 8)
    found = []
    for each in funding.settlements(ticker, first, end_ms + SECOND_MS):
        if not start_ms <= each.scheduled_ms <= end_ms:
            continue
        twist = 0.05 * bell(key, each.scheduled_ms // HOUR_MS)
        rate = each.rate if each.rate == calm else round(each.rate * (1 + twist), 8)
        found.append(Settlement(each.scheduled_ms, rate, each.scheduled_ms))
    return found
