"""Walks through pages that come newest first, driven by hand."""

from collections.abc import Sequence

import pytest

from expectations.errors import PayloadChanged
from flows.plans import Answer, Plan, Request
from flows.walking import walk_back, walk_back_overlapping
from tests.asking import walk


def page_before(stamp: int) -> Request:
    return Request("https://example.invalid/rows", params={"before": stamp})


def stamps(answer: Answer) -> Sequence[int]:
    found: list[int] = answer.json()
    return found


def asked(plan: Plan, pages: list[list[int]]) -> list[object]:
    return [request.params["before"] for request in walk(plan, pages)]


@pytest.mark.parametrize(
    ("pages", "befores"),
    [
        ([[9, 8, 7, 6, 5]], [10]),
        ([[9, 8, 7], [6, 5]], [10, 7]),
        ([[9, 8, 7], [6, 4]], [10, 7]),
        ([[9, 8, 7], [], []], [10, 7, 7]),
        ([[9, 8, 7], [], [6, 5]], [10, 7, 7]),
        ([[], []], [10, 10]),
    ],
)
def test_walk_back(pages: list[list[int]], befores: list[int]) -> None:
    assert asked(walk_back(page_before, stamps, 5, 10), pages) == befores


@pytest.mark.parametrize(
    ("pages", "befores"),
    [
        ([[9, 8, 7, 6, 5, 4]], [10]),
        # The first wanted row alone is not enough: the one before it must be on its page.
        ([[9, 8, 7, 6, 5], [5, 4, 3]], [10, 6]),
        ([[9, 8, 7], [7, 6, 5], [5, 4]], [10, 8, 6]),
        # Nothing older: asked for twice.
        ([[9, 8, 7], [7], [7]], [10, 8, 8]),
        ([[9, 8, 7], [7], [7, 6, 4]], [10, 8, 8]),
        ([[], []], [10, 10]),
        ([[9], [9]], [10, 10]),
    ],
)
def test_walk_back_overlapping(pages: list[list[int]], befores: list[int]) -> None:
    assert asked(walk_back_overlapping(page_before, stamps, 5, 10), pages) == befores


@pytest.mark.parametrize("walk_it", [walk_back, walk_back_overlapping])
def test_a_server_that_repeats_itself_is_not_asked_forever(walk_it: object) -> None:
    assert callable(walk_it)
    with pytest.raises(PayloadChanged, match="expected rows before"):
        asked(walk_it(page_before, stamps, 5, 10), [[9, 8, 7]] * 3)
