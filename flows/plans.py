"""Values that say what to ask: requests, series, feeds and sources. Nothing here performs anything."""

from codecs import BOM_UTF8
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import orjson

from expectations.calendar import READ_WITHIN, Release
from expectations.contract import Dataset
from expectations.errors import PayloadChanged, PipelineError
from expectations.interval import Interval
from transforms.payload import Form

Verification = Literal["recorded", "documented"]
# When the providers' documentation and the recorded answers were gathered that every transform was written against.
SURVEYED = date(2026, 11, 22)


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


@dataclass(frozen=True)
class Answer:
    """What came back, already archived."""

    request: Request
    status: int
    body: bytes
    observed_at: datetime
    snapshot: str

    def json(self) -> Any:
        """The decoded document; a byte-order mark before it is no part of it."""
        try:
            return orjson.loads(self.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as broken:
            raise PayloadChanged(f"expected JSON from {self.request.host}, found {self.body[:60]!r}") from broken


Plan = Generator[Request, Answer, None]


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
    """

    name: str
    symbol: str
    since: date
    release: Release
    until: date | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

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
        restates_for: How long after its end a day is asked for again.
        whole_history: Whether every answer is everything, so that days far apart are asked for at once, and a provider
            that can say "unchanged" is given the chance.
        reading: Whether an answer tells only how things stand when it is asked for. The first such reading after a
            day's end, at most twelve hours late, stands for how the day ended: its release is `read_after_day()`, and
            its transform takes `observed_at`, when the answer came.
        kept_for: How long after its end the provider still has a day; for ever where it is not stated.
        seam: The first day, at an instant, that comes from another place than the days before it. No ask holds days
            from both, so that each place fails alone.
        told_apart_by: Columns that tell the series apart where one answer serves several; each has labels of that name.
        count: How many requests an ask takes, by host; not stated where it is one.
    """

    dataset: Dataset
    plan: Callable[[Ask], Plan]
    series: tuple[Series, ...]
    days_per_ask: int
    restates_for: timedelta = timedelta(0)
    whole_history: bool = False
    kept_for: timedelta | None = None
    reading: bool = False
    seam: Callable[[datetime], date] | None = None
    told_apart_by: tuple[str, ...] = ()
    count: Count | None = None

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
    refusal: Callable[[Answer], PipelineError | None] = no_refusal
    connections: int = 4
    key: Key | None = None
    unofficial: bool = False
    verified_on: date = SURVEYED
