"""The loopback server that answers as the providers do.

`http://127.0.0.1:PORT/HOST/PATH?QUERY` stands for `https://HOST/PATH?QUERY`. Time is virtual: it is set, and stands
still until it is set again. An answer has only what was public at that time.
"""

import gzip
import math
import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from hashlib import blake2b
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from flows.simulator.instants import millis_of, moment
from flows.simulator.market import Market
from flows.simulator.misbehaviour import Misbehaviour, Zoo, answer_under
from flows.simulator.page import Answer, Page, Request, text_answer
from flows.simulator.pages import pages_by_host
from flows.simulator.rate_limit import Meter

LOOPBACK = "127.0.0.1"
GZIP_ABOVE = 512  # bytes
INTERRUPTIBLE_AFTER = 0.2  # seconds


class Asked(NamedTuple):
    """A request as the server received it.

    Attributes:
        host: The host that the client means.
        path: The path on that host, decoded.
        query: The query text, decoded.
    """

    host: str
    path: str
    query: str


class Simulator:
    """Every provider, imitated on loopback: a context manager that serves while it is open.

    Attributes:
        counts: Requests by host.
        requests: Every request, in the order of arrival.
    """

    def __init__(self, now: datetime, *, seed: int = 7, port: int = 0, limits: bool = False, haste: float = 1) -> None:
        self.counts: Counter[str] = Counter()
        self.requests: list[Asked] = []
        self._pages = pages_by_host()
        self._market = Market(seed)
        self._now_ms = millis_of(now)
        self._zoo = Zoo()
        self._meter = Meter(enforced=limits, haste=haste)
        self._lock = Lock()
        self._closing = Event()
        self._server = _Server(self, port)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """The address of the server, to which `/HOST/PATH` is appended."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def now(self) -> datetime:
        """The virtual time, which can be set."""
        return moment(self._now_ms)

    @now.setter
    def now(self, instant: datetime) -> None:
        self._now_ms = millis_of(instant)

    def misbehave(self, rules: Iterable[Misbehaviour]) -> None:
        """Replace the rules of misbehaviour; with an empty list every provider behaves."""
        self._zoo = Zoo(rules)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def wait(self) -> None:
        """Wait until the serving thread ends, or the caller is interrupted.

        After an import of Polars, as by some pages, an interrupt does not end a wait; it takes effect after the wait.
        """
        while self._thread.is_alive():
            self._thread.join(INTERRUPTIBLE_AFTER)

    def stall(self, seconds: float) -> None:
        """Wait so many seconds, but no longer than the server runs."""
        self._closing.wait(seconds)

    def ask(
        self, target: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[Answer, Misbehaviour | None]:
        """The answer to `/HOST/PATH?QUERY`, a POST if there is a body, and the rule of misbehaviour that applies.

        Rules are searched for in `host/path?query` and the body after it.
        """
        parts = urlsplit(target)
        host, _, path = parts.path.lstrip("/").partition("/")
        asked = Asked(unquote(host), "/" + unquote(path), unquote(parts.query))
        with self._lock:
            self.counts[asked.host] += 1
            self.requests.append(asked)
        page = self._pages.get(asked.host)
        if page is None:
            return text_answer(f"the simulator does not imitate {asked.host!r}\n", 502), None
        request = Request(
            host=asked.host,
            path=asked.path,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers=headers,
            market=self._market,
            now_ms=self._now_ms,
            body=body,
        )
        target = f"{asked.host}{asked.path}?{asked.query}{(body or b'').decode(errors='replace')}"
        return self._answer(page, request, self._zoo.pick(target))

    def _answer(self, page: Page, request: Request, rule: Misbehaviour | None) -> tuple[Answer, Misbehaviour | None]:
        headers: dict[str, str] = {}
        account, budget = page.limit(request)
        if budget is not None:
            used, wait = self._meter.charge(account, budget, page.cost(request))
            if budget.used_header:
                headers[budget.used_header] = str(used)
            if wait:
                if budget.says_when:
                    headers["Retry-After"] = str(math.ceil(wait))
                refusal = page.errors.of_status(HTTPStatus.TOO_MANY_REQUESTS)
                return replace(refusal, headers={**refusal.headers, **headers}), None
        answer = answer_under(rule, page, request) if rule else page.answer(request)
        if page.has_etags and answer.status == HTTPStatus.OK:
            headers["ETag"] = f'"{blake2b(answer.body, digest_size=8).hexdigest()}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                answer = replace(answer, body=b"", status=HTTPStatus.NOT_MODIFIED)
        return replace(answer, headers={**answer.headers, **headers}), rule


class _Server(ThreadingHTTPServer):
    """An HTTP server that knows its open connections, so that it can close them all."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((LOOPBACK, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close every connection that a client keeps alive."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):  # the client may have left in the meantime
                    connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore that a client closed its connection; print any other error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """A connection, kept alive as long as the client wants."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def do_GET(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, *_: object) -> None:
        """Requests are counted by the simulator, not printed."""

    def _respond(self, sent: bytes | None = None) -> None:
        simulator = self.server.simulator
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer, rule = simulator.ask(self.path, headers, sent)
        kind = rule.kind if rule else None
        if kind == "reset":
            self._reset()
            return
        body, encoding = self._encoded(answer)
        self.send_response_only(answer.status)
        self.send_header("Date", format_datetime(simulator.now, usegmt=True))
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in {**answer.headers, **encoding}.items():
            self.send_header(name, value)
        self.end_headers()
        if rule and kind == "stall":
            self.wfile.flush()
            simulator.stall(rule.seconds)
        if kind in ("stall", "truncate"):
            self.close_connection = True
            body = body[: len(body) // 2] if kind == "truncate" else b""
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _encoded(self, answer: Answer) -> tuple[bytes, dict[str, str]]:
        """The body and the header of its encoding: compressed if the client accepts that and it is long."""
        body = answer.sent()
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        if not accepted or len(body) <= GZIP_ABOVE or answer.content_type == "application/zip":
            return body, {}
        return gzip.compress(body, compresslevel=1, mtime=0), {"Content-Encoding": "gzip"}

    def _reset(self) -> None:
        """Close the connection by a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
