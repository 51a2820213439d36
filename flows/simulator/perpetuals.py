"""Funding at the venues that settle by the hour or at other hours: near the main venue's, never the same."""

from flows.simulator.chance import bell, key_of, unit
from flows.simulator.instants import HOUR_MS
from flows.simulator.market import Market

MAIN_HOURS = 8
MAIN_MS = MAIN_HOURS * HOUR_MS


def hours(start_ms: int, end_ms: int) -> range:
    """The full hours between two moments, both included, counted in hours since 1970."""
    return range(-(-start_ms // HOUR_MS), end_ms // HOUR_MS + 1)


def hourly_rates(market: Market, venue: str, ticker: str, ends: range) -> list[float]:
    """What longs paid shorts over each of the hours that end at these full hours.

    Args:
        market: The world.
        venue: Whose rates; each venue is a little hotter or cooler than the main one.
        ticker: The coin.
        ends: The ends of the hours, counted in hours since 1970.

    Returns:
        One fraction per hour each.
    """
    if not ends:
        return []
    first, last = _covering(ends[0]), _covering(ends[-1])
    paid = market.funding.settlements(ticker, first * MAIN_MS, (last + 1) * MAIN_MS - 1)
    per_main = {row.scheduled_ms // MAIN_MS: row.rate / MAIN_HOURS for row in paid}
    key = key_of(venue, ticker, "hourly funding")
    heat = 0.85 + 0.3 * unit(key, 0)
    return [round(per_main[_covering(end)] * (heat + 0.15 * bell(key, end, 1)), 10) for end in ends]


def _covering(end: int) -> int:
    """Which settlement of the main venue covers the hour that ends then."""
    return -(-end // MAIN_HOURS)


def price_at(market: Market, ticker: str, hour: int) -> float:
    """What the coin was worth at a full hour, counted in hours since 1970."""
    return market.spot.series(ticker).hour(hour).open
