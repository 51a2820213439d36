"""The only importer of requests: bounds, deadlines, timeouts, retries, rate limits, gateway, archive."""

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
from urllib3.exceptions import HTTPError

from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable
from flows import deadline
from flows.clock import Clock
from flows.redaction import Redaction
from flows.settings import LOOPBACK
from flows.source import Answer, Limit, Request, Source, bound_by
from warehouse.store.archive import Recorder, Snapshot

CONNECT_SECONDS = 10
READ_SECONDS = 30
ANSWER_SECONDS = 120.0  # for a whole answer, from asking to its last byte; the largest has several megabytes
# The largest answers that are known, DefiLlama's lists of pools, have less than 20 million bytes unpacked; the zip file
# of the Federal Reserve's H.4.1 several million.
MOST_RECEIVED = 2**26  # bytes, as they are sent
MOST_UNPACKED = 2**26  # bytes, once the encoding of the transfer is removed
CHUNK = 2**16
ATTEMPTS = 4
# Where requests must be this far apart, a second attempt is patience enough: the next run asks again.
SLOW_SECONDS = 5
ATTEMPTS_WHERE_SLOW = 2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 90.0
LONGEST_RETRY_AFTER_SECONDS = 86_400.0  # who says "in a year" means "not today"
GIVE_UP_AFTER = 3  # requests in a row that a host failed; from then on it is asked only once for each
HOPELESS_AFTER = 8  # requests in a row that a host failed; the rest of the run does not ask it
USER_AGENT = "tidemark/0.1 (daily research pipeline)"
WAIT_AND_RETRY = {408, 418, 425, 429}
SERVER_ERRORS = 500
OK = range(200, 300)
UNCHANGED = 304
# It prints addresses: at DEBUG as they are sent, at WARNING those of odd answers; a key may be in one.
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


WEBHOOK_SECONDS = (5, 10)  # to connect, to send the next byte
WEBHOOK_WHOLE_SECONDS = 20.0  # for both, and every header
WEBHOOK_ATTEMPTS = 2

# What asking raises where the other side, the network or a proxy is at fault: an address, a header or an encoding that
# makes no sense is a ValueError here and there.
BROKEN = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


class _Plain(HTTPConnection):
    """A connection whose socket the deadline of an exchange can shut."""

    def connect(self) -> None:
        super().connect()
        _watch(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        _watch(self)  # one that is used again
        super().request(*args, **kwargs)


class _Encrypted(HTTPSConnection):
    """The same with encryption."""

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
    """Connects so that deadlines hold, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _connect_watched(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _connect_watched(manager)
        return manager


def _connect_watched(manager: PoolManager) -> None:
    known = {"http": HTTPConnectionPool, "https": HTTPSConnectionPool}
    if manager.pool_classes_by_scheme == known:  # a proxy of another kind connects in its own way
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}


class Session(requests.Session):
    """Asks with deadlines, and reads nothing on its own."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = USER_AGENT
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(pool_maxsize=1))

    def get_redirect_target(self, _: requests.Response) -> None:
        """Nobody is followed elsewhere; requests would look at where to, and read the whole body for it."""
        return


def post(address: SecretStr, body: bytes, *, clock: Clock) -> None:
    """Send some JSON to a webhook, whose address may hold a secret: no error tells more than its kind.

    Raises:
        SourceUnavailable: Nobody took it, or it was told "later", at both attempts.
        SourceRefused: It will not be taken.
    """
    found = ""
    for attempt in range(WEBHOOK_ATTEMPTS):
        if attempt:
            clock.wait(FIRST_PAUSE_SECONDS)
        try:
            status = _posted(address.get_secret_value(), body)
        except BROKEN as broken:
            found = type(broken).__name__
            continue
        if status in OK:
            return
        found = str(status)
        if status not in WAIT_AND_RETRY and status < SERVER_ERRORS:
            raise SourceRefused(f"expected 200 from the webhook, found {found}")
    raise SourceUnavailable(f"expected 200 from the webhook, found {found} at {WEBHOOK_ATTEMPTS} attempts")


def _posted(address: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    with deadline.within(WEBHOOK_WHOLE_SECONDS), Session() as session:
        session.trust_env = urlsplit(address).hostname not in LOOPBACK  # this machine is reached without a proxy
        with session.post(
            address, data=body, headers=headers, timeout=WEBHOOK_SECONDS, allow_redirects=False, stream=True
        ) as answer:
            return answer.status_code


class Budget:
    """A token bucket for one host: never more than its limit, whoever asks."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = float(limit.burst)
        self._at = clock.ticks()

    def take(self) -> None:
        """Wait for one request's turn."""
        with self._lock:
            now = self._clock.ticks()
            self._tokens = min(self._limit.burst, self._tokens + (now - self._at) * self._limit.per_second)
            self._at = now
            self._tokens -= 1
            pause = -self._tokens / self._limit.per_second if self._tokens < 0 else 0.0
        self._clock.wait(pause)


class Budgets:
    """One budget per host, and per endpoint that has its own, shared by all feeds and sources of a run that ask it.

    Where sources differ about a limit, the strictest holds.

    Args:
        sources: Whose limits are kept.
        clock: How to wait.
        enforced: Whether requests are throttled; those to an invented market on this machine are not.
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
                self._limits[bound] = min(held, limit, key=lambda one: one.per_second)

    def take(self, request: Request) -> None:
        """Wait for a request's turn at its host and at its endpoint."""
        if self._enforced:
            for bound in bound_by(self._limits, request.place) or [request.host]:
                self._of(bound).take()

    def seconds_between(self, request: Request) -> float:
        """How far apart a host's requests are once its burst is spent; 0 where nothing is throttled."""
        bounds = bound_by(self._limits, request.place)
        return max((1 / self._limits[bound].per_second for bound in bounds), default=0.0) if self._enforced else 0.0

    def _of(self, bound: str) -> Budget:
        with self._lock:
            if bound not in self._budgets:
                self._budgets[bound] = Budget(self._limits.get(bound, self.DEFAULT_LIMIT), self._clock)
            return self._budgets[bound]


@dataclass(frozen=True)
class Earlier:
    """The last answer to a question, and where it is archived."""

    snapshot: Snapshot
    place: str

    @property
    def conditions(self) -> dict[str, str]:
        """The headers with which a provider is asked whether that answer still holds; none where it gave no mark."""
        kept = self.snapshot.headers
        return {
            header: kept[mark]
            for header, mark in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
            if mark in kept
        }


@dataclass
class Traffic:
    """What a run has sent and received.

    Attributes:
        requests: How many requests were made.
        bytes: The bytes of their answers, unpacked.
        per_host: Requests by host.
        clock_offsets: For each answer that says when it was made, by how many seconds our clock was ahead of that.
    """

    requests: int = 0
    bytes: int = 0
    per_host: dict[str, int] = field(default_factory=dict)
    clock_offsets: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, host: str, size: int) -> None:
        """Count one request and its answer."""
        with self._lock:
            self.requests += 1
            self.bytes += size
            self.per_host[host] = self.per_host.get(host, 0) + 1

    def note_clock(self, arrived_at: datetime, headers: Mapping[str, str]) -> None:
        """Hold our clock against the `Date` of an answer that just arrived.

        An answer out of a cache tells when the cache was filled, and is passed over; so is a date that is none.
        """
        made_at = instant_of(headers.get("Date"))
        if made_at is not None and headers.get("Age", "0").strip() == "0":
            with self._lock:
                self.clock_offsets.append((arrived_at - made_at).total_seconds())


@dataclass(frozen=True)
class Received:
    """One answer as it came, whole, and without the key that it may have repeated."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Asks one provider, keeps every answer in the archive, and names what went wrong."""

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
        self._told_later: set[str] = set()
        self._lock = threading.Lock()
        # Spreads retries so that two machines do not knock in step; nothing rests on its values.
        self._jitter = random.Random(source.name)  # noqa: S311  no secret in it

    def fetch(self, request: Request, *, dataset: str, series: str, earlier: Earlier | None = None) -> Answer:
        """Send a request until an answer is usable or patience ends; every answer is archived first.

        Args:
            request: The question.
            dataset: What it is asked for.
            series: Our name of the series.
            earlier: The last answer to the same question; where the provider says that it still holds, it is returned.

        Raises:
            SourceUnavailable: Nobody answered, or with "later", after all attempts.
            SourceRefused: The provider will not answer this request.
            PayloadChanged: The answer is larger than any that is known, or an error that nobody can read.
        """
        attempt = 1
        most = ATTEMPTS if self._budgets.seconds_between(request) <= SLOW_SECONDS else ATTEMPTS_WHERE_SLOW
        while True:
            given_up = self._failures.get(request.host, 0) >= GIVE_UP_AFTER
            if given_up and request.host in self._told_later:
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
        place = self._recorder.append(snapshot)
        answer = Answer(request, received.status, received.body, snapshot.observed_at, place)
        if answer.status == UNCHANGED and earlier is not None:
            self._told_later.discard(request.host)
            return Answer(request, earlier.snapshot.status, earlier.snapshot.body, answer.observed_at, earlier.place)
        if answer.status in WAIT_AND_RETRY:
            self._told_later.add(request.host)
        else:
            self._told_later.discard(request.host)
        problem = error_in(answer, received.headers, self._source.refusal, self._clock)
        if problem is not None:
            raise problem
        return answer

    def _exchange(self, request: Request, conditions: Mapping[str, str]) -> Received:
        """Ask once, and read the whole answer, within bounds of bytes and time; what is cut off is no answer.

        An error is told without what caused it: that names the address as it was sent, and a key may be in it.
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
                told = {name: self._redaction.text(value) for name, value in response.headers.items()}
                kept = CaseInsensitiveDict(told)
                body = self._whole(request.host, response, kept)
        except deadline.TooLateError:
            self._traffic.add(request.host, 0)
            raise SourceUnavailable(
                f"expected the whole answer of {request.host} within {ANSWER_SECONDS:g} s, found it unfinished"
            ) from None
        except BROKEN as broken:
            self._traffic.add(request.host, 0)
            reason = type(broken).__name__
            raise SourceUnavailable(f"expected an answer from {request.host}, found {reason}") from None
        return Received(response.status_code, kept, self._redaction.body(body))

    def _whole(self, host: str, response: requests.Response, headers: Mapping[str, str]) -> bytes:
        """The body, if it is not too large; nothing is kept of one that is.

        Raises:
            PipelineError: It is too large: by its status, something to wait for, a refusal, or a change.
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
        found = f"expected at most {bound} in an answer of {host}, found more: nothing of it is kept"
        if response.status_code in WAIT_AND_RETRY or response.status_code >= SERVER_ERRORS:
            raise SourceUnavailable(found, retry_after=retry_after(headers, self._clock))
        raise PayloadChanged(found) if response.status_code in OK else SourceRefused(found)

    def _addressed(self, request: Request, conditions: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Where a request goes, and its headers; with the key, where one is wanted."""
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
            session.trust_env = self._gateway is None  # a loopback gateway is reached without a proxy
            self._local.session = session
        return session


def error_in(
    answer: Answer,
    headers: Mapping[str, str],
    refusal: Callable[[Answer], PipelineError | None],
    clock: Clock,
) -> PipelineError | None:
    """What is wrong with an answer, by status first and by the provider's own error shape second.

    Raises:
        PipelineError: The answer is none that the provider's errors can be looked for in.
    """
    host = answer.request.host
    if answer.status in answer.request.accept:
        return None
    found = f"expected 200 from {host}, found {answer.status}: {answer.body[:120]!r}"
    if answer.status in WAIT_AND_RETRY or answer.status >= SERVER_ERRORS:
        return SourceUnavailable(found, retry_after=retry_after(headers, clock))
    if answer.status not in OK:
        return SourceRefused(found)
    try:
        return refusal(answer)
    except (PipelineError, MemoryError):
        raise
    except Exception as odd:
        raise PayloadChanged(f"expected data or a known error from {host}, found {place_of(odd)}") from odd


OURS = Path(__file__).parents[1]


def place_of(error: Exception) -> str:
    """An error that nobody foresaw, by its class and the last place in our code that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(OURS)]
    where = f" at {Path(frames[-1].filename).relative_to(OURS)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """The seconds that a provider asks us to wait, given as a number or as a date; unknown where it makes no sense."""
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
    """The instant of a `Date` header; none where it has another form than the one that is prescribed."""
    return _date(text) if text is not None and HTTP_DATE.fullmatch(text.strip()) else None


def _date(text: str) -> datetime | None:
    """The instant of a date as mail and HTTP write it; none where it is no date."""
    try:
        wanted = parsedate_to_datetime(text)
        return (wanted.replace(tzinfo=UTC) if wanted.tzinfo is None else wanted).astimezone(UTC)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS}
