"""Values that say what to ask: requests, series, feeds and sources. Nothing here performs anything."""

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
from expectations.releases import READ_WITHIN, Release
from transforms.payload import Form, decode

Verification = Literal["recorded", "documented"]
# When the providers' documentation and the recorded answers were gathered that every transform was written against.
SURVEYED = date(2026, 11, 22)
# Of a window in which days are asked for again: all that there are, for no series has so many.
RESTATED_FOR = timedelta(days=3)
"""For how long most providers still correct a day."""
FOR_EVER = timedelta(days=36_600)


@dataclass(frozen=True)
class Request:
    """One question to a provider.

    Attributes:
        url: Address without query.
        params: The query.
        method: HTTP method.
        body: What is sent along, where anything is.
        form: What the answer's bytes are.
        labels: What the answer does not say; reaches the transform as keyword arguments.
        transform: The transform's function that reads the answer; none where the answer holds no rows.
        accept: Statuses besides 2xx that the plan itself knows how to take.
        shared: Whether one answer serves every ask of a run.
        days: The days that the answer alone speaks for, where it is a file or a page that stands by itself: when it
            cannot be had or read, they fail and no others. `piece` sets it.
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
        """The provider's host, which the rate limits are about."""
        return urlsplit(self.url).netloc

    @property
    def place(self) -> str:
        """Host and path, which limits per endpoint are about."""
        parts = urlsplit(self.url)
        return parts.netloc + parts.path

    @property
    def identity(self) -> tuple[str, str, str | None]:
        """What makes two requests the same question."""
        return (self.method, self.address, self.body)

    @property
    def file(self) -> str | None:
        """The name of the file that is asked for; none where it is no file."""
        return self.url.rpartition("/")[2] if self.form in {"zip", "bare_zip"} else None


@dataclass(frozen=True)
class Answer:
    """What came back, already archived."""

    request: Request
    status: int
    body: bytes
    observed_at: datetime
    snapshot: str

    @cached_property
    def document(self) -> Any:
        """The body decoded as the request's form says: once, for the plan and for the transform.

        Raises:
            PayloadChanged: It is not of that form; a file is named.
        """
        try:
            return decode(self.body, self.request.form)
        except PayloadChanged as changed:
            if self.request.file is None:
                raise
            raise PayloadChanged(f"{self.request.file}: {changed}") from changed

    def json(self) -> Any:
        """The decoded document; a byte-order mark before it is no part of it."""
        try:
            return orjson.loads(self.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as broken:
            raise PayloadChanged(f"expected JSON from {self.request.host}, found {self.body[:60]!r}") from broken


@dataclass(frozen=True)
class Lost:
    """A file or page that stands by itself and could not be had.

    Attributes:
        days: The days that it speaks for.
        problem: Why.
        requests: What was asked of it; their answers count for nothing, unless they may still be read one day.
    """

    days: Interval
    problem: PipelineError
    requests: tuple[Request, ...]

    def costs(self, request: Request) -> bool:
        """Whether an answer counts for nothing; one that could not be read may be read one day, and stays."""
        return request in self.requests and not isinstance(self.problem, PayloadChanged)


@dataclass(frozen=True, eq=False)
class Gathered:
    """The answers that speak for some days of one series.

    Attributes:
        ask: What was asked.
        answers: Everything that came back, in order.
        error: Why the plan did not come to its end.
        lost: The files and pages that could not be had, though the plan went on.
    """

    ask: "Ask"
    answers: tuple[Answer, ...]
    error: PipelineError | None
    lost: tuple[Lost, ...] = ()

    @property
    def observed_at(self) -> datetime | None:
        """When the last answer arrived."""
        return max((answer.observed_at for answer in self.answers), default=None)


# A plan yields requests, is handed each answer, and returns the pieces that it lost, a sequence of `Lost`, if any.
Plan = Generator[Request, Answer, Any]
Kept = TypeVar("Kept")


def piece(days: Interval, steps: Generator[Request, Answer, Kept]) -> Generator[Request, Answer, Kept | Lost]:
    """A file or page that stands by itself: where it fails, its days fail and the plan goes on.

    Args:
        days: The days that it alone speaks for.
        steps: The requests that it takes.

    Returns:
        What the steps return; what was lost where they failed, so that another place can be asked for these days.
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
    """Spans of days, each of which stands by itself: where one fails, its days fail.

    Args:
        spans: The days that each piece alone speaks for.
        steps: The requests that a piece takes.
    """
    lost = []
    for days in spans:
        found = yield from piece(days, steps(days))
        if isinstance(found, Lost):
            lost.append(found)
    return lost


def windows(spans: Iterable[Interval], request: Callable[[Interval], Request]) -> Plan:
    """As `pieces`, with one request for each span."""
    return pieces(spans, lambda days: _single(request(days)))


def _single(request: Request) -> Generator[Request, Answer, None]:
    yield request


@dataclass(frozen=True)
class Series:
    """One thing that a feed is asked for, under our name.

    Attributes:
        name: Our name, as the ledger keeps it.
        symbol: The provider's name.
        since: First day that the provider has.
        until: Last day, where it has ended.
        release: Which days have a value and when it is public.
        labels: What the transform must be told about it.
        restates_for: How long after its end a day is asked for again, where it is not as long as its feed says.
        by_rule: Whether only a rule tells when a value was public. A look that did not find it then proves that it was
            public later. It proves nothing where the value was announced before its day, or where the provider's own
            stamp tells.
    """

    name: str
    symbol: str
    since: date
    release: Release
    until: date | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    restates_for: timedelta | None = None
    by_rule: bool = True

    def valid(self, days: Interval) -> Interval | None:
        """The part of an interval in which the series exists."""
        start = max(days.start, self.since)
        end = days.end if self.until is None else min(days.end, self.until + timedelta(days=1))
        return Interval(start, end) if start < end else None


@dataclass(frozen=True)
class Ask:
    """One series, the days wanted of it, and the instant at which it is asked."""

    series: Series
    days: Interval
    now: datetime


Count = Callable[[Ask], Mapping[str, int]]


@dataclass(frozen=True)
class Feed:
    """One dataset that one source supplies.

    Attributes:
        dataset: The promise that the rows must keep.
        plan: Yields the requests that answer an ask.
        series: What can be asked for.
        days_per_ask: The most days that are asked for at once, so that an answer, and a batch, stay bounded.
        restates_for: How long after its end a day is asked for again, unless its series says otherwise; of a whole
            history every day is, at any age.
        whole_history: Whether one answer holds everything, so that days far apart are asked for at once, the daily job
            compares all of them, and a provider that can say "unchanged" is given the chance.
        reading: Whether an answer tells only how things stand when it is asked for. The first such reading after a
            day's end, at most twelve hours late, stands for how the day ended: its release is `read_after_day()`, and
            its transform takes `observed_at`, when the answer came.
        kept_for: How long after its end the provider still has a day; for ever where it is not stated.
        apart: Wanted days further apart than this are asked for separately; what lies between is asked for again.
        seam: The first day, at an instant, that comes from another place than the days before it. No ask holds days
            from both, so that each place fails alone.
        told_apart_by: Columns that tell the series apart where one answer serves several; each has labels of that name.
        count: How many requests an ask takes, by host; not stated where it is one.
        blank_days: Whether a day that an answer lists without a value has none, although the dataset's days seldom pass
            without one: its transform lists only days about which the provider says that there was nothing.
        begins: Whether some answers show that the provider has nothing older than the oldest row in them; not stated
            where it is known since when the provider has each series.
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
        """Whether a day that is listed without a value is known to have none."""
        return self.dataset.quiet or self.blank_days

    def window(self, series: Series) -> timedelta:
        """How long after its end a day of a series is asked for again."""
        if self.whole_history:
            return FOR_EVER
        return self.restates_for if series.restates_for is None else series.restates_for

    @property
    def lasts(self) -> timedelta | None:
        """How long after its end a day can be had; for ever where it is not known to end."""
        return READ_WITHIN if self.reading else self.kept_for

    def requests(self, ask: Ask) -> Mapping[str, int]:
        """How many requests an ask is expected to take of each host; one that serves a whole run is not counted."""
        if self.count is not None:
            return self.count(ask)
        return {self.endpoint(ask).partition("/")[0]: 1}

    def endpoint(self, ask: Ask) -> str:
        """Host and path that an ask begins with; a plan performs nothing, its first request tells whom it asks."""
        return next(self.plan(ask)).place


@dataclass(frozen=True)
class Limit:
    """A provider's budget: so many requests in so many seconds, of which a burst may go at once."""

    requests: int
    seconds: float
    burst: int = 1

    @property
    def per_second(self) -> float:
        """The steady rate that keeps within the budget even right after a burst."""
        return max(self.requests - self.burst, 1) / self.seconds


def bound_by(limits: Mapping[str, Limit], place: str) -> list[str]:
    """Which of some limits a request to `host/path` is bound by: those of its host and of its endpoint."""
    return [bound for bound in limits if place == bound or place.startswith(f"{bound}/")]


@dataclass(frozen=True)
class Key:
    """A key that a provider hands out; read from `TIDEMARK_KEY_<NAME>`, and kept nowhere.

    Attributes:
        name: What the setting ends in, in capitals.
        header: The header that it travels in.
        param: The parameter that it travels in, where the provider takes no header; stored addresses do not hold it.
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
    """Whether a member of an answer is one of some known codes or texts; a list or an object is none of them."""
    return isinstance(found, str | int | float) and found in known


def no_refusal(_: Answer) -> PipelineError | None:
    """For providers that never put an error into a 200."""
    return None


@dataclass(frozen=True)
class Source:
    """One provider: what it feeds, its limits and its terms.

    Attributes:
        name: Our name, lower case.
        feeds: What it supplies.
        limits: Budget per host, and per `host/path` where an endpoint has its own; a request is bound by both.
        docs: Where the provider documents it.
        terms: What one may do with the data.
        attribution: How it asks to be named.
        verified: Against what the transforms were held: recorded answers, or documentation. That live answers are as
            known only `tidemark doctor` finds, for the home that it was run for.
        verified_against: Which answers or documents these were, and what of the provider is only believed.
        refusal: The error inside a 200, where the provider does that.
        connections: Requests under way at once.
        key: The key that it wants, where it wants one.
        unofficial: Whether the provider never promised it, so that a person has to ask for it.
        verified_on: The day on which they were held against it.
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
