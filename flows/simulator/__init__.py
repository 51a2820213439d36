"""Every provider imitated on loopback, for the demo and for tests of misbehaviour.

    with Simulator(now=datetime(2024, 12, 10, tzinfo=UTC)) as simulator:
        ...  # ask simulator.url + "/api.binance.com/api/v3/klines?symbol=BTCUSDT&interval=1d"

The market is scripted and invented; its numbers are not data.
"""

from flows.simulator.misbehaviour import Misbehaviour
from flows.simulator.server import Asked, Simulator

__all__ = ["Asked", "Misbehaviour", "Simulator"]
