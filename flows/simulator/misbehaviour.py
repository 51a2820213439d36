"""The zoo of misbehaviour: rules that replace, damage or withhold the answers of providers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, get_args

from flows.simulator.page import JSON, Answer, Page, Request, text_answer

Kind = Literal["status", "html", "envelope", "empty", "drop", "shape", "truncate", "stall", "reset"]

BLOCK_PAGE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN">
<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD>
<BODY><H1>{status} ERROR</H1>Request blocked. We can't connect to the server for this app or website at this
time.</BODY></HTML>
"""


@dataclass(frozen=True)
class Misbehaviour:
    """A rule: which requests go wrong, how often, and how.

    Attributes:
        match: A regular expression, searched for in `host/path?query` (decoded).
        kind: `status` is an HTTP error in the provider's shape; `html` a block page; `envelope` an error inside an
            HTTP 200; `empty` a page without its rows; `drop` a page without every k-th row; `shape` renames a JSON key
            or a CSV column; `truncate` sends half the body, then closes the connection; `stall` sends headers, then
            nothing; `reset` sends nothing and resets the connection.
        times: How often the rule applies, or "always".
        every: It applies to every k-th matching request.
        status: HTTP status of `status` (default 500) and `html` (default 403).
        retry_after: Seconds in a `Retry-After` header of `status`, `html` and `envelope`.
        drop_every: The k of `drop`.
        key: The name that `shape` replaces.
        rename: The name that `shape` puts in its place.
        seconds: The length of `stall`.
    """

    match: str
    kind: Kind
    times: int | Literal["always"] = 1
    every: int = 1
    status: int | None = None
    retry_after: int | None = None
    drop_every: int = 2
    key: str = ""
    rename: str = ""
    seconds: float = 30.0

    def __post_init__(self) -> None:
        re.compile(self.match)
        if self.kind not in get_args(Kind):
            raise ValueError(f"expected a kind among {get_args(Kind)}, found {self.kind!r}")
        if self.every < 1 or self.drop_every < 1:
            raise ValueError(f"expected every and drop_every of at least 1, found {self}")
        if self.kind == "shape" and not (self.key and self.rename):
            raise ValueError(f"expected key and rename for a change of shape, found {self}")


class Zoo:
    """The current rules, and how often each has matched; the first rule that applies decides."""

    def __init__(self, rules: Iterable[Misbehaviour] = ()) -> None:
        self._rules = tuple(rules)
        self._matched: Counter[int] = Counter()
        self._applied: Counter[int] = Counter()
        self._lock = Lock()

    def pick(self, target: str) -> Misbehaviour | None:
        """The rule that applies to a request, given as `host/path?query`."""
        with self._lock:
            for number, rule in enumerate(self._rules):
                if not re.search(rule.match, target):
                    continue
                self._matched[number] += 1
                spent = rule.times != "always" and self._applied[number] >= rule.times
                if self._matched[number] % rule.every or spent:
                    continue
                self._applied[number] += 1
                return rule
        return None


def answer_under(rule: Misbehaviour, page: Page, request: Request) -> Answer:
    """The answer under a rule; the server breaks connections itself."""
    if rule.kind == "status":
        return _later(page.errors.of_status(rule.status or 500), rule)
    if rule.kind == "html":
        status = rule.status or 403
        return _later(text_answer(BLOCK_PAGE.format(status=status), status, "text/html"), rule)
    if rule.kind == "envelope":
        return _later(page.errors.of_success(), rule)
    answer = page.answer(request)
    if rule.kind in ("empty", "drop", "shape") and answer.status == 200:
        return _edited(answer, rule, page)
    return answer


def _later(answer: Answer, rule: Misbehaviour) -> Answer:
    if rule.retry_after is None:
        return answer
    return replace(answer, headers={**answer.headers, "Retry-After": str(rule.retry_after)})


def _edited(answer: Answer, rule: Misbehaviour, page: Page) -> Answer:
    if answer.is_table:
        header, *lines = answer.body.decode().splitlines(keepends=True)
        if rule.kind == "shape":
            names = [rule.rename if name == rule.key else name for name in header.strip().split(",")]
            header = ",".join(names) + "\n"
        else:
            lines = _thinned(lines, _keeper(rule))
        return replace(answer, body="".join([header, *lines]).encode())
    if answer.content_type != JSON:
        return answer
    document = json.loads(answer.body)
    if rule.kind == "shape":
        document = _renamed(document, rule.key, rule.rename)
    else:
        for rows in page.rows(document):
            _thin(rows, _keeper(rule))
    return replace(answer, body=json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode())


def _keeper(rule: Misbehaviour) -> Callable[[int], bool]:
    """Whether a row of a page stays, by its position."""
    if rule.kind == "empty":
        return lambda _: False
    return lambda position: (position + 1) % rule.drop_every != 0


def _thinned(rows: list[Any], keep: Callable[[int], bool]) -> list[Any]:
    return [row for position, row in enumerate(rows) if keep(position)]


def _thin(rows: Any, keep: Callable[[int], bool]) -> None:
    """Remove rows from a list, or from an object, in place."""
    if isinstance(rows, dict):
        kept = _thinned(list(rows.items()), keep)
        rows.clear()
        rows.update(kept)
    else:
        rows[:] = _thinned(rows, keep)


def _renamed(document: Any, old: str, new: str) -> Any:
    if isinstance(document, dict):
        return {new if key == old else key: _renamed(value, old, new) for key, value in document.items()}
    if isinstance(document, list):
        return [_renamed(item, old, new) for item in document]
    return document
