"""A deadline for a whole network exchange: when it passes, the socket is shut down and its reader stops.

A socket timeout covers only the next byte. A server that sends one byte every few seconds, in the headers or in the
body, blocks a reader forever. One thread watches all exchanges of the process.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from expectations.errors import PipelineError
from flows.clock import Clock

LOOK_EVERY_SECONDS = 0.1


@dataclass(eq=False)
class Deadline:
    """One exchange in progress.

    Attributes:
        ends: When it must have ended, in ticks.
        late: Whether it was cut off.
    """

    ends: float
    late: bool = False
    _socket: socket.socket | None = None

    def watch(self, connected: socket.socket) -> None:
        """Set the socket of the exchange; after the deadline it is shut down at once."""
        with _changing:
            self._socket = connected
            if self.late:
                self.cut()

    def cut(self) -> None:
        """Shut the socket down: its reader sees the end of the stream."""
        self.late = True
        if self._socket is not None:
            # The socket may be closed already, or wrapped by a TLS socket. `shutdown` of a TLS socket would also drop
            # the TLS state that its reader is using, so the plain method is called.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_changing = threading.RLock()
_running: set[Deadline] = set()
_mine = threading.local()
_watcher: threading.Thread | None = None


class TooLateError(TimeoutError):
    """The deadline passed before the exchange ended."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit the network exchange of this thread to a number of seconds, until the end of the block.

    Raises:
        TooLateError: The time was up. What was read until then may look whole, and is not.
    """
    running = Deadline(Clock.ticks() + seconds)
    with _changing:
        _running.add(running)
        _be_watchful()
    _mine.deadline = running
    try:
        yield
    except PipelineError:
        raise
    except Exception:
        if running.late:
            raise TooLateError from None
        raise
    finally:
        _mine.deadline = None
        with _changing:
            _running.discard(running)
    if running.late:
        raise TooLateError


def watch(connected: socket.socket) -> None:
    """Pass the socket in use to the deadline of this thread, if there is one."""
    running: Deadline | None = getattr(_mine, "deadline", None)
    if running is not None:
        running.watch(connected)


def _be_watchful() -> None:
    global _watcher  # noqa: PLW0603  one thread for the whole process, started on first use
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_watch_all, name="deadlines", daemon=True)
        _watcher.start()


def _watch_all() -> None:
    while True:
        Clock.wait(LOOK_EVERY_SECONDS)
        with _changing:
            now = Clock.ticks()
            for running in _running:
                if now >= running.ends and not running.late:
                    running.cut()
