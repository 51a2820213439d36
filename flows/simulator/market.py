"""The scripted market: all figures that the providers publish, by seed, for any date.

It is pure, and the same for the same seed: no clock, no files, no generator whose state depends on earlier questions.
The figures of December 2024 are the published ones; days in between are invented. The pages, not the market, decide
what is public at a given moment.
"""

from functools import cache

from flows.simulator.candles import Series
from flows.simulator.chain import Chain
from flows.simulator.foreign_macro import ForeignMacro
from flows.simulator.funding import Funding
from flows.simulator.korea import Korea, decimals_of
from flows.simulator.lending import Lending
from flows.simulator.macro import Macro
from flows.simulator.open_interest import OpenInterest
from flows.simulator.seeded_random import key_of
from flows.simulator.spot import Coinbase, Spot, follower
from flows.simulator.stablecoins import Stablecoins


class Market:
    """One market, made from one seed.

    Attributes:
        spot: Coins against USDT at the main venue.
        coinbase: The same against dollars, within a fifth of a percent.
        korea: The won, and Upbit's markets in won.
        funding: Funding of perpetual swaps.
        open_interest: Open interest of perpetual swaps.
        lending: Deposit rates of lending pools.
        chain: Ethereum's blocks and what the pools write into them.
        stablecoins: Stablecoins in circulation.
        foreign: Balance sheets, money and currencies of the euro area, Japan and China.
        macro: Balance sheet, money, policy rates and yields of the United States, and FRED's copies of foreign series.
        pair: A coin at another venue, with the arguments of `_pair`.
        korean_pair: A market in won at a smaller venue, with the arguments of `_korean_pair`.
    """

    def __init__(self, seed: int) -> None:
        self.spot = Spot(seed)
        self.coinbase = Coinbase(self.spot, seed)
        self.korea = Korea(self.spot, seed)
        self.funding = Funding(self.spot, seed)
        self.open_interest = OpenInterest(self.spot, seed)
        self.lending = Lending(seed)
        self.chain = Chain(self.lending, seed)
        self.stablecoins = Stablecoins(seed)
        self.foreign = ForeignMacro(seed)
        self.macro = Macro(self.foreign, seed)
        self.pair = cache(self._pair)
        self.korean_pair = cache(self._korean_pair)
        self._seed = seed

    def _pair(self, venue: str, ticker: str, share: float, *, in_dollars: bool = False) -> Series:
        """A pair at another venue, whose price is within a thousandth of the one that it follows.

        Args:
            venue: The name of the venue.
            ticker: The coin.
            share: Its turnover, as a multiple of that of the venue that it follows.
            in_dollars: Whether it is against dollars and follows Coinbase, not against USDT and follows Binance.
        """
        leader = (self.coinbase if in_dollars else self.spot).series(ticker)
        decimals = self.spot.coin(ticker).decimals
        return follower(leader, key_of(venue, ticker, "venue"), decimals, noise=0.0002, share=share)

    def _korean_pair(self, venue: str, share: float, market: str) -> Series:
        """One of Upbit's markets at a smaller venue, with so much of Upbit's turnover."""
        leader, key = self.korea.series(market), key_of(self._seed, venue, market)
        return follower(leader, key, decimals_of(market), noise=0.0007, share=share, stream=2)
