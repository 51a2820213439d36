"""Whatever a provider sends, reading it gives rows or an error of tidemark.

Every fixture is mutated by a seeded generator, as a document and as bytes, and goes through the refusal of its source,
its transform, the judgement of its days, and the plan of its feed. `FUZZ_SEED` sets another seed, `FUZZ_CALLS` another
number of mutations for each fixture.
"""

import base64
import io
import os
import random
import zipfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from expectations.contract import datasets
from expectations.errors import PayloadChanged, PipelineError
from flows.clock import Clock
from flows.http import error_in
from flows.source import Answer, Ask, Gathered, Request
from flows.sources import sources
from flows.steps.collect import drive
from flows.steps.normalize import Normalized, normalize_by_day
from flows.steps.replay import archived_answer
from flows.steps.settle import Evidence, judge_days
from tests.asking import ask_of, feed_of
from tests.transforms.test_fixtures import CASES, load
from transforms.conform import said_empty
from warehouse.store.archive import Snapshot

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("FUZZ_SEED", "20261129"))
CALLS = int(os.environ.get("FUZZ_CALLS", "6"))
MOST_REQUESTS = 40
MOST_ROWS = 20_000  # more rows than this from a small answer are a mistake
ODD: list[Any] = [
    None, True, False, "", " ", "abc", "NaN", "-inf", "1e999", "0x10", "٣", "1,000.0", "2024-13-45",
    "9999-12-31T23:59:59Z",
    0, -1, 1.5, 1e308, -1e308, 5e-324, 10**17, 10**25, -(10**17), 2**63, 2**64, 253402300800000, [], {}, [[]], [{}],
    {"a": {"b": [None]}}, [None] * 3, "b'\x00'", "\ud7ff", "🜁", "1" * 400,
]  # fmt: skip


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value of a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for name, value in inner for place in places(value, (*path, name)))]


def within(document: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        document = document[name]
    return document


def mutated(document: Any, chance: random.Random) -> Any:
    """A document with one to three values changed."""
    changed = {"whole": orjson.loads(orjson.dumps(document))}
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(places(changed)[1:])
        parent, name = within(changed, path[:-1]), path[-1]
        kind = chance.choice(["value", "value", "value", "gone", "twice", "text", "number", "shuffled"])
        value = parent[name]
        if kind == "gone" and len(path) > 1:
            del parent[name]
        elif kind == "twice" and isinstance(parent, list):
            parent.insert(name, value)
        elif kind == "shuffled" and isinstance(value, list):
            chance.shuffle(value)
        elif kind == "text" and isinstance(value, int | float):
            parent[name] = str(value)
        elif kind == "number" and isinstance(value, str) and value.replace(".", "", 1).isdecimal():
            parent[name] = float(value) * chance.choice([1, 1000, 1e-9, 1e12])
        else:
            parent[name] = deepcopy(chance.choice(ODD))
    return changed["whole"]


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Bytes that are cut off, flipped, doubled or overwritten."""
    content = bytearray(body or b"\x00")
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(content) or 1)
        kind = chance.choice(["flip", "cut", "insert", "double", "odd"])
        if kind == "cut":
            del content[place:]
        elif kind == "double":
            content += content[place:]
        elif kind == "insert":
            content[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        elif kind == "odd":
            content[place:place] = str(chance.choice(ODD)).encode("utf-8", "replace")
        elif content:
            content[min(place, len(content) - 1)] ^= 1 << chance.randrange(8)
        content = content or bytearray(b"\xff")
    return bytes(content)


def repacked(body: bytes, chance: random.Random) -> bytes:
    """A zip file with a damaged member and right checksums."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, damaged(content, chance))
    return packed.getvalue()


def odd_body(snapshot: Snapshot, chance: random.Random) -> bytes:
    """The body of an answer, mutated in a way that its form allows."""
    if chance.random() < 0.25:
        return damaged(snapshot.body, chance)
    try:
        if snapshot.form == "json":
            return orjson.dumps(mutated(orjson.loads(snapshot.body), chance), option=orjson.OPT_PASSTHROUGH_SUBCLASS)
        if snapshot.form in {"zip", "bare_zip"}:
            return repacked(snapshot.body, chance)
    except (orjson.JSONDecodeError, TypeError, zipfile.BadZipFile):
        pass
    return damaged(snapshot.body, chance)


def read(answer: Answer, ask: Ask) -> Normalized:
    """What the pipeline does with an answer, from its refusal on."""
    source = sources()[SOURCE_OF[answer.snapshot]]
    problem = error_in(answer, {"Retry-After": "soon"}, source.refusal, Clock(answer.observed_at))
    if problem is not None:
        raise problem
    dataset = datasets()[DATASET_OF[answer.snapshot]]
    return normalize_by_day(dataset, source.name, Gathered(ask, (answer,), None))


SOURCE_OF: dict[str, str] = {}
DATASET_OF: dict[str, str] = {}


def judged(normalized: Normalized, ask: Ask, answer: Answer, dataset: str) -> None:
    """The states of the days of an ask, by the rows of an answer."""
    promise = datasets()[dataset]
    blank = said_empty(promise)
    rows = normalized.rows.filter(~blank)
    counts = dict(rows.group_by("date").len().iter_rows())
    evidence = Evidence(
        ask.series,
        counts,
        set(normalized.rows.filter(blank)["date"]) - set(counts),
        None,
        answer.observed_at,
        answer.observed_at,
        quiet=promise.quiet,
        problems=normalized.problems,
    )
    wanted = ask.series.release.days(ask.days).with_columns(state=None)
    judge_days(evidence, wanted, loaded_before=None)


def tried(work: Callable[[], Any], what: str) -> None:
    """Do something that may end only well or with an error of tidemark."""
    try:
        work()
    except PipelineError:
        pass
    except BaseException as escaped:
        raise AssertionError(f"{what}: {type(escaped).__name__} escaped: {escaped}") from escaped


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.with_suffix("").parts[-3:]))
def test_an_odd_answer_is_read_or_refused_and_nothing_else(case: Path) -> None:
    chance = random.Random(f"{SEED} {'-'.join(case.parts[-3:])}")
    _, snapshot = load(case)
    ask = ask_of(snapshot.source, snapshot.dataset, snapshot.series, now=snapshot.observed_at)
    feed = feed_of(sources()[snapshot.source], snapshot.dataset)
    place = f"{snapshot.source} {snapshot.dataset}"
    SOURCE_OF[place], DATASET_OF[place] = snapshot.source, snapshot.dataset
    for call in range(CALLS):
        body = odd_body(snapshot, chance)
        answer = replace(archived_answer(place, replace(snapshot, body=body)), status=200)
        what = f"mutation {call} of {case.stem} ({base64.b64encode(body[:200])!r})"

        def whole(answer: Answer = answer) -> None:
            normalized = read(answer, ask)
            assert normalized.rows.height < MOST_ROWS
            judged(normalized, ask, answer, snapshot.dataset)

        tried(whole, what)
        sent = [0]

        def fetch(request: Request, body: bytes = body, sent: list[int] = sent) -> Answer:
            sent[0] += 1
            if sent[0] > MOST_REQUESTS:
                raise PayloadChanged("expected a plan that ends")
            return Answer(request, 200, body, snapshot.observed_at, place)

        tried(partial(drive, feed, ask, fetch), f"the plan that is answered with {what}")
