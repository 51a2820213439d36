"""A deadline for a whole exchange over a network: when its time is up, the socket is shut under whoever reads from it.

A timeout of a socket is about the next byte only: one byte in every few seconds keeps a reader for ever, in the
headers as well as in the body. One thread watches all exchanges of the process.
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
    """One exchange under way.

    Attributes:
        ends: When its time is up, in ticks.
        late: Whether it was cut off.
    """

    ends: float
    late: bool = False
    _socket: socket.socket | None = None

    def watch(self, connected: socket.socket) -> None:
        """Name the socket that the exchange goes over; one that comes too late is shut at once."""
        with _changing:
            self._socket = connected
            if self.late:
                self.cut()

    def cut(self) -> None:
        """Shut the socket: whoever reads from it finds the end of it."""
        self.late = True
        if self._socket is not None:
            # It may be closed already, or handed on to the encrypted socket around it; and what `shutdown` of an
            # encrypted socket does would pull away what its reader is using.
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_changing = threading.RLock()
_running: set[Deadline] = set()
_mine = threading.local()
_watcher: threading.Thread | None = None


class TooLateError(TimeoutError):
    """The time of an exchange was up before its end."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give what this thread asks of a network so many seconds, from here to the end of the block.

    Raises:
        TooLateError: They were up. What was read until then may look whole, and is not.
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
    """Tell this thread's deadline, if there is one, which socket is in use."""
    running: Deadline | None = getattr(_mine, "deadline", None)
    if running is not None:
        running.watch(connected)


def _be_watchful() -> None:
    global _watcher  # noqa: PLW0603  one thread for the whole process, made by the first who needs it
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
