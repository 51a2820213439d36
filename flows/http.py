"""The only module that imports requests: size limits, deadlines, timeouts, retries, rate limits, gateway, archive."""

import logging
import math
import random
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from expectations.errors import NetworkAbsent, PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from flows import deadline
from flows.clock import Clock
from flows.redaction import Redaction
from flows.settings import LOOPBACK
from flows.source import Answer, Limit, Request, Source, bound_by
from warehouse.store.archive import Recorder, Snapshot

CONNECT_SECONDS = 10
READ_SECONDS = 30
ANSWER_SECONDS = 120.0  # for a whole answer, up to its last byte; large ones have several megabytes
# The largest known answers, DefiLlama's lists of pools, are below 20 million bytes unpacked; the zip file of the Fed's
# H.4.1 is several million bytes.
MOST_RECEIVED = 2**26  # bytes as sent
MOST_UNPACKED = 2**26  # bytes after the content encoding is removed
CHUNK = 2**16
ATTEMPTS = 4
# Where requests must be further apart than this, two attempts are enough: the next run tries again.
SLOW_SECONDS = 5
ATTEMPTS_WHERE_SLOW = 2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 90.0
LONGEST_RETRY_AFTER_SECONDS = 86_400.0  # a longer wait, such as a year, is cut to one day
GIVE_UP_AFTER = 3  # failed requests to a host in a row; from then on its requests are not retried
HOPELESS_AFTER = 8  # failed requests to a host in a row; the rest of the run does not ask it
OFFLINE_AFTER = 3  # hosts that cannot be reached, while none can: then this machine has no network
USER_AGENT = "tidemark/0.1 (daily research pipeline)"
WAIT_AND_RETRY = {408, 418, 425, 429}
SERVER_ERRORS = 500
OK = range(200, 300)
UNCHANGED = 304
# urllib3 logs addresses, which may hold a key: at DEBUG all that are sent, at WARNING those of odd answers.
logging.getLogger("urllib3").setLevel(logging.ERROR)
KEPT_HEADERS = (
    "content-type",
    "date",
    "last-modified",
    "etag",
    "retry-after",
    "cache-control",
    "content-disposition",
    "x-mbx-used-weight-1m",
    "remaining-req",
)


WEBHOOK_SECONDS = (5, 10)  # to connect, until the next byte
WEBHOOK_WHOLE_SECONDS = 20.0  # for the whole exchange
WEBHOOK_ATTEMPTS = 2

# What a request raises if the server, the network or a proxy is at fault. Some invalid addresses, headers and encodings
# raise a ValueError.
BROKEN = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


class _Plain(HTTPConnection):
    """A connection whose socket is registered with the deadline of the exchange."""

    def connect(self) -> None:
        super().connect()
        _watch(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self)  # for a reused connection
        super().request(*args, **kwargs)


class _Encrypted(HTTPSConnection):
    """The same with TLS."""

    def connect(self) -> None:
        super().connect()
        _watch(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self)
        super().request(*args, **kwargs)


def _watch(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        deadline.watch(connection.sock)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class _Adapter(HTTPAdapter):
    """Opens connections that obey deadlines, also through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _connect_watched(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _connect_watched(manager)
        return manager


def _connect_watched(manager: PoolManager) -> None:
    known = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
    if manager.pool_classes_by_scheme == known:  # other kinds of proxies, such as SOCKS, connect in their own way
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}


class Session(requests.Session):
    """A session that obeys deadlines and reads no body on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(pool_maxsize=1))

    def get_redirect_target(self, _: requests.Response) -> None:
        """Follow no redirects; requests would otherwise read the whole body to resolve one."""
        return


def post(address: SecretStr, body: bytes, *, clock: Clock) -> None:
    """Post JSON to a webhook. The address may hold a secret, so errors show only their class or status.

    Raises:
        SourceUnavailable: Both attempts failed or were throttled.
        SourceRefused: The webhook refused the request.
    """
    problem = ""
    for attempt in range(WEBHOOK_ATTEMPTS):
        if attempt:
            clock.wait(FIRST_PAUSE_SECONDS)
        try:
            status = _posted(address.get_secret_value(), body)
        except BROKEN as broken:
            problem = type(broken).__name__
            continue
        if status in OK:
            return
        problem = str(status)
        if status not in WAIT_AND_RETRY and status < SERVER_ERRORS:
            raise SourceRefused(f"expected 200 from the webhook, found {problem}")
    raise SourceUnavailable(f"expected 200 from the webhook, found {problem} at {WEBHOOK_ATTEMPTS} attempts")


def _posted(address: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    with deadline.within(WEBHOOK_WHOLE_SECONDS), Session() as session:
        session.trust_env = urlsplit(address).hostname not in LOOPBACK  # no proxy to this machine
        with session.post(
            address, data=body, headers=headers, timeout=WEBHOOK_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code


class Budget:
    """A token bucket for one host, shared by all threads: it never exceeds the limit."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._at = clock.ticks()

    def take(self) -> None:
        """Take one token; wait until it is available."""
        with self._lock:
            now = self._clock.ticks()
            self._tokens = min(self._limit.burst, self._tokens + (now - self._at) * self._limit.per_second)
            self._at = now
            self._tokens -= 1
            pause = -self._tokens / self._limit.per_second if self._tokens < 0 else 0.0
        self._clock.wait(pause)


class Budgets:
    """One budget per host, and per endpoint with its own limit, shared by all feeds and sources of a run.

    If sources declare different limits for a host, the strictest applies.

    Args:
        sources: The sources whose limits are enforced.
        clock: The clock used for waiting.
        enforced: Whether requests are throttled; those to a simulated market on this machine are not.
    """

    DEFAULT_LIMIT: ClassVar[Limit] = Limit(60, 60, burst=2)

    def __init__(self, sources: Iterable[Source], clock: Clock, *, enforced: bool = True) -> None:
        self._clock = clock
        self._enforced = enforced
        self._limits: dict[str, Limit] = {}
        self._budgets: dict[str, Budget] = {}
        self._lock = threading.Lock()
        for source in sources:
            for bound, limit in source.limits.items():
                held = self._limits.get(bound, limit)
                self._limits[bound] = min(held, limit, key=lambda either: either.per_second)

    def take(self, request: Request) -> None:
        """Wait until the limits of the host and of the endpoint allow a request."""
        if self._enforced:
            for bound in bound_by(self._limits, request.place) or [request.host]:
                self._of(bound).take()

    def seconds_between(self, request: Request) -> float:
        """The interval between requests to a host once its burst is used up; 0 without throttling."""
        bounds = bound_by(self._limits, request.place)
        return max((1 / self._limits[bound].per_second for bound in bounds), default=0.0) if self._enforced else 0.0

    def _of(self, bound: str) -> Budget:
        with self._lock:
            if bound not in self._budgets:
                self._budgets[bound] = Budget(self._limits.get(bound, self.DEFAULT_LIMIT), self._clock)
            return self._budgets[bound]


@dataclass(frozen=True)
class Earlier:
    """The last answer to the same request, and where it is archived."""

    snapshot: Snapshot
    place: str

    @property
    def conditions(self) -> dict[str, str]:
        """The headers of a conditional request; empty if the answer had no ETag and no Last-Modified."""
        kept = self.snapshot.headers
        return {
            header: kept[validator]
            for header, validator in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
            if validator in kept
        }


@dataclass
class Traffic:
    """What a run has sent and received.

    Attributes:
        requests: How many requests were made.
        bytes: The bytes of their answers, unpacked.
        per_host: Requests by host.
        clock_offsets: For each answer with a usable `Date`, how many seconds our clock was ahead of it.
        reached: Whether anybody was reached.
        unreachable: To whom no connection could be made, in words.
    """

    requests: int = 0
    bytes: int = 0
    per_host: dict[str, int] = field(default_factory=dict)
    clock_offsets: list[float] = field(default_factory=list)
    reached: bool = False
    unreachable: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, host: str, size: int) -> None:
        """Count one request and its answer."""
        with self._lock:
            self.requests += 1
            self.bytes += size
            self.per_host[host] = self.per_host.get(host, 0) + 1

    def note_reached(self) -> None:
        """Note that somebody answers."""
        with self._lock:
            self.reached = True

    def note_unreachable(self, host: str, gateway: str | None) -> None:
        """Note that no connection to a host could be made."""
        with self._lock:
            self.unreachable.add(host if gateway is None else f"{host} through {gateway}")

    def require_network(self) -> None:
        """Tell a machine without a network from a provider that is down.

        Raises:
            NetworkAbsent: Nobody was reached, and several hosts were tried.
        """
        with self._lock:
            tried = sorted(self.unreachable)
            if not self.reached and len(tried) >= OFFLINE_AFTER:
                raise NetworkAbsent(
                    f"expected a network, found no connection to {', '.join(tried[:OFFLINE_AFTER])}: nothing was "
                    "recorded as failed; connect this machine and run again"
                )

    def note_clock(self, arrived_at: datetime, headers: Mapping[str, str]) -> None:
        """Compare our clock with the `Date` of an answer that just arrived.

        Cached answers are skipped, because their `Date` is the time of the cache fill. Invalid dates are skipped too.
        """
        made_at = instant_of(headers.get("Date"))
        if made_at is not None and headers.get("Age", "0").strip() == "0":
            with self._lock:
                self.clock_offsets.append((arrived_at - made_at).total_seconds())


@dataclass(frozen=True)
class Received:
    """One complete answer, with our key redacted."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Sends requests to one provider, archives every answer, and classifies errors."""

    def __init__(
        self,
        source: Source,
        *,
        gateway: str | None,
        recorder: Recorder,
        clock: Clock,
        traffic: Traffic,
        budgets: Budgets,
        key: SecretStr | None = None,
    ) -> None:
        self._source = source
        self._gateway = gateway.rstrip("/") if gateway else None
        self._recorder = recorder
        self._clock = clock
        self._traffic = traffic
        self._local = threading.local()
        self._budgets = budgets
        self._key = key
        self._redaction = Redaction(key)
        self._failures: dict[str, int] = {}
        self._throttled: set[str] = set()
        self._lock = threading.Lock()
        # Jitter, so that two machines do not retry at the same moment.
        self._jitter = random.Random(source.name)  # noqa: S311  no secret in it

    def fetch(self, request: Request, *, dataset: str, series: str, earlier: Earlier | None = None) -> Answer:
        """Send a request, with retries, until an answer is usable; every answer is archived first.

        Args:
            request: The request.
            dataset: The dataset that it is for.
            series: Our name of the series.
            earlier: The last answer to the same request; it is returned if the provider says that it is unchanged.

        Raises:
            SourceUnavailable: All attempts failed or were throttled.
            SourceRefused: The provider refuses this request.
            PayloadChanged: The answer is too large, or cannot be checked for the provider's errors.
            NetworkAbsent: No provider can be reached.
        """
        # A loop of our own: an error out of tenacity refers to itself, so that the connection of the last attempt would
        # stay open until the garbage collector runs.
        attempt = 1
        most = ATTEMPTS if self._budgets.seconds_between(request) <= SLOW_SECONDS else ATTEMPTS_WHERE_SLOW
        while True:
            self._traffic.require_network()
            given_up = self._failures.get(request.host, 0) >= GIVE_UP_AFTER
            if given_up and request.host in self._throttled:
                raise SourceUnavailable(
                    f"{request.host} said later to {GIVE_UP_AFTER} requests in a row: not asked again in this run"
                )
            if self._failures.get(request.host, 0) >= HOPELESS_AFTER:
                raise SourceUnavailable(
                    f"{request.host} failed {HOPELESS_AFTER} requests in a row: not asked again in this run"
                )
            try:
                answer = self._once(request, earlier, dataset=dataset, series=series)
            except SourceUnavailable as unavailable:
                self._traffic.require_network()
                pause = unavailable.retry_after
                if pause is None:
                    pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * self._jitter.uniform(0.75, 1.25)
                if attempt == most or pause > LONGEST_PAUSE_SECONDS or given_up:
                    self._count(request.host, failed=True)
                    raise
                attempt += 1
                self._clock.wait(pause)
            except SourceRefused:
                self._count(request.host, failed=False)
                raise
            else:
                self._count(request.host, failed=False)
                return answer

    def _count(self, host: str, *, failed: bool) -> None:
        with self._lock:
            self._failures[host] = self._failures.get(host, 0) + 1 if failed else 0

    def _once(self, request: Request, earlier: Earlier | None, *, dataset: str, series: str) -> Answer:
        self._budgets.take(request)
        received = self._exchange(request, {} if earlier is None else earlier.conditions)
        arrived_at = self._clock.now()
        self._traffic.add(request.host, len(received.body))
        self._traffic.note_clock(arrived_at, received.headers)
        snapshot = Snapshot(
            source=self._source.name,
            dataset=dataset,
            series=series,
            method=request.method,
            url=request.address,
            request_body=request.body,
            status=received.status,
            headers=_kept(received.headers),
            observed_at=arrived_at,
            body=received.body,
            form=request.form,
            transform=request.transform,
            labels=request.labels,
        )
        place = self._recorder.archive(snapshot)
        answer = Answer(request, received.status, received.body, snapshot.observed_at, place)
        if answer.status == UNCHANGED and earlier is not None:
            self._throttled.discard(request.host)
            return Answer(request, earlier.snapshot.status, earlier.snapshot.body, answer.observed_at, earlier.place)
        if answer.status in WAIT_AND_RETRY:
            self._throttled.add(request.host)
        else:
            self._throttled.discard(request.host)
        problem = error_in(answer, received.headers, self._source.refusal, self._clock)
        if problem is not None:
            raise problem
        return answer

    def _exchange(self, request: Request, conditions: Mapping[str, str]) -> Received:
        """Send one request and read the whole answer, within limits of size and time; a partial answer is an error.

        Errors have no cause attached: it would show the address as sent, which may hold a key.
        """
        address, headers = self._addressed(request, conditions)
        try:
            with (
                deadline.within(ANSWER_SECONDS),
                self._session().request(
                    request.method,
                    address,
                    data=request.body,
                    headers=headers,
                    timeout=(CONNECT_SECONDS, READ_SECONDS),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                self._traffic.note_reached()
                redacted = {name: self._redaction.text(value) for name, value in response.headers.items()}
                kept = CaseInsensitiveDict(redacted)
                body = self._whole(request.host, response, kept)
        except deadline.TooLateError:
            self._traffic.add(request.host, 0)
            raise SourceUnavailable(
                f"expected the whole answer of {request.host} within {ANSWER_SECONDS:g} s, found it unfinished"
            ) from None
        except BROKEN as broken:
            self._traffic.add(request.host, 0)
            if never_connected(broken):
                self._traffic.note_unreachable(request.host, self._gateway)
            reason = type(broken).__name__
            raise SourceUnavailable(f"expected an answer from {request.host}, found {reason}") from None
        return Received(response.status_code, kept, self._redaction.body(body))

    def _whole(self, host: str, response: requests.Response, headers: Mapping[str, str]) -> bytes:
        """Read the body, up to the size limits; a larger one is discarded.

        Raises:
            PipelineError: The body is too large; the class depends on the status.
        """
        parts: list[bytes] = []
        size = 0
        bound = None
        if (stated := headers.get("Content-Length", "")).isdecimal() and int(stated[:20]) > MOST_RECEIVED:
            bound = f"{MOST_RECEIVED:,} bytes"
        else:
            packed = "Content-Encoding" in headers
            for part in response.iter_content(CHUNK):
                parts.append(part)
                size += len(part)
                if size > MOST_UNPACKED:
                    bound = f"{MOST_UNPACKED:,} bytes unpacked"
                    break
                if response.raw.tell() > MOST_RECEIVED or (size > MOST_RECEIVED and not packed):
                    bound = f"{MOST_RECEIVED:,} bytes"
                    break
        if bound is None:
            return b"".join(parts)
        self._traffic.add(host, size)
        message = f"expected at most {bound} in an answer of {host}, found more: nothing of it is kept"
        if response.status_code in WAIT_AND_RETRY or response.status_code >= SERVER_ERRORS:
            raise SourceUnavailable(message, retry_after=retry_after(headers, self._clock))
        raise PayloadChanged(message) if response.status_code in OK else SourceRefused(message)

    def _addressed(self, request: Request, conditions: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The address and headers of a request, with the key if the source uses one."""
        address = request.address
        headers = dict(conditions)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        wanted = self._source.key
        if self._key is not None and wanted is not None:
            secret = self._key.get_secret_value()
            if wanted.header is not None:
                headers[wanted.header] = secret
            elif wanted.param is not None:
                address += ("&" if "?" in address else "?") + urlencode({wanted.param: secret})
        if self._gateway is not None:
            parts = urlsplit(address)
            address = f"{self._gateway}/{parts.netloc}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return address, headers

    def _session(self) -> Session:
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = Session()
            session.trust_env = self._gateway is None  # no proxy to a loopback gateway
            self._local.session = session
        return session


def error_in(
    answer: Answer,
    headers: Mapping[str, str],
    refusal: Callable[[Answer], PipelineError | None],
    clock: Clock,
) -> PipelineError | None:
    """The error in an answer: first by status, then by the error format of the provider; None if there is none.

    Raises:
        PipelineError: The answer cannot be checked for the provider's errors.
    """
    host = answer.request.host
    if answer.status in answer.request.accept:
        return None
    message = f"expected 200 from {host}, found {answer.status}: {answer.body[:120]!r}"
    if answer.status in WAIT_AND_RETRY or answer.status >= SERVER_ERRORS:
        return SourceUnavailable(message, retry_after=retry_after(headers, clock))
    if answer.status not in OK:
        return SourceRefused(message)
    try:
        return refusal(answer)
    except (PipelineError, MemoryError):
        raise
    except Exception as odd:
        raise PayloadChanged(f"expected data or a known error from {host}, found {place_of(odd)}") from odd


def never_connected(broken: Exception) -> bool:
    """Whether an exchange failed before there was a connection: no address, no route, nobody who listens."""
    wrapped = broken.args[0] if broken.args else None
    return isinstance(getattr(wrapped, "reason", None), NewConnectionError | ConnectTimeoutError)


OURS = Path(__file__).parents[1]


def place_of(error: Exception) -> str:
    """An unexpected error, by its class and the innermost place in our code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(OURS)]
    where = f" at {Path(frames[-1].filename).relative_to(OURS)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """The `Retry-After` of an answer in seconds, from a number or a date; None if it is absent or invalid."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        wanted = _date(text)
        if wanted is None:
            return None
        seconds = (wanted - clock.now()).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


HTTP_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", re.ASCII)


def instant_of(text: str | None) -> datetime | None:
    """The instant of a `Date` header; None if it is not in the standard format."""
    return _date(text) if text is not None and HTTP_DATE.fullmatch(text.strip()) else None


def _date(text: str) -> datetime | None:
    """The instant of a date in the format of mail and HTTP; None if it is invalid."""
    try:
        wanted = parsedate_to_datetime(text)
        return (wanted.replace(tzinfo=UTC) if wanted.tzinfo is None else wanted).astimezone(UTC)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS}
