"""Plans that walk through the pages of a provider. They do no I/O, and confirm each page by another one.

A page may lack rows, contain a row with a wrong time stamp, or be empty by mistake. So time stamps must be in order and
inside the requested range, and each page must continue where the previous one ended. That no older rows exist is proved
only by a page that repeats the oldest known rows, has room for more, and shows none before them.
"""

from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from expectations.errors import PayloadChanged, SourceUnavailable
from expectations.interval import Interval
from flows.source import Answer, Lost, Plan, Request, piece

PageBefore = Callable[[int], Request]
Window = Callable[[int, int], Request]
Stamps = Callable[[Answer], Sequence[int]]

# How many of the oldest rows are requested again. It detects a page that lacks every k-th row, for any k up to this.
KNOWN_ROWS = 7
WEEK_MS = timedelta(days=7) // timedelta(milliseconds=1)


def in_order(
    stamps: Sequence[int],
    *,
    since: int | None = None,
    before: int | None = None,
    newest_first: bool = False,
    slack: int = 0,
) -> list[int]:
    """The distinct time stamps of a page, in the order of the page.

    Args:
        stamps: The stamp of each row, in the order of the page.
        since: The earliest stamp requested.
        before: The end of the requested range, exclusive.
        newest_first: Whether the provider answers newest first.
        slack: By how much a row may be out of order.

    Raises:
        PayloadChanged: A stamp is out of order, or outside the requested range.
    """
    for first, second in pairwise(stamps):
        if (second - first if newest_first else first - second) > slack:
            raise PayloadChanged(
                f"expected rows {'newest' if newest_first else 'oldest'} first, found {second} after {first}"
            )
    for stamp in stamps:
        if before is not None and stamp >= before:
            raise PayloadChanged(f"expected rows before {before}, found {stamp}")
        if since is not None and stamp < since:
            raise PayloadChanged(f"expected rows from {since} on, found {stamp}")
    return sorted(set(stamps), reverse=newest_first)


def walk_back(
    page_before: PageBefore, stamps: Stamps, start: int, end: int, *, step: int, since: int | None = None
) -> Plan:
    """Walk backward through candles, newest first, until one is stamped at or before the start.

    The next page is requested before the oldest row of this page. If that row is not one step from its neighbour, the
    next page is requested before the neighbour, so that it begins with the same row. If it does not, the row had a
    wrong stamp or the page lacked rows, and the walk continues from the neighbour.

    An empty page does not prove that nothing is older. The oldest known rows are requested again, with the rows before
    them; `shows_beginning` decides from that page.

    Args:
        page_before: Makes the request for the newest rows stamped before an instant.
        stamps: The stamps of the rows of an answer.
        start: The earliest stamp wanted.
        end: The end of the wanted range, exclusive.
        step: The interval of the candles.
        since: The earliest stamp requested, if the request has such a bound.
    """
    known: list[int] = []
    due: int | None = None  # the row that the next page must begin with to confirm it
    asked, proving = end, False
    while True:
        page = in_order(stamps((yield page_before(asked))), since=since, before=asked, newest_first=True)
        if due is not None and page[:1] != [due]:
            due = None
            known.pop()
        reached = known[-1] if known else end
        fresh = [stamp for stamp in page if stamp < reached]
        if not fresh and due is None:
            if proving:
                return  # proved, or not available
            proving, asked = True, (known[-KNOWN_ROWS:][0] + step) if known else end
            continue
        confirmed, proving, due = due, False, None
        known += fresh
        oldest = known[-1]
        second = known[-2] if len(known) > 1 else end
        follows = second - oldest <= step or oldest == confirmed
        if oldest <= start and follows:
            return
        if follows:
            asked = oldest
        else:
            asked, due = second, oldest


def walk_back_overlapping(
    page_before: PageBefore,
    stamps: Stamps,
    start: int,
    end: int,
    *,
    must_reach: bool = False,
    slack: int = 0,
    usual: int = 0,
) -> Plan:
    """Walk backward, newest first, so that each wanted row shares a page with the row before it.

    Each page begins with the oldest row of the previous page. If it does not, that row had a wrong stamp or rows were
    lost. The walk then continues from the rows received; with `must_reach` it fails, because a gap between two rows
    would count as proof that nothing lies there. The walk ends at a row before the start that another row confirms: one
    next to it on its page, or the same row on the next page. A page without older rows is requested twice.

    Args:
        page_before: Makes the request for the newest rows stamped before an instant.
        stamps: The stamps of the rows of an answer.
        start: The earliest stamp wanted.
        end: The end of the wanted range, exclusive.
        must_reach: Whether a row before the start must exist, so that a walk without one has lost rows.
        slack: By how much a row may be out of order across pages.
        usual: The usual interval of the rows, if there is one: a row before the start is confirmed by a neighbour
            within it.
    """
    due: int | None = None  # the row that the next page must begin with
    asked, nothing_before = end, False
    while True:
        page = in_order(stamps((yield page_before(asked))), before=asked, newest_first=True, slack=slack)
        if due is not None and page and (due not in page or page[0] - due > slack):
            if must_reach:
                raise PayloadChanged(f"expected the row of {due} to be the first before {asked}, found {page[0]}")
            due = None
        reached = len(page) > 1 and page[-1] < start
        another_after_it = reached and (page[-2] < start or page[-2] - page[-1] <= usual)
        once_more = due is not None and due in page and due < start
        if another_after_it or once_more:
            return
        nothing = len(page) < 2  # noqa: PLR2004  the known row and an older one
        if nothing and nothing_before and must_reach:
            raise SourceUnavailable(f"expected a row before {start}, found none before {asked}")
        if nothing and nothing_before:
            return
        if not nothing:
            asked, due = page[-2:]
        nothing_before = nothing


def walk_windows(
    page: Window, stamps: Stamps, start: int, end: int, *, step: int, size: int, since_start: bool = True
) -> Plan:
    """Walk through windows, oldest first; each window fits on one page.

    A page that cannot be fetched fails the days of its window, and no others. If the rows begin a week or more after
    the start, the oldest rows are requested again with the rows before them; `shows_beginning` decides from that page.

    Args:
        page: Makes the request for the rows from one instant to another, the latter exclusive.
        stamps: The stamps of the rows of an answer.
        start: The earliest stamp wanted.
        end: The end of the wanted range, exclusive.
        step: The interval of the rows.
        size: The most rows of a window.
        since_start: Whether a page never has rows from before its window.
    """

    def stamps_within(begin: int, until: int) -> Generator[Request, Answer, list[int]]:
        return _within(stamps((yield page(begin, until))), begin if since_start else None, until)

    known: set[int] = set()
    lost: list[Lost] = []
    for begin in range(start, end, size * step):
        until = min(begin + size * step, end)
        outcome = yield from piece(_days_of(begin, until), stamps_within(begin, until))
        if isinstance(outcome, Lost):
            lost.append(outcome)
        else:
            known.update(outcome)
    oldest = sorted(known)[:KNOWN_ROWS]
    if oldest and not lost and oldest[0] - start >= WEEK_MS:
        until = oldest[-1] + step
        yield from stamps_within(max(start, until - size * step), until)
    return lost


def _days_of(begin: int, until: int) -> Interval:
    """The UTC days that a window touches, from its first stamp to its end, exclusive."""
    first, last = (datetime.fromtimestamp(stamp / 1000, UTC).date() for stamp in (begin, until - 1))
    return Interval.of_days(first, last)


def _within(stamps: Sequence[int], since: int | None, before: int) -> list[int]:
    """The stamps of a window's page, in either order."""
    newest_first = len(stamps) > 1 and stamps[0] > stamps[-1]
    return in_order(stamps, since=since, before=before, newest_first=newest_first)


def shows_beginning(stamps: Stamps) -> Callable[[Sequence[Answer]], bool]:
    """A judge of whether the last answer of a walk proves that nothing is older than the oldest row.

    It does if it repeats exactly the oldest known rows: nothing is missing among them, and nothing comes before them.
    """

    def shown(answers: Sequence[Answer]) -> bool:
        pages = [sorted(set(stamps(answer))) for answer in answers]
        *before, last = pages or [[]]
        known = sorted({stamp for page in before for stamp in page})
        return len(last) >= KNOWN_ROWS and last == known[: len(last)]

    return shown
