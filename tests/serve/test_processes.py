"""`tidemark serve` checks the health of its own server, and does not wait for an answer that never ends."""

from threading import Event

import pytest

from flows.clock import Clock
from flows.serve import processes
from flows.serve.processes import Child, Service
from tests.wire import answering, drip, sized


def service(address: str) -> Service:
    host, _, port = address.removeprefix("http://").rpartition(":")
    nobody = Child("nobody", [], {})
    return Service(nobody, nobody, (host, int(port)))


def test_a_refusal_is_an_answer_and_a_failure_is_none() -> None:
    with answering(sized(b"true"), sized(b"who?", status=401), sized(b"", status=503), b"nonsense", b"") as address:
        asked = service(address)
        assert [asked.answers() for _ in range(5)] == [True, True, False, False, False]
    assert not asked.answers()  # nobody is there


@pytest.mark.parametrize(("first", "drop"), [(b"", b"H"), (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n")])
def test_an_answer_that_never_ends_is_none(first: bytes, drop: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ANSWER_SECONDS", 0.4)
    enough = Event()
    started = Clock.ticks()
    with answering(drip(first, drop=drop, every=0.05, until=enough)) as address:
        assert not service(address).answers()
    enough.set()
    assert Clock.ticks() - started < 3
