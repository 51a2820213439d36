"""Plans that page, driven by hand: what a page proves, and what is refused."""

from collections.abc import Sequence
from datetime import date

import pytest

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.paging import WEEK_MS, in_order, shows_beginning, walk_back, walk_back_overlapping, walk_windows
from flows.source import Answer, Plan, Request
from flows.steps.collect import follow
from tests.asking import answer, walk


def page_before(stamp: int) -> Request:
    return Request("https://example.invalid/rows", params={"before": stamp})


def stamps(given: Answer) -> Sequence[int]:
    found: list[int] = given.json()
    return found


def back(start: int = 5, end: int = 10) -> Plan:
    return walk_back(page_before, stamps, start, end, step=1)


def overlapping(start: int = 5, end: int = 10, *, must_reach: bool = False) -> Plan:
    return walk_back_overlapping(page_before, stamps, start, end, must_reach=must_reach)


def asked(plan: Plan, pages: list[list[int]]) -> list[object]:
    return [request.params["before"] for request in walk(plan, pages)]


@pytest.mark.parametrize(
    ("pages", "befores"),
    [
        ([[9, 8, 7, 6, 5]], [10]),
        ([[9, 8, 7], [6, 5]], [10, 7]),
        ([[9, 8, 7], [6, 5, 4]], [10, 7]),
        # Nothing older: the rows that are known come once more, and none before them.
        ([[9, 8, 7], [], [9, 8, 7]], [10, 7, 10]),
        # An empty page by mistake.
        ([[9, 8, 7], [], [9, 8, 7, 6, 5]], [10, 7, 10]),
        ([[9, 8, 7], [], []], [10, 7, 10]),
        ([[], []], [10, 10]),
        ([[], [9, 8, 7, 6, 5]], [10, 10]),
        # A hole before the oldest row: it is there on the next page too, as the first.
        ([[9, 8, 6], [6, 5]], [10, 8]),
        ([[9, 8, 7, 3], [3, 2]], [10, 7]),
        ([[9, 8, 7, 4], [4]], [10, 7]),
        # A strange stamp, rows that were lost: the rows between are on the next page.
        ([[9, 8, 7, -900], [6, 5]], [10, 7]),
        ([[9, 8, 7, 6], [4, 3]], [10, 6]),
        ([[9, 7], [8, 7, 6], [5]], [10, 9, 6]),
        ([[9, 7], [8], [7, 5], [6], [5, 4]], [10, 9, 8, 7, 6]),
    ],
)
def test_walk_back(pages: list[list[int]], befores: list[int]) -> None:
    assert asked(back(), pages) == befores


@pytest.mark.parametrize(
    ("pages", "befores"),
    [
        ([[9, 8, 7, 6, 5, 4, 3]], [10]),
        # The first wanted row alone is not enough: the one before it must be on its page.
        ([[9, 8, 7, 6, 5], [5, 4, 3]], [10, 6]),
        # One row from before the start is not enough either: another one comes after it, or it comes once more.
        ([[9, 8, 7], [7, 6, 5], [5, 4], [4]], [10, 8, 6, 5]),
        ([[9, 8, 7, 6, 4], [4, 3]], [10, 6]),
        # Nothing older: asked for twice.
        ([[9, 8, 7], [7], [7]], [10, 8, 8]),
        ([[9, 8, 7], [7], [7, 6, 4, 3]], [10, 8, 8]),
        ([[9, 8, 7], [], []], [10, 8, 8]),
        ([[], []], [10, 10]),
        ([[9], [9]], [10, 10]),
        # A strange stamp, and rows that were lost: the rows between are on the next page.
        ([[9, 8, 7, -900], [6, 5, 4, 3]], [10, 7]),
        ([[9, 7], [8, 7, 6], [6, 4, 3]], [10, 9, 7]),
    ],
)
def test_walk_back_overlapping(pages: list[list[int]], befores: list[int]) -> None:
    assert asked(overlapping(), pages) == befores


@pytest.mark.parametrize("plan", [back, overlapping])
def test_a_server_that_repeats_itself_is_not_asked_forever(plan: object) -> None:
    assert callable(plan)
    with pytest.raises(PayloadChanged, match="expected rows before"):
        asked(plan(), [[9, 8, 7]] * 3)


@pytest.mark.parametrize("plan", [back, overlapping])
def test_a_strange_stamp_does_not_end_a_walk(plan: object) -> None:
    """It is named; of rows that must lie side by side, those that contradict each other are refused."""
    assert callable(plan)
    with pytest.raises(PayloadChanged, match="expected the row of -900 to be the first before 7, found 6"):
        asked(overlapping(must_reach=True), [[9, 8, 7, -900], [6, 5]])
    with pytest.raises(PayloadChanged, match="expected rows newest first, found 7 after -900"):
        asked(plan(), [[9, 8, -900, 7, 6]])
    with pytest.raises(PayloadChanged, match="expected rows before 10, found 100000000000000000"):
        asked(plan(), [[10**17, 9, 8, 7, 6, 5, 4, 3]])


def test_a_page_that_lost_its_last_rows_does_not_go_unnoticed() -> None:
    """Rows between its oldest and the first of the next page would seem never to have been there."""
    with pytest.raises(PayloadChanged, match="expected the row of 7 to be the first before 8, found 6"):
        asked(overlapping(must_reach=True), [[9, 8, 7], [6, 5, 4]])


def test_a_row_from_before_the_start_is_borne_out_by_one_as_near_as_they_usually_are() -> None:
    pages = [[90, 70, 50, 30]]
    assert asked(walk_back_overlapping(page_before, stamps, 50, 100, usual=20), pages) == [100]
    assert asked(walk_back_overlapping(page_before, stamps, 50, 100, usual=19), [*pages, [30, 10]]) == [100, 50]


def test_what_was_not_asked_for_is_refused_where_the_request_says_since_when() -> None:
    with pytest.raises(PayloadChanged, match="expected rows from 5 on, found 4"):
        asked(walk_back(page_before, stamps, 5, 10, step=1, since=5), [[9, 8, 7, 6, 5, 4]])


def test_a_walk_that_must_reach_the_start_fails_if_it_does_not() -> None:
    cases: list[list[list[int]]] = [[[], []], [[9, 8], [8], [8]], [[9, 8], [], []]]
    for pages in cases:
        with pytest.raises(SourceUnavailable, match="expected a row before 5"):
            asked(overlapping(must_reach=True), pages)


def test_rows_may_come_a_little_late_where_that_is_said() -> None:
    pages = [[90, 92, 70, 71], [70, 40, 30]]
    late = walk_back_overlapping(page_before, stamps, 50, 100, slack=2)
    assert asked(late, pages) == [100, 71]
    with pytest.raises(PayloadChanged, match="expected rows newest first, found 92 after 90"):
        asked(walk_back_overlapping(page_before, stamps, 50, 100, slack=1), pages)


@pytest.mark.parametrize(
    ("found", "newest_first", "sentence"),
    [
        ([1, 2, 2, 3], False, None),
        ([3, 2, 2, 1], True, None),
        ([1, 3, 2], False, "expected rows oldest first, found 2 after 3"),
        ([3, 1, 2], True, "expected rows newest first, found 2 after 1"),
        ([0, 1], False, "expected rows from 1 on, found 0"),
        ([4, 3], True, "expected rows before 4, found 4"),
    ],
)
def test_pages_are_in_order_and_within_what_was_asked_for(
    found: list[int],
    newest_first: bool,
    sentence: str | None,
) -> None:
    if sentence is None:
        assert in_order(found, since=1, before=4, newest_first=newest_first) == list(dict.fromkeys(found))
    else:
        with pytest.raises(PayloadChanged, match=sentence):
            in_order(found, since=1, before=4, newest_first=newest_first)


def window(since: int, until: int) -> Request:
    return Request("https://example.invalid/rows", params={"since": since, "until": until})


DAY = WEEK_MS // 7


def windows(pages: Sequence[list[int]], count: int, size: int) -> list[tuple[object, object]]:
    plan = walk_windows(window, stamps, 0, count * DAY, step=DAY, size=size)
    sent = walk(plan, [[stamp * DAY for stamp in page] for page in pages])
    return [(int(request.params["since"]) // DAY, int(request.params["until"]) // DAY) for request in sent]


def test_windows_ask_once_more_for_the_oldest_rows_where_they_begin_a_week_late() -> None:
    assert windows([[*range(10)], [*range(10, 15)]], 15, 10) == [(0, 10), (10, 15)]
    assert windows([[*range(6, 10)], [*range(10, 15)]], 15, 10) == [(0, 10), (10, 15)]
    assert windows([[8, 9], [*range(10, 20)], [*range(8, 15)]], 20, 10) == [(0, 10), (10, 20), (5, 15)]
    assert windows([[], []], 20, 10) == [(0, 10), (10, 20)]


def test_a_window_with_rows_of_another_one_is_lost_and_costs_its_days() -> None:
    plan = walk_windows(window, stamps, 0, 20 * DAY, step=DAY, size=10)
    given = iter([[], [9 * DAY, 10 * DAY]])
    (lost,) = follow(plan, lambda request: answer(request, next(given)), "windows").lost
    assert str(lost.problem) == f"expected rows from {10 * DAY} on, found {9 * DAY}"
    assert (lost.days.start, lost.days.last) == (date(1970, 1, 11), date(1970, 1, 20))


def shown(*pages: list[int]) -> bool:
    return shows_beginning(stamps)([answer(page_before(0), page) for page in pages])


def test_a_beginning_is_shown_by_the_oldest_rows_that_come_once_more_without_any_before_them() -> None:
    history = [*range(30, 10, -1)]
    oldest = history[-7:]
    assert shown(history, [], oldest)
    assert not shown(history, [])
    assert not shown(history, [], [])
    assert not shown(history)
    assert not shown()
    assert not shown(history, [], [*oldest, 10])  # there is an older one
    assert not shown(history, [], oldest[:-1])  # the oldest was lost
    assert not shown(history, [], [*oldest[:3], *oldest[4:]])  # another one was
    assert not shown(history, [], history[:7])  # others came than were asked for
