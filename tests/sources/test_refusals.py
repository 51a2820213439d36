"""What providers send instead of data, however odd: the refusal of every source reads it and never fails itself."""

import random
import re
from collections.abc import Iterator
from typing import Any, get_args

import orjson
import pytest

from expectations.errors import PayloadChanged, PipelineError, SourceRefused, SourceUnavailable, brief, quoted
from flows.clock import Clock
from flows.http import error_in
from flows.source import Answer, Request, Source
from flows.sources import sources
from tests.asking import answer
from tests.tool import NOW, ROOT
from transforms.payload import Form

LISTS = b"[" * 1000 + b"]" * 1000
OBJECTS = b'{"error":' * 1000 + b"1" + b"}" * 1000
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 429, 2**63, 1e308, 0.5, "", "0", "ok", "error", "é\x00\ud7ff", "x" * 100_000),
    *([], {}, [[]], [{}], [None], [1, 2], {"": None}, ["error"], ["error", [], {}], ["error", {"code": []}], [[], [1]]),
    *({"code": {}}, {"message": []}, {"name": {}}, {"type": []}, {"status": [{}]}, "LISTS", "OBJECTS", [{}] * 5000),
]
FORMS = get_args(Form)
BODIES = (b"", b"<", b"[", b"{", b"\xff\xfe", b"\xef\xbb\xbf", b"null", b"PK\x03\x04", b"nan", b"[1e999]", b"[" * 5000)


def keys() -> list[str]:
    """Every name that a refusal could look for: the texts in the code of the sources that look like one."""
    found = set()
    for path in [*(ROOT / "flows" / "sources").glob("*.py"), ROOT / "flows" / "ethereum_rpc.py"]:
        after = path.read_text(encoding="utf-8").partition("refusal(")[2]
        found |= set(re.findall(r'"([A-Za-z_]{2,20})"', after.partition("\nSOURCE = ")[0]))
    assert {"code", "error", "retCode", "STATUS", "label", "chart", "errors", "message"} <= found
    return sorted(found)


def documents(seed: int) -> Iterator[Any]:
    """Odd documents: each known name with each odd value, and seeded mixtures of them."""
    names = keys()
    yield from ODD
    yield from ({name: value} for name in names for value in ODD)
    chance = random.Random(seed)

    def grown(depth: int) -> Any:
        if depth == 0 or chance.random() < 0.3:
            return chance.choice(ODD)
        if chance.random() < 0.3:
            return [grown(depth - 1) for _ in range(chance.randrange(3))]
        return {chance.choice(names): grown(depth - 1) for _ in range(chance.randrange(1, 4))}

    yield from (grown(3) for _ in range(400))


def bodies(seed: int) -> Iterator[bytes]:
    """The documents as bytes, and bytes that are not a document."""
    yield from BODIES
    for document in documents(seed):
        yield orjson.dumps(document).replace(b'"LISTS"', LISTS).replace(b'"OBJECTS"', OBJECTS)


def refused(source: Source, told: Answer) -> PipelineError | None:
    """The error of a refusal, which it may return or raise."""
    try:
        return source.refusal(told)
    except PipelineError as problem:
        return problem


@pytest.mark.parametrize("name", sorted(sources()))
def test_no_refusal_trips_over_an_odd_document(name: str) -> None:
    source = sources()[name]
    for body in bodies(7):
        for form in FORMS if body in BODIES else FORMS[:1]:
            told = answer(Request("https://vendor.example/v1", form=form), body)
            problem = refused(source, told)
            assert problem is None or isinstance(problem, SourceRefused | SourceUnavailable | PayloadChanged), body[:80]
            assert len(str(problem)) < 500, body[:80]


@pytest.mark.parametrize("odd", [TypeError("unhashable"), RecursionError(), AttributeError(), KeyError("code")])
def test_a_refusal_that_trips_is_a_change_of_the_provider(odd: Exception) -> None:
    def trip(_: Answer) -> PipelineError | None:
        raise odd

    found = rf"from vendor\.example, found {type(odd).__name__} at tests/sources/test_refusals\.py:\d+$"
    with pytest.raises(PayloadChanged, match=f"^expected data or a known error {found}"):
        error_in(answer(Request("https://vendor.example/v1"), b"{}"), {}, trip, Clock(NOW))


@pytest.mark.parametrize("odd", [SourceUnavailable("later"), PayloadChanged("no JSON"), MemoryError()])
def test_what_has_a_name_keeps_it(odd: Exception) -> None:
    def trip(_: Answer) -> PipelineError | None:
        raise odd

    with pytest.raises(type(odd)):
        error_in(answer(Request("https://vendor.example/v1"), b"{}"), {}, trip, Clock(NOW))


SHORT = [None, 1, 2.5, "it's", 'a "b"', [1, "x", None], {"a": [1, {"b": "c"}]}, (), (1,), [], {}, b"x"]
LONG = {
    "lists": orjson.loads(LISTS),
    "objects": orjson.loads(OBJECTS),
    "text": "x" * 10**6,
    "list": [0] * 10**6,
    "object": {str(number): number for number in range(10**5)},
    "number": 10**10_000,
}


@pytest.mark.parametrize("value", SHORT)
def test_what_is_short_is_shown_as_it_is(value: object) -> None:
    assert quoted(value) == repr(value)
    assert brief(value) == str(value)


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("most", [20, 120, 400])
def test_what_is_long_or_deep_is_shown_in_part(name: str, most: int) -> None:
    assert 0 < len(brief(LONG[name], most)) <= most
    assert 0 < len(quoted(LONG[name], most)) <= most


def test_an_error_is_one_sentence_whatever_it_was_told() -> None:
    assert len(str(PayloadChanged("x" * 10**6))) < 2_100
    assert len(str(SourceUnavailable("x" * 10**6, retry_after=1))) < 2_100
    assert str(PayloadChanged("expected a, found b")) == "expected a, found b"
