"""Rate limits, enforced in real time: a monotonic timer, never the clock."""

import time
from collections import Counter, deque
from threading import Lock

from flows.simulator.wire import Budget


class Meter:
    """What has been spent of each budget within its window.

    Args:
        enforced: Whether too much is refused.
        haste: How many times as fast as the clock the windows pass.
    """

    def __init__(self, *, enforced: bool, haste: float = 1) -> None:
        self._enforced = enforced
        self._haste = haste
        self._spent: dict[str, deque[tuple[float, int]]] = {}
        self._totals: Counter[str] = Counter()
        self._lock = Lock()

    def charge(self, counted: str, budget: Budget, units: int) -> tuple[int, float]:
        """Spend units of a budget, of which what it is counted under has its own.

        Returns:
            The units spent within the window, and the seconds to wait: 0 where the request fits.
        """
        with self._lock:
            now = time.monotonic() * self._haste
            spent = self._spent.setdefault(counted, deque())
            while spent and spent[0][0] <= now - budget.seconds:
                self._totals[counted] -= spent.popleft()[1]
            if self._enforced and self._totals[counted] + units > budget.units:
                wait = spent[0][0] + budget.seconds - now if spent else budget.seconds
                return self._totals[counted], wait / self._haste
            spent.append((now, units))
            self._totals[counted] += units
            return self._totals[counted], 0.0
