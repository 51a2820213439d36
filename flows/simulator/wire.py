"""What a page is asked and what it answers, before HTTP comes in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.simulator.instants import DAY_MS
from flows.simulator.market import Market

JSON = "application/json;charset=utf-8"


class BadParameterError(ValueError):
    """A query parameter that the provider would reject.

    Attributes:
        name: The parameter.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"parameter {name!r} is malformed")
        self.name = name


@dataclass(frozen=True)
class Request:
    """One request for `https://HOST/PATH?QUERY`, in a market, at a moment.

    Attributes:
        host: Whom the client meant to ask.
        path: The path there, beginning with a slash, decoded.
        query: The parameters, decoded; of a repeated one the last.
        headers: What the client sent, names in lower case.
        market: The world that the answer tells of.
        now_ms: The virtual time, in milliseconds since 1970.
        body: What a POST sent along; None with a GET.
    """

    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    market: Market
    now_ms: int
    body: bytes | None = None

    @property
    def today(self) -> int:
        """The running UTC day, as days since 1970."""
        return self.now_ms // DAY_MS

    def integer(self, name: str) -> int | None:
        """A whole number of the query; None where it is not sent or empty."""
        text = self.query.get(name, "")
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadParameterError(name) from None


@dataclass(frozen=True)
class Answer:
    """One answer; everything but the HTTP.

    Attributes:
        body: The bytes, before `finish`.
        status: HTTP status.
        content_type: HTTP content type.
        headers: Further headers.
        is_table: The body is CSV whose first line names the columns.
        finish: What is done to the body last, such as packing it into a zip; misbehaviour
            edits the rows before this, so that a packed page stays well packed.
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    is_table: bool = False
    finish: Callable[[bytes], bytes] | None = None

    def sent(self) -> bytes:
        """The bytes that travel."""
        return self.finish(self.body) if self.finish else self.body


@dataclass(frozen=True)
class Budget:
    """How much a client may ask.

    Attributes:
        units: How many units may be spent.
        seconds: Within how many seconds.
        cost: What one request costs.
        says_when: Whether a refusal tells in `Retry-After` when to come back.
        used_header: The header that tells how much is spent, where the provider sends one.
    """

    units: int
    seconds: float
    cost: Callable[[Request], int] = lambda _: 1
    says_when: bool = True
    used_header: str | None = None


@dataclass(frozen=True)
class Page:
    """One provider's face: which hosts it serves and how.

    Attributes:
        hosts: The host names.
        answer: The answer to a request.
        error: An error of a given HTTP status, in the provider's own shape.
        envelope: How the provider, or a proxy before it, reports a failure inside an HTTP 200.
        rows: The lists or dicts of a decoded JSON answer that hold its rows.
        budget: The provider's rate limit, where one is imitated.
        endpoints: Limits of endpoints that have their own instead, by how the path begins.
        takes_post: Whether it may be sent a POST; to the others one is an error.
        marks: Whether its answers carry an ETag, and a client that has the same one is told so with 304.
    """

    hosts: tuple[str, ...]
    answer: Callable[[Request], Answer]
    error: Callable[[int], Answer]
    envelope: Callable[[], Answer]
    rows: Callable[[Any], list[Any]]
    budget: Budget | None = None
    endpoints: Mapping[str, Budget] = field(default_factory=dict)
    takes_post: bool = False
    marks: bool = False

    def limit(self, request: Request) -> tuple[str, Budget | None]:
        """What a request is counted under, and the budget of that."""
        for beginning, budget in self.endpoints.items():
            if request.path.startswith(beginning):
                return request.host + beginning, budget
        return request.host, self.budget


def json_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a JSON document, written as compactly as the providers do."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(body, status, headers=headers or {})


def text_answer(text: str, status: int = 200, content_type: str = "text/plain") -> Answer:
    """Answer with text."""
    return Answer(text.encode(), status, content_type)


def list_rows(document: Any) -> list[Any]:
    """The rows of an answer that is itself a list of rows."""
    return [document] if isinstance(document, list) else []


def whole(value: float) -> int | float:
    """A number as JavaScript back ends print it: without a fraction where there is none."""
    return int(value) if value == int(value) else value
