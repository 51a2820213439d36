"""Market values of assets: a reference price, and the coins in circulation."""

from flows.simulator.instants import number_of
from flows.simulator.market import Market
from flows.simulator.script import CRASH
from flows.simulator.seeded_random import bell, key_of

# Coins in circulation on the day of the crash, and how many are added each day.
_CIRCULATING = {
    "APT": (542e6, 380e3), "ARB": (4_180e6, 3_000e3), "ARKM": (313e6, 250e3), "BTC": (19_795_000, 450),
    "ETH": (120_440_000, 1_200), "IO": (125e6, 150e3), "OP": (1_350e6, 1_000e3), "SEI": (4_150e6, 3_000e3),
    "SOL": (477e6, 70e3), "SUI": (2_925e6, 2_000e3), "WLD": (830e6, 2_200e3),
}  # fmt: skip
_ANY_OTHER = (1e9, 1e5)


def price(market: Market, ticker: str, day: int) -> float:
    """The reference price at the end of a day, in USD: near the main venue's."""
    close = market.spot.series(ticker).day(day).close
    return close * (1 + 0.0008 * bell(key_of(0, ticker, "reference"), day))


def coins(ticker: str, day: int) -> float:
    """Coins in circulation at the end of a day."""
    known, added = _CIRCULATING.get(ticker, _ANY_OTHER)
    return max(known + added * (day - number_of(CRASH)), known / 4)
