"""Interim builds: when the warehouse is built while slow sources are still asked, so that nobody waits for them."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

QUICK = 60.0
"""A source that takes at most this long, in seconds, is quick."""

FIRST_AFTER = 90.0
"""The first build does not wait longer than this for quick sources, in seconds."""

LEAST_APART = 300.0
"""The least time between later builds, in seconds."""

SHARE = 0.1
"""The largest share of a run that later builds may take."""


def slow_sources(seconds: Mapping[str, float]) -> dict[str, float]:
    """The sources for which a first build does not wait, of some with the time that the plan expects them to take."""
    return {source: takes for source, takes in seconds.items() if takes > QUICK}


class Interim:
    """Decides when a run builds the warehouse before its end.

    The first build is due once every quick source is done, or after a minute and a half. If quick sources were still
    missing then, the next is due once they are done. Later ones follow at intervals, if anything was published since.
    A run of quick sources only has none.

    Attributes:
        slow: The slow sources, each with the seconds that it is expected to take.
    """

    def __init__(self, seconds: Mapping[str, float], ticks: Callable[[], float] = time.monotonic) -> None:
        """Begin with the run.

        Args:
            seconds: Source to the time that the plan expects it to take.
            ticks: A clock in seconds.
        """
        self.slow = slow_sources(seconds)
        self._quick = seconds.keys() - self.slow.keys()
        self._ticks = ticks
        self._began = self._ended = ticks()
        self._took = 0.0
        self._published = 0
        self._builds = 0
        self._had_quick = False

    def is_due(self, busy: set[str], published: int) -> bool:
        """Whether the warehouse is built now.

        Args:
            busy: The sources that are still asked.
            published: How many batches were published.
        """
        if not self.slow or not busy or published == self._published:
            return False
        now = self._ticks()
        if not self._had_quick and not self._quick & busy:
            return True
        if self._builds == 0:
            return now - self._began >= FIRST_AFTER
        return now - self._ended >= max(LEAST_APART, self._took / SHARE)

    @contextmanager
    def building(self, busy: set[str], published: int) -> Iterator[None]:
        """Note a build, whether it succeeds or not."""
        self._published, self._had_quick = published, not self._quick & busy
        self._builds += 1
        begun = self._ticks()
        try:
            yield
        finally:
            self._ended = self._ticks()
            self._took = self._ended - begun


class Gate:
    """Lets any number of threads publish at once, but none while the lake and the ledger are read for a build."""

    def __init__(self) -> None:
        """Open, with nobody inside."""
        self._changed = threading.Condition()
        self._publishing = 0
        self._reading = False

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Publish; waits while somebody reads."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reading)
            self._publishing += 1
        try:
            yield
        finally:
            with self._changed:
                self._publishing -= 1
                self._changed.notify_all()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read what nobody changes; waits until everybody who publishes has finished."""
        with self._changed:
            self._changed.wait_for(lambda: not self._reading)
            self._reading = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._publishing == 0)
            yield
        finally:
            with self._changed:
                self._reading = False
                self._changed.notify_all()
