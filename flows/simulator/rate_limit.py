"""Rate limits, enforced in real time: by a monotonic timer, not by the virtual clock."""

import time
from collections import Counter, deque
from threading import Lock

from flows.simulator.page import Budget


class Meter:
    """What was spent of each budget within its window.

    Args:
        enforced: Whether a request beyond the budget is refused.
        haste: How many times as fast as real time the windows pass.
    """

    def __init__(self, *, enforced: bool, haste: float = 1) -> None:
        self._enforced = enforced
        self._haste = haste
        self._spent: dict[str, deque[tuple[float, int]]] = {}
        self._totals: Counter[str] = Counter()
        self._lock = Lock()

    def charge(self, account: str, budget: Budget, units: int) -> tuple[int, float]:
        """Spend units of an account's budget.

        Returns:
            The units spent within the window, and the seconds to wait: 0 if the request is within the budget.
        """
        with self._lock:
            now = time.monotonic() * self._haste
            spent = self._spent.setdefault(account, deque())
            while spent and spent[0][0] <= now - budget.seconds:
                self._totals[account] -= spent.popleft()[1]
            if self._enforced and self._totals[account] + units > budget.units:
                wait = spent[0][0] + budget.seconds - now if spent else budget.seconds
                return self._totals[account], wait / self._haste
            spent.append((now, units))
            self._totals[account] += units
            return self._totals[account], 0.0
