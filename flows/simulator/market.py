"""The scripted market: everything that the providers tell, by seed, for any date.

Pure, and the same for the same seed: no clock, no files, no generator that remembers what was
asked before. The figures of December 2024 are those that were published; days in between are
invented. What may be seen at a given moment is for the pages to say, not for the market.
"""

from flows.simulator.abroad import Abroad
from flows.simulator.chain import Chain
from flows.simulator.funding import Funding
from flows.simulator.interest import Interest
from flows.simulator.korea import Korea
from flows.simulator.lending import Lending
from flows.simulator.macro import Macro
from flows.simulator.spot import Coinbase, Spot
from flows.simulator.stablecoins import Stablecoins
from flows.simulator.won import Won


class Market:
    """One world, made from one seed.

    Attributes:
        spot: Coins against the dollar at the main venue.
        coinbase: The same at the dollar venue, within a fifth of a percent.
        korea: The won, and markets in won.
        won: The same markets at the smaller Korean venues.
        funding: Settlements of perpetual swaps.
        interest: Open contracts of perpetual swaps.
        lending: Deposit rates of lending pools.
        chain: What Ethereum has of them, block by block.
        stablecoins: Stablecoins in circulation.
        abroad: Balance sheets, money and currencies of the euro area, Japan and China.
        macro: Balance sheet, money, policy rates and yields of the United States, and what FRED copies from abroad.
    """

    def __init__(self, seed: int) -> None:
        self.spot = Spot(seed)
        self.coinbase = Coinbase(self.spot, seed)
        self.korea = Korea(self.spot, seed)
        self.won = Won(self.korea, seed)
        self.funding = Funding(seed)
        self.interest = Interest(self.spot, seed)
        self.lending = Lending(seed)
        self.chain = Chain(self.lending, seed)
        self.stablecoins = Stablecoins(seed)
        self.abroad = Abroad(seed)
        self.macro = Macro(self.abroad, seed)
