"""Rate limits, enforced in real time: a monotonic timer, never the clock."""

import time
from collections import Counter, deque
from threading import Lock

from flows.simulator.wire import Budget


class Meter:
    """What has been spent of each host's budget within its window."""

    def __init__(self, *, enforced: bool) -> None:
        self._enforced = enforced
        self._spent: dict[str, deque[tuple[float, int]]] = {}
        self._totals: Counter[str] = Counter()
        self._lock = Lock()

    def charge(self, host: str, budget: Budget, units: int) -> tuple[int, float]:
        """Spend units of a host's budget.

        Returns:
            The units spent within the window, and the seconds to wait: 0 where the request fits.
        """
        with self._lock:
            now = time.monotonic()
            spent = self._spent.setdefault(host, deque())
            while spent and spent[0][0] <= now - budget.seconds:
                self._totals[host] -= spent.popleft()[1]
            if self._enforced and self._totals[host] + units > budget.units:
                return self._totals[host], spent[0][0] + budget.seconds - now if spent else budget.seconds
            spent.append((now, units))
            self._totals[host] += units
            return self._totals[host], 0.0
