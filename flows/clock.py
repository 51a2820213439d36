"""The only reader of the clock."""

import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """Now, as everything here understands it.

    Attributes:
        fixed: The instant to use as now; the machine's clock where it is unknown.
    """

    fixed: datetime | None = None

    def now(self) -> datetime:
        """The instant (UTC)."""
        return self.fixed or datetime.now(UTC)

    def yesterday(self) -> date:
        """The newest UTC day that is over."""
        return self.now().date() - timedelta(days=1)

    @staticmethod
    def ticks() -> float:
        """Seconds on a timer that never goes back; for waiting and measuring, never for data."""
        return time.monotonic()

    @staticmethod
    def wait(seconds: float) -> None:
        """Let real time pass."""
        if seconds > 0:
            threading.Event().wait(seconds)
