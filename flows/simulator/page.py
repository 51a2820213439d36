"""The interface of a provider as the simulator imitates it, without HTTP: requests, answers, errors, rows, limits."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, TypeVar

from flows.simulator.instants import DAY_MS, number_of, parse
from flows.simulator.market import Market
from flows.simulator.packing import packed
from flows.simulator.script import PEGGED

JSON = "application/json;charset=utf-8"
Value = TypeVar("Value")


class Refused(Exception):
    """The provider refuses the request.

    Attributes:
        cause: What is wrong: the name of a parameter, or another name for which the provider has an error.
        problem: How a parameter is wrong: not sent, not of its type, or not accepted.
    """

    def __init__(self, cause: str, problem: Literal["missing", "malformed", "unaccepted"] = "unaccepted") -> None:
        super().__init__(f"{problem} {cause}")
        self.cause = cause
        self.problem = problem


def coin_of(market: str, ending: str, cause: str, *, refused: Collection[str] = PEGGED) -> str:
    """The coin of a market such as BTCUSDT, by the end of its name; a market of a pegged coin is refused."""
    coin = market.removesuffix(ending)
    if not market.endswith(ending) or not coin.isalnum() or coin in refused:
        raise Refused(cause)
    return coin


@dataclass(frozen=True)
class Request:
    """A request for `https://HOST/PATH?QUERY`, in a market, at a moment.

    The methods that read a parameter raise `Refused` where a provider would refuse it.

    Attributes:
        host: The host that the client means.
        path: The path on that host, decoded, with its leading slash.
        query: The parameters, decoded; the last one counts if a name is repeated.
        headers: The client's headers, with names in lower case.
        market: The simulated market.
        now_ms: The virtual time, in milliseconds since 1970.
        body: The body of a POST; None with a GET.
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
        """The current UTC day, as days since 1970."""
        return self.now_ms // DAY_MS

    def text(self, name: str) -> str:
        """A parameter that must be sent."""
        text = self.query.get(name, "")
        if not text:
            raise Refused(name, "missing")
        return text

    def must_be(self, name: str, *accepted: str) -> str:
        """A parameter that must be sent and have one of these values."""
        text = self.text(name)
        if text not in accepted:
            raise Refused(name)
        return text

    def one_of(self, name: str, accepted: Mapping[str, Value]) -> Value:
        """What a parameter stands for that must be sent and be one of these names."""
        return accepted[self.must_be(name, *accepted)]

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; without a default it must be sent."""
        value = self.query.get(name) or default
        if value is None:
            raise Refused(name, "missing")
        try:
            return int(value)
        except ValueError:
            raise Refused(name, "malformed") from None

    def end_ms(self, name: str, unit_ms: int = 1) -> int:
        """The end of a window, in milliseconds since 1970: now, if it is not sent or lies in the future."""
        return min(self.integer(name, self.now_ms) * unit_ms, self.now_ms)

    def day(self, name: str, default: int | None = None) -> int:
        """An ISO date, of which only the day is read, as days since 1970; without a default it must be sent."""
        text = self.query.get(name, "")
        if not text and default is not None:
            return default
        try:
            return number_of(date.fromisoformat(text[:10]))
        except ValueError:
            raise Refused(name, "malformed") from None

    def instant_ms(self, name: str, default: int, zone: str = "") -> int:
        """An ISO 8601 time, in milliseconds since 1970: in UTC, unless it states a zone or a zone is given."""
        text = self.query.get(name, "")
        try:
            return parse(text + zone) if text else default
        except ValueError:
            raise Refused(name, "malformed") from None

    def sent(self, *names: str) -> Any:
        """A member of the JSON document in the body, by the names that lead to it."""
        try:
            document = json.loads(self.body or b"")
            for name in names:
                document = document[name]
        except (ValueError, KeyError, TypeError):
            raise Refused("body", "malformed") from None
        return document

    def size(self, name: str, default: int | None, most: int, *, cut: bool = False) -> int:
        """The number of rows of a page, from 1 to the most that the provider sends; more are refused, or cut to it.

        Without a default it must be sent.
        """
        size = self.integer(name, default)
        if size < 1 or (size > most and not cut):
            raise Refused(name)
        return min(size, most)


@dataclass(frozen=True)
class Answer:
    """An answer without HTTP.

    Attributes:
        body: The bytes, before `finish`.
        status: HTTP status.
        content_type: HTTP content type.
        headers: Further headers.
        is_table: Whether the body is CSV whose first line has the names of the columns.
        finish: The last change of the body, such as packing it into a zip file. Misbehaviour changes the rows before
            it, so that a packed file stays valid.
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    is_table: bool = False
    finish: Callable[[bytes], bytes] | None = None

    def sent(self) -> bytes:
        """The bytes that are sent."""
        return self.finish(self.body) if self.finish else self.body


def json_answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON document, without spaces."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(body, status, headers=headers or {})


def html_answer(title: str) -> Answer:
    """A page for people."""
    return text_answer(f"<html><body>{title}</body></html>", content_type="text/html")


def text_answer(text: str, status: int = 200, content_type: str = "text/plain") -> Answer:
    """Text."""
    return Answer(text.encode(), status, content_type)


def table_answer(header: str, lines: Iterable[str], content_type: str = "text/csv") -> Answer:
    """A CSV file: the names of the columns, and one line for each row."""
    body = "".join(f"{line}\n" for line in (header, *lines))
    return Answer(body.encode(), content_type=content_type, is_table=True)


def zip_answer(file: str, content: Answer) -> Answer:
    """A zip file that holds the body of an answer as one file."""
    return replace(content, content_type="application/zip", finish=lambda body: packed({file: body}))


def whole(value: float) -> int | float:
    """A number as JavaScript writes it: without a fraction if it is a whole number."""
    return int(value) if value == int(value) else value


def plain(number: float, digits: int = 10) -> str:
    """A number as text without an exponent and without trailing zeros."""
    return f"{number:.{digits}f}".rstrip("0").rstrip(".")


NOT_FOUND, NOT_ALLOWED, INTERNAL = 404, 405, 500

# The functions that answer, by regular expressions of the path; their named groups are arguments.
Routes = Mapping[str, Callable[..., Answer]]

# What an error says, for the shape of its provider: a value or several values; or a whole answer of another shape.
Words = Any


@dataclass(frozen=True)
class Errors:
    """The errors of a provider, as data. In its words `{}` stands for the cause of a refusal.

    Attributes:
        shape: Makes a JSON document, or text, from an HTTP status and words.
        other: The words of an HTTP status without words of its own.
        statuses: Words by HTTP status.
        refusals: Words of a refused request, or the HTTP status whose words it has: by the problem of a parameter
            (`missing`, `malformed`), or else by the cause, or else under `""`; without any it is a 404.
        refused_with: The HTTP status of a refusal.
        within_200: The failure that arrives with status 200, by its words, or the HTTP status whose words it has.
        content_type: The content type of text.
    """

    shape: Callable[..., Any]
    other: Words
    statuses: Mapping[int, Words] = field(default_factory=dict)
    refusals: Mapping[str, Words | int] = field(default_factory=dict)
    refused_with: int = 400
    within_200: Words | int = INTERNAL
    content_type: str = "text/plain"

    def of_status(self, status: int) -> Answer:
        """The error with an HTTP status."""
        return self._answer(status, status)

    def of_success(self) -> Answer:
        """The failure with status 200, as the provider reports it, or a proxy in front of it."""
        return self._answer(200, self.within_200)

    def of_refusal(self, refused: Refused) -> Answer:
        """The answer to a refused request."""
        causes = (refused.problem, refused.cause, "")
        words = next((self.refusals[cause] for cause in causes if cause in self.refusals), NOT_FOUND)
        return self._answer(words if isinstance(words, int) else self.refused_with, words, refused.cause)

    def _answer(self, status: int, words: Words | int, cause: str = "") -> Answer:
        meant = words if isinstance(words, int) else status
        if isinstance(words, int):
            words = self.statuses.get(words, self.other)
        if isinstance(words, Answer):
            return replace(words, status=status)
        values = words if isinstance(words, tuple) else (words,)
        body = self.shape(meant, *(value.replace("{}", cause) if isinstance(value, str) else value for value in values))
        if isinstance(body, str):
            return text_answer(body, status, self.content_type)
        return json_answer(body, status)


@dataclass(frozen=True)
class Budget:
    """How much a client may request.

    Attributes:
        units: The number of units within the window.
        seconds: The length of the window.
        says_when: Whether a refusal states in `Retry-After` when to come back.
        used_header: The header that states how much is spent, if the provider sends one.
    """

    units: int
    seconds: float
    says_when: bool = True
    used_header: str | None = None


@dataclass(frozen=True)
class Page:
    """The interface of a provider.

    Attributes:
        hosts: The host names.
        routes: The functions that answer, by path.
        errors: How it reports errors.
        rows_at: The places of the rows in a JSON answer, such as `result.*.history`, where `*` is every member and `""`
            the document itself. Of a place and another one inside it, the inner one comes first, and counts if it has
            rows.
        budget: The rate limit, if one is imitated.
        endpoints: The limits of endpoints that have their own instead, by the beginning of the path.
        cost: The units of the budget that a request costs.
        by_post: Whether requests are sent by POST, not by GET.
        has_etags: Whether answers have an ETag; a client that has the same answer receives a 304.
    """

    hosts: tuple[str, ...]
    routes: Routes
    errors: Errors
    rows_at: tuple[str, ...] = ()
    budget: Budget | None = None
    endpoints: Mapping[str, Budget] = field(default_factory=dict)
    cost: Callable[[Request], int] = lambda _: 1
    by_post: bool = False
    has_etags: bool = False

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        for path, answer in self.routes.items():
            match = re.fullmatch(path, request.path)
            if match is None:
                continue
            if self.by_post != (request.body is not None):
                return self.errors.of_status(NOT_ALLOWED)
            try:
                return answer(request, **match.groupdict())
            except Refused as refused:
                return self.errors.of_refusal(refused)
        return self.errors.of_status(NOT_FOUND)

    def rows(self, document: Any) -> list[Any]:
        """The lists of a decoded JSON answer that hold its rows, and the objects that hold them by name."""
        found: dict[str, list[Any]] = {}
        for place in self.rows_at:
            if not any(rows and inner.startswith(place) for inner, rows in found.items()):
                found[place] = [rows for rows in _at(document, place) if _holds_rows(rows)]
        return [rows for places in found.values() for rows in places]

    def limit(self, request: Request) -> tuple[str, Budget | None]:
        """The account that a request is charged to, and its budget."""
        for beginning, budget in self.endpoints.items():
            if request.path.startswith(beginning):
                return request.host + beginning, budget
        return request.host, self.budget


def _at(document: Any, place: str) -> list[Any]:
    """What lies at a place of a document."""
    found = [document]
    for name in filter(None, place.split(".")):
        found = [member for part in found for member in _members(part, name)]
    return found


def _members(part: Any, name: str) -> list[Any]:
    if isinstance(part, dict):
        return list(part.values()) if name == "*" else [part[name]] if name in part else []
    return part if isinstance(part, list) and name == "*" else []


def _holds_rows(part: Any) -> bool:
    rows = part.values() if isinstance(part, dict) else ()
    return isinstance(part, list) or (bool(rows) and all(isinstance(row, dict) for row in rows))
