"""Answers that are too large, too slow or not HTTP: each is an error of one sentence, and nothing of it is archived."""

import gzip
import random
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from pydantic import SecretStr

from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from flows import http
from flows.clock import Clock
from flows.http import ATTEMPTS, post, retry_after
from tests.tool import NOW
from tests.wire import HOST, Asker, answering, drip, plain, sized

BOUND = 100_000


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches quickly."""
    monkeypatch.setattr(http, "MOST_RECEIVED", BOUND)
    monkeypatch.setattr(http, "MOST_UNPACKED", 2 * BOUND)


@pytest.fixture
def enough() -> Iterator[Event]:
    """An event that ends, after a test, servers that would go on."""
    event = Event()
    yield event
    event.set()


def chunked(*parts: bytes) -> bytes:
    return b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)


def zeros(size: int) -> bytes:
    return gzip.compress(bytes(size))


# Bytes.


LARGE = {
    "stated": plain(f"HTTP/1.1 200 OK\nContent-Length: {10**15}", b"x"),
    "stated in nonsense": plain(f"HTTP/1.1 200 OK\nContent-Length: {'9' * 400}", b"x"),
    "sent": sized(bytes(BOUND + 1)),
    "sent in chunks": plain(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked", chunked(*[bytes(1000)] * 200) + b"0\r\n\r\n"
    ),
    "sent until it hangs up": plain("HTTP/1.1 200 OK\nConnection: close", bytes(2 * BOUND)),
    "unpacked": sized(zeros(3 * BOUND), "Content-Encoding: gzip"),
    "unpacked twice": sized(gzip.compress(zeros(10**7)), "Content-Encoding: gzip, gzip"),
    "unpacked from deflate": sized(zlib.compress(bytes(3 * BOUND)), "Content-Encoding: deflate"),
    "unpacked from many": sized(zeros(BOUND // 10) * 40, "Content-Encoding: gzip"),
    "unpacked in chunks": plain(
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nContent-Encoding: gzip", chunked(zeros(10**7)) + b"0\r\n\r\n"
    ),
}


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("large", LARGE)
def test_a_large_answer_is_cut_off_and_nothing_of_it_is_kept(large: str, tmp_path: Path) -> None:
    with answering(LARGE[large]) as gateway:
        asker = Asker(gateway, tmp_path)
        unpacked = " unpacked" if large.startswith("unpacked") else ""
        bound = 2 * BOUND if unpacked else BOUND
        with pytest.raises(
            PipelineError, match=rf"at most {bound:,} bytes{unpacked} in an answer of {HOST}, found more"
        ):
            asker.fetch()
    assert asker.archived() == []
    assert asker.traffic.requests == 1
    assert asker.traffic.bytes <= 3 * BOUND


@pytest.mark.usefixtures("small_bounds")
def test_an_answer_at_the_bound_is_taken(tmp_path: Path) -> None:
    whole = bytes(2 * BOUND)
    with answering(sized(gzip.compress(whole), "Content-Encoding: gzip"), sized(bytes(BOUND))) as gateway:
        asker = Asker(gateway, tmp_path)
        assert asker.fetch().body == whole
        assert asker.fetch().body == bytes(BOUND)


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize(
    ("status", "kind", "asked"), [(200, PayloadChanged, 1), (404, SourceRefused, 1), (503, SourceUnavailable, ATTEMPTS)]
)
def test_what_is_done_about_a_large_answer_depends_on_its_status(
    status: int, kind: type[PipelineError], asked: int, tmp_path: Path
) -> None:
    with answering(sized(bytes(BOUND + 1), status=status)) as gateway:
        asker = Asker(gateway, tmp_path)
        with pytest.raises(kind, match="found more: nothing of it is kept"):
            asker.fetch()
    assert asker.traffic.requests == asked


@pytest.mark.usefixtures("small_bounds")
@pytest.mark.parametrize("where", ["https://elsewhere.example/", "http://[::1", "\xff\xfe", ""])
def test_a_redirect_is_not_read_on_the_quiet(where: str, tmp_path: Path) -> None:
    moved = plain(f"HTTP/1.1 302 Found\nLocation: {where}\nContent-Encoding: gzip\nContent-Length: {len(BOMB)}", BOMB)
    with answering(moved) as gateway, pytest.raises(SourceRefused, match="bytes unpacked in an answer of"):
        Asker(gateway, tmp_path).fetch()


BOMB = zeros(10**8)


# Time.


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines that a test reaches quickly, with a longer timeout for each byte."""
    monkeypatch.setattr(http, "ANSWER_SECONDS", 0.4)
    monkeypatch.setattr(http, "WEBHOOK_WHOLE_SECONDS", 0.4)


SLOW = {
    "the status line": (b"", b"H"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", b"1"),
    "the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"["),
    "the size of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"),
    "a body without an end": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"["),
    "what unpacks to nothing": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n",
        gzip.compress(b""),
    ),
}


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("slow", SLOW)
def test_an_answer_that_never_ends_is_cut_off_and_asked_for_again(slow: str, tmp_path: Path, enough: Event) -> None:
    first, drop = SLOW[slow]
    slowly = drip(first, drop=drop, every=0.05, until=enough)
    with answering(slowly, sized(b"[]")) as gateway:
        asker = Asker(gateway, tmp_path)
        started = Clock.ticks()
        assert asker.fetch().body == b"[]"
        assert Clock.ticks() - started < 3
    assert [snapshot.body for snapshot in asker.archived()] == [b"[]"]
    assert asker.traffic.requests == 2


@pytest.mark.usefixtures("soon")
def test_who_is_always_too_slow_is_told_so(tmp_path: Path, enough: Event) -> None:
    slowly = drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", drop=b"[", every=0.05, until=enough)
    with (
        answering(slowly) as gateway,
        pytest.raises(
            SourceUnavailable, match=f"expected the whole answer of {HOST} within 0.4 s, found it unfinished"
        ),
    ):
        Asker(gateway, tmp_path).fetch()


@pytest.mark.usefixtures("soon")
def test_a_webhook_that_never_ends_its_headers_is_left(enough: Event) -> None:
    slowly = drip(b"HTTP/1.1 200 OK\r\n", drop=b"X: 1\r\n", every=0.05, until=enough)
    started = Clock.ticks()
    with answering(slowly) as hook, pytest.raises(SourceUnavailable, match="found TooLateError at 2 attempts"):
        post(SecretStr(hook), b"{}", clock=Clock(NOW))
    assert Clock.ticks() - started < 5


def test_a_connection_that_is_used_again_has_a_deadline_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: Event
) -> None:
    monkeypatch.setattr(http, "ANSWER_SECONDS", 0.4)

    def twice(peer: socket.socket) -> None:
        peer.sendall(plain("HTTP/1.1 200 OK\nContent-Length: 2", b"[]"))
        peer.recv(65_536)
        drip(b"HTTP/1.1 200 OK\r\n", drop=b"X: 1\r\n", every=0.05, until=enough)(peer)

    with answering(twice, sized(b"[1]")) as gateway:
        asker = Asker(gateway, tmp_path)
        assert asker.fetch().body == b"[]"
        enough.wait(0.6)  # the first deadline is over, and ends no further answer
        assert asker.fetch().body == b"[1]"
    assert asker.traffic.requests == 3


# Answers that are not HTTP.


@pytest.mark.parametrize("seed", range(20))
def test_bytes_that_are_no_answer_end_as_one_of_our_errors(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    lines = [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 999999 \xff",
        b"HTTP/9.9 -1",
        b"Content-Length: 2",
        b"Content-Length: 3",
        b"Content-Length: -5",
        b"Content-Length: 1, 2",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br, zstd, gzip, deflate, gzip, gzip, gzip",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Location: http://[::1",
        b"Set-Cookie: a=b; expires=Thu, 99 Foo 99999 99:99:99 GMT; domain=\xff",
        b"Date: nan",
        b"Retry-After: nan",
        b": nothing",
        b" folded",
        b"\x00\x01\x02",
        b"X: " + b"y" * 70_000,
        b"Content-Type: text/html; charset=\xff\xfe",
    ]
    for _ in range(10):
        chosen = chance.choices(lines, k=chance.randrange(1, 8))
        told = b"\r\n".join([lines[0], *chosen] if chance.random() < 0.7 else chosen)
        body = chance.choice(
            [b"", b"[]", b"zz\r\n", b"-1\r\n\r\n", b"2\r\n[]\r\n0\r\n\r\n", b"\x1f\x8b\x08", chance.randbytes(50)]
        )
        with answering(told + b"\r\n\r\n" + body) as gateway:
            try:
                Asker(gateway, tmp_path / f"{chance.random()}").fetch()
            except PipelineError as problem:
                assert len(str(problem)) < 700  # noqa: PT017  either end is fine, no other one is


@pytest.mark.parametrize(
    "text",
    [
        *("nan", "-nan", "inf", "1e999", "9" * 5000, "-inf", "-5", "", " ", "Thu, 99 Foo", "soon"),
        *("Thu, 01 Jan 9999 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359"),
        *("Thu, 01 Jan 99999 00:00:00 GMT", "Tue, 10 Dec 2024 00:30:42 +999999999999", "Tue, 10 Dec 2024 99:99:99 GMT"),
        *("0", "7;8", "\xff", "Tue, 10 Dec 2024", "1 2 3 4 5 6 7 8 9"),
    ],
)
def test_an_odd_wait_is_bounded_or_unknown(text: str, tmp_path: Path) -> None:
    seconds = retry_after({"Retry-After": text}, Clock(NOW))
    assert seconds is None or 0 <= seconds <= http.LONGEST_RETRY_AFTER_SECONDS
    if "\xff" not in text and len(text) < 5000:
        later = sized(b"later", f"Retry-After: {text}", status=429)
        with answering(later) as gateway, pytest.raises(SourceUnavailable, match=f"from {HOST}, found 429"):
            Asker(gateway, tmp_path).fetch()


# The clock.


@pytest.mark.parametrize(
    ("header", "offsets"),
    [
        ("Date: Tue, 10 Dec 2024 00:29:00 GMT", [60.0]),
        ("Date: Tue, 10 Dec 2024 12:30:00 GMT", [-43_200.0]),
        ("Date: Tue, 10 Dec 2024 00:29:00 GMT\nAge: 0", [60.0]),
        ("Date: Tue, 10 Dec 2024 00:29:00 GMT\nAge: 86000", []),
        ("Date: Tue, 99 Dec 2024 00:29:00 GMT", []),
        ("Date: Tue, 10 Dec 2024 00:29:00 +0100", []),
        ("Date: 2024-12-10T00:29:00Z", []),
        ("Date:", []),
        ("X: 1", []),
    ],
)
def test_our_clock_is_held_against_the_date_of_an_answer(header: str, offsets: list[float], tmp_path: Path) -> None:
    with answering(sized(b"[]", *header.splitlines()), sized(b"no", *header.splitlines(), status=404)) as gateway:
        asker = Asker(gateway, tmp_path)
        asker.fetch()
        assert asker.traffic.clock_offsets == offsets
        with pytest.raises(SourceRefused):
            asker.fetch()
    assert asker.traffic.clock_offsets == 2 * offsets
