"""Declarations of what to request: requests, series, feeds and sources. Nothing here does I/O."""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson

from expectations.contract import Dataset
from expectations.errors import FAULTS, PayloadChanged, PipelineError, described
from expectations.interval import Interval
from expectations.releases import READ_WITHIN, SOON_AFTER_DAY, Release
from transforms.payload import Form, decode

Verification = Literal["recorded", "documented"]
# The day on which the documentation and recorded answers were gathered that all transforms were written against.
SURVEYED = date(2026, 11, 22)
RESTATED_FOR = timedelta(days=3)
"""For how long most providers still correct a day."""
# A restatement window that covers every day of every series.
FOR_EVER = timedelta(days=36_600)


@dataclass(frozen=True)
class Request:
    """One request to a provider.

    Attributes:
        url: The address without query.
        params: The query parameters.
        method: The HTTP method.
        body: The request body, if there is one.
        form: The format of the answer's body.
        labels: Facts that the answer does not contain; passed to the transform as keyword arguments.
        transform: The function of the transform that reads the answer; None if the answer has no rows.
        accept: Statuses besides 2xx that the plan handles itself.
        shared: Whether one answer serves every ask of a run.
        days: The days that only this answer covers, if it is an independent file or page: if it cannot be fetched or
            read, these days fail and no others. `piece` sets it.
    """

    url: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    method: Literal["GET", "POST"] = "GET"
    body: str | None = None
    form: Form = "json"
    labels: Mapping[str, str] = field(default_factory=dict)
    transform: str | None = "normalize"
    accept: tuple[int, ...] = ()
    shared: bool = False
    days: Interval | None = None

    @property
    def address(self) -> str:
        """The whole URL at the provider, as it is archived."""
        return f"{self.url}?{urlencode(self.params)}" if self.params else self.url

    @property
    def host(self) -> str:
        """The host of the provider, to which rate limits apply."""
        return urlsplit(self.url).netloc

    @property
    def place(self) -> str:
        """Host and path, to which limits per endpoint apply."""
        parts = urlsplit(self.url)
        return parts.netloc + parts.path

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """The key by which two requests count as the same."""
        return (self.method, self.address, self.body)

    @property
    def file(self) -> str | None:
        """The name of the requested file; None if the request is not for a file."""
        return self.url.rpartition("/")[2] if self.form in {"zip", "bare_zip"} else None


@dataclass(frozen=True)
class Answer:
    """The answer to a request, already archived."""

    request: Request
    status: int
    body: bytes
    observed_at: datetime
    snapshot: str

    @cached_property
    def document(self) -> Any:
        """The body, decoded once by the form of the request, for the plan and for the transform.

        Raises:
            PayloadChanged: The body has another format; the message names the file, if there is one.
        """
        try:
            return decode(self.body, self.request.form)
        except PayloadChanged as changed:
            if self.request.file is None:
                raise
            raise PayloadChanged(f"{self.request.file}: {changed}") from changed

    def json(self) -> Any:
        """The body decoded as JSON, without a byte-order mark."""
        try:
            return orjson.loads(self.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as broken:
            raise PayloadChanged(f"expected JSON from {self.request.host}, found {self.body[:60]!r}") from broken


@dataclass(frozen=True)
class Lost:
    """An independent file or page that could not be fetched or read.

    Attributes:
        days: The days that it covers.
        problem: The error.
        requests: The requests made for it; their answers are dropped, unless a corrected transform may read them.
    """

    days: Interval
    problem: PipelineError
    requests: tuple[Request, ...]

    def costs(self, request: Request) -> bool:
        """Whether the answer to a request is dropped; an unreadable one is kept for a corrected transform."""
        return request in self.requests and not isinstance(self.problem, PayloadChanged)


@dataclass(frozen=True, eq=False)
class Gathered:
    """The answers to one ask: some days of one series.

    Attributes:
        ask: The ask.
        answers: All answers, in order.
        error: Why the plan failed; None if it completed.
        lost: The files and pages that could not be fetched or read, although the plan continued.
    """

    ask: "Ask"
    answers: tuple[Answer, ...]
    error: PipelineError | None
    lost: tuple[Lost, ...] = ()

    @property
    def observed_at(self) -> datetime | None:
        """When the last answer arrived."""
        return max((answer.observed_at for answer in self.answers), default=None)


# A plan yields requests, receives each answer, and returns the pieces that it lost, a sequence of `Lost`, if any.
Plan = Generator[Request, Answer, Any]
Kept = TypeVar("Kept")


def piece(days: Interval, steps: Generator[Request, Answer, Kept]) -> Generator[Request, Answer, Kept | Lost]:
    """Run the requests of an independent file or page: if it fails, only its days fail and the plan continues.

    Args:
        days: The days that only this piece covers.
        steps: The requests that it takes.

    Returns:
        What the steps return, or a `Lost` if they fail, so that the plan can try another place for these days.
    """
    asked: list[Request] = []
    try:
        request = replace(next(steps), days=days)
        while True:
            asked.append(request)
            try:
                answer = yield request
            except PipelineError as problem:
                request = replace(steps.throw(problem), days=days)
            else:
                request = replace(steps.send(answer), days=days)
    except StopIteration as end:
        kept: Kept = end.value
        return kept
    except PipelineError as problem:
        return Lost(days, problem, tuple(asked))
    except FAULTS as fault:
        changed = PayloadChanged(f"expected the shape that its plan reads, found {described(fault)}")
        return Lost(days, changed, tuple(asked))


def pieces(spans: Iterable[Interval], steps: Callable[[Interval], Generator[Request, Answer, object]]) -> Plan:
    """Run one independent piece for each span: if it fails, only its days fail.

    Args:
        spans: The days that each piece covers.
        steps: The requests that a piece takes.
    """
    lost = []
    for days in spans:
        outcome = yield from piece(days, steps(days))
        if isinstance(outcome, Lost):
            lost.append(outcome)
    return lost


def windows(spans: Iterable[Interval], request: Callable[[Interval], Request]) -> Plan:
    """Like `pieces`, with one request for each span."""
    return pieces(spans, lambda days: _single(request(days)))


def _single(request: Request) -> Generator[Request, Answer, None]:
    yield request


@dataclass(frozen=True)
class Series:
    """One series of a feed, under our name.

    Attributes:
        name: Our name, as in the ledger.
        symbol: The provider's name.
        since: The first day that the provider has.
        until: The last day, if the series has ended.
        release: Which days have a value and when it is public; by default every day, five minutes after its end.
        labels: Facts about it that the transform needs.
        restates_for: How long after its end a day is fetched again; None for the window of its feed.
        by_rule: Whether only a rule says when a value was public. Then a fetch that did not find the value proves that
            it was public later. It proves nothing if the value was announced before its day, or if the provider stamps
            the publication.
    """

    name: str
    symbol: str
    since: date
    release: Release = SOON_AFTER_DAY
    until: date | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    restates_for: timedelta | None = None
    by_rule: bool = True

    def valid(self, days: Interval) -> Interval | None:
        """The part of an interval in which the series exists."""
        start = max(days.start, self.since)
        end = days.end if self.until is None else min(days.end, self.until + timedelta(days=1))
        return Interval(start, end) if start < end else None


def series_of(
    table: Mapping[str, tuple[str, date]], release: Release = SOON_AFTER_DAY, until: date | None = None
) -> tuple[Series, ...]:
    """The series of a table, without labels.

    Args:
        table: Our name to the provider's name and the first day that the provider has.
        release: Which days have a value and when it is public.
        until: The last day, if they have ended.
    """
    return tuple(Series(name, symbol, since, release, until) for name, (symbol, since) in table.items())


@dataclass(frozen=True)
class Ask:
    """One series, the wanted days, and the instant of asking."""

    series: Series
    days: Interval
    now: datetime


Count = Callable[[Ask], Mapping[str, int]]


@dataclass(frozen=True)
class Feed:
    """One dataset that one source supplies.

    Attributes:
        dataset: The dataset, whose contract the rows must meet.
        plan: Yields the requests for an ask.
        series: The series that can be asked for.
        days_per_ask: The most days of one ask, so that answers and batches stay bounded.
        restates_for: How long after its end a day is fetched again, unless its series says otherwise; with a whole
            history, every day is fetched again at any age.
        whole_history: Whether one answer contains the whole history. Then days far apart are fetched at once, the daily
            job compares all days, and requests are conditional if the provider supports it.
        reading: Whether an answer contains only the current state. The first reading after the end of a day, at most
            twelve hours late, counts as the value at the end of the day. Its release is `SOON_AFTER_DAY`, and its
            transform takes `observed_at`, the instant of the answer.
        kept_for: How long after its end the provider keeps a day; None for ever.
        apart: Wanted days further apart than this go into separate asks; a shorter gap is fetched again.
        seam: The first day, at an instant, that comes from another place than the days before it. No ask has days from
            both, so that each place fails alone.
        told_apart_by: Columns that distinguish the series if one answer serves several; each is a label of the series.
        count: How many requests an ask takes, by host; None for one.
        blank_days: Whether a day that an answer lists without a value is known to have none, although days of the
            dataset rarely do: the transform lists such a day only if the provider says that there was nothing.
        begins: Whether given answers prove that the provider has nothing older than their oldest row; None if the start
            of each series is known.
    """

    dataset: Dataset
    plan: Callable[[Ask], Plan]
    series: tuple[Series, ...]
    days_per_ask: int
    restates_for: timedelta = RESTATED_FOR
    whole_history: bool = False
    kept_for: timedelta | None = None
    reading: bool = False
    apart: timedelta = timedelta(days=30)
    seam: Callable[[datetime], date] | None = None
    told_apart_by: tuple[str, ...] = ()
    count: Count | None = None
    blank_days: bool = False
    begins: Callable[[Sequence[Answer]], bool] | None = None

    @property
    def quiet(self) -> bool:
        """Whether a day listed without a value is known to have none."""
        return self.dataset.quiet or self.blank_days

    def window(self, series: Series) -> timedelta:
        """How long after its end a day of a series is fetched again."""
        if self.whole_history:
            return FOR_EVER
        return self.restates_for if series.restates_for is None else series.restates_for

    @property
    def lasts(self) -> timedelta | None:
        """How long after its end a day can be fetched; None for ever."""
        return READ_WITHIN if self.reading else self.kept_for

    def requests(self, ask: Ask) -> Mapping[str, int]:
        """The expected number of requests of an ask, by host; a request that serves a whole run is not counted."""
        if self.count is not None:
            return self.count(ask)
        return {self.endpoint(ask).partition("/")[0]: 1}

    def endpoint(self, ask: Ask) -> str:
        """Host and path of the first request of an ask; the plan does no I/O, so it can be read here."""
        return next(self.plan(ask)).place


@dataclass(frozen=True)
class Limit:
    """A rate limit: a number of requests per number of seconds, of which a burst may be sent at once."""

    requests: int
    seconds: float
    burst: int = 1

    @property
    def per_second(self) -> float:
        """The steady rate that stays within the limit even right after a burst."""
        return max(self.requests - self.burst, 1) / self.seconds


def bound_by(limits: Mapping[str, Limit], place: str) -> list[str]:
    """The limits that apply to a request to `host/path`: those of its host and of its endpoint."""
    return [bound for bound in limits if place == bound or place.startswith(f"{bound}/")]


@dataclass(frozen=True)
class Key:
    """An API key of a provider; read from `TIDEMARK_KEY_<NAME>`, and never stored.

    Attributes:
        name: The suffix of the setting, in upper case.
        header: The header that carries it.
        param: The query parameter that carries it, if the provider takes no header; stored addresses do not contain it.
        required: Whether the provider answers nothing without it.
    """

    name: str
    header: str | None = None
    param: str | None = None
    required: bool = True

    @property
    def setting(self) -> str:
        """The environment variable."""
        return f"TIDEMARK_KEY_{self.name}"


def among(found: object, known: Collection[object]) -> bool:
    """Whether a value in an answer is one of some known codes or texts; a list or an object never is."""
    return isinstance(found, str | int | float) and found in known


def no_refusal(_: Answer) -> PipelineError | None:
    """No refusal; for providers that never send an error with status 200."""
    return None


@dataclass(frozen=True)
class Source:
    """One provider: its feeds, limits and terms.

    Attributes:
        name: Our name, lower case.
        feeds: The feeds that it supplies.
        limits: The limit of each host, and of each `host/path` with its own limit; both apply to a request.
        docs: The address of the documentation.
        terms: The terms of use of the data.
        attribution: The attribution that it requires.
        verified: What the transforms were verified against: recorded answers, or documentation. Only `tidemark doctor`
            verifies live answers, for the home that it runs on.
        verified_against: Which answers or documents these were, and what is only believed about the provider. Empty
            while the source is being written: no run asks it.
        refusal: Finds an error in an answer with status 200, if the provider sends such.
        connections: The most requests in parallel.
        key: The API key that it takes, if any.
        unofficial: Whether the API is unofficial, so that a user must enable it.
        verified_on: The day of that verification.
    """

    name: str
    feeds: tuple[Feed, ...]
    limits: Mapping[str, Limit]
    docs: str
    terms: str
    attribution: str
    verified: Verification
    verified_against: str
    refusal: Callable[[Answer], PipelineError | None] = no_refusal
    connections: int = 4
    key: Key | None = None
    unofficial: bool = False
    verified_on: date = SURVEYED
