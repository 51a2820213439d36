"""A provider on loopback that sends the bytes of a test, as fast or as slowly as the test wants."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

from pydantic import SecretStr

from flows.clock import Clock
from flows.http import Budgets, Fetcher, Traffic
from flows.source import Answer, Key, Request, Source
from flows.sources import sources
from tests.tool import NOW
from warehouse.store.archive import Archive, Recorder, Snapshot

HOST = "vendor.example"
ASKED = Request(f"https://{HOST}/v1")
Send = Callable[[socket.socket], None]


def plain(head: str, body: bytes = b"") -> bytes:
    """An answer: its status line and headers, and its body."""
    return head.strip().replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body


def sized(body: bytes, *headers: str, status: int = 200) -> bytes:
    """An answer that states its length and closes the connection."""
    return plain(
        "\n".join([f"HTTP/1.1 {status} Some", f"Content-Length: {len(body)}", "Connection: close", *headers]), body
    )


def drip(first: bytes, *, drop: bytes, every: float, until: Event) -> Send:
    """Send some bytes at once, then a few more each time, until an event ends it."""

    def send(peer: socket.socket) -> None:
        peer.sendall(first)
        while not until.wait(every):
            peer.sendall(drop)

    return send


@contextmanager
def answering(*answers: bytes | Send) -> Iterator[str]:
    """A server that gives each connection the next of some answers, then always the last; yields its address."""
    served = socket.create_server(("127.0.0.1", 0))
    left = list(answers)

    def answer(peer: socket.socket, told: bytes | Send) -> None:
        with peer, suppress(OSError):
            peer.recv(65_536)
            if isinstance(told, bytes):
                peer.sendall(told)
            else:
                told(peer)

    def serve() -> None:
        with suppress(OSError):
            while True:
                peer, _ = served.accept()
                told = left.pop(0) if len(left) > 1 else left[0]
                Thread(target=answer, args=(peer, told), daemon=True).start()

    server = Thread(target=serve, daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{served.getsockname()[1]}"
    finally:
        # Closing alone does not wake a thread in `accept`, which would then use whatever gets the number of its socket.
        served.shutdown(socket.SHUT_RDWR)
        server.join()
        served.close()


class Hurried(Clock):
    """A clock whose waits are over at once."""

    @staticmethod
    def wait(seconds: float) -> None:
        """Do not wait."""


class Asker:
    """One fetcher on one address, with what it archived."""

    def __init__(
        self, gateway: str, folder: Path, *, source: Source | None = None, key: SecretStr | None = None
    ) -> None:
        known = source or replace(sources()["fred"], name="vendor", key=Key("VENDOR", header="X-Key") if key else None)
        self.traffic = Traffic()
        self._archive = Archive(folder)
        self._recorder = Recorder(self._archive, "000001", NOW)
        clock = Hurried(NOW)
        self._fetcher = Fetcher(
            known,
            gateway=gateway,
            recorder=self._recorder,
            clock=clock,
            traffic=self.traffic,
            budgets=Budgets([known], clock, enforced=False),
            key=key,
        )

    def fetch(self, request: Request = ASKED) -> Answer:
        """Ask."""
        return self._fetcher.fetch(request, dataset="macro_series", series="ALL")

    def archived(self) -> list[Snapshot]:
        """The snapshots that were archived so far."""
        self._recorder.sync()
        return [snapshot for _, snapshot in self._archive.scan("000001")]
