"""The only importer of requests: timeouts, retries, rate limits, gateway, archive."""

import logging
import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import ClassVar
from urllib.parse import quote_plus, urlencode, urlsplit

import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter

from expectations.errors import PipelineError, SourceRefused, SourceUnavailable
from flows.clock import Clock
from flows.plans import Answer, Limit, Request, Source, bound_by
from flows.settings import LOOPBACK
from warehouse.archive import Recorder, Snapshot

CONNECT_SECONDS = 10
READ_SECONDS = 30
ATTEMPTS = 4
# Where requests must be this far apart, a second attempt is patience enough: the next run asks again.
SLOW_SECONDS = 5
ATTEMPTS_WHERE_SLOW = 2
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 90.0
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


WEBHOOK_SECONDS = (5, 10)  # to connect, to answer
WEBHOOK_ATTEMPTS = 2


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
        except (requests.RequestException, UnicodeError) as broken:
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
    with requests.Session() as session:
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
        enforced: Whether anybody is spared by it; an invented market on this machine is not.
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
        """How far apart a host's requests are once its burst is spent; 0 where nobody is spared."""
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
    """What a run has sent and received."""

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
        response = self._send(request, {} if earlier is None else earlier.conditions)
        body = self._without_key(response.content)
        self._traffic.add(request.host, len(body))
        snapshot = Snapshot(
            source=self._source.name,
            dataset=dataset,
            series=series,
            method=request.method,
            url=request.address,
            request_body=request.body,
            status=response.status_code,
            headers=_kept(response.headers),
            observed_at=self._clock.now(),
            body=body,
            form=request.form,
            transform=request.transform,
            labels=request.labels,
        )
        place = self._recorder.append(snapshot)
        answer = Answer(request, response.status_code, body, snapshot.observed_at, place)
        if answer.status == UNCHANGED and earlier is not None:
            self._told_later.discard(request.host)
            return Answer(request, earlier.snapshot.status, earlier.snapshot.body, answer.observed_at, earlier.place)
        if answer.status in WAIT_AND_RETRY:
            self._told_later.add(request.host)
        else:
            self._told_later.discard(request.host)
        problem = judge(answer, response.headers, self._source.refusal, self._clock)
        if problem is not None:
            raise problem
        return answer

    def _without_key(self, body: bytes) -> bytes:
        """An answer that repeats the key, as some errors do, is kept without it."""
        if self._key is None:
            return body
        secret = self._key.get_secret_value()
        for spelt in {secret, quote_plus(secret)}:
            body = body.replace(spelt.encode(), b"***")
        return body

    def _send(self, request: Request, conditions: Mapping[str, str]) -> requests.Response:
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
        try:
            return self._session().request(
                request.method,
                address,
                data=request.body,
                headers=headers,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as broken:
            self._traffic.add(request.host, 0)
            reason = type(broken).__name__
            raise SourceUnavailable(f"expected an answer from {request.host}, found {reason}") from broken

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = USER_AGENT
            session.trust_env = self._gateway is None  # a loopback gateway is reached without a proxy
            session.mount("http://", HTTPAdapter(pool_maxsize=1))
            self._local.session = session
        return session


def judge(
    answer: Answer,
    headers: Mapping[str, str],
    refusal: Callable[[Answer], PipelineError | None],
    clock: Clock,
) -> PipelineError | None:
    """What is wrong with an answer, by status first and by the provider's own error shape second."""
    host = answer.request.host
    if answer.status in answer.request.accept:
        return None
    found = f"expected 200 from {host}, found {answer.status}: {answer.body[:120]!r}"
    if answer.status in WAIT_AND_RETRY or answer.status >= SERVER_ERRORS:
        return SourceUnavailable(found, retry_after=retry_after(headers, clock))
    if answer.status not in OK:
        return SourceRefused(found)
    return refusal(answer)


def retry_after(headers: Mapping[str, str], clock: Clock) -> float | None:
    """The seconds that a provider asks us to wait, given as a number or as a date."""
    text = headers.get("Retry-After")
    if text is None:
        return None
    try:
        return max(float(text), 0.0)
    except ValueError:
        pass
    try:
        wanted = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((wanted.replace(tzinfo=wanted.tzinfo or UTC) - clock.now()).total_seconds(), 0.0)


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() in KEPT_HEADERS}
