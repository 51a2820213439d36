"""The only module that reads the clock."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """The current time, for every module.

    Attributes:
        fixed: The instant to use as now; None uses the machine's clock.
    """

    fixed: datetime | None = None

    def now(self) -> datetime:
        """The current instant (UTC)."""
        return self.fixed or datetime.now(UTC)

    def yesterday(self) -> date:
        """The newest UTC day that is over."""
        return self.now().date() - timedelta(days=1)

    @staticmethod
    def ticks() -> float:
        """Seconds on a monotonic timer; for waiting and measuring, never for data."""
        return time.monotonic()

    @staticmethod
    def wait(seconds: float) -> None:
        """Sleep in real time."""
        if seconds > 0:
            threading.Event().wait(seconds)
