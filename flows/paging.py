"""Walks through a provider's pages; they perform nothing, and believe of a page only what another one bears out.

A page may have lost rows, may hold one with a strange stamp, or may be empty by mistake. So the order of its stamps is
checked and none may lie outside of what was asked for; the next page has to go on where it ended; and that nothing is
older is shown only by a page that has the oldest rows once more, room for others, and none before them.
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

# So many of the oldest rows are asked for once more. A page that lost every k-th row shows it for any k up to that.
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
    """The distinct stamps of a page, sorted as the page is.

    Args:
        stamps: Of each row, in the order of the page.
        since: The earliest stamp that was asked for.
        before: The first stamp that was not asked for any more.
        newest_first: Whether the provider answers newest first.
        slack: By how much a row may come too late in the order.

    Raises:
        PayloadChanged: One is out of order, or lies outside of what was asked for.
    """
    for one, other in pairwise(stamps):
        if (other - one if newest_first else one - other) > slack:
            raise PayloadChanged(
                f"expected rows {'newest' if newest_first else 'oldest'} first, found {other} after {one}"
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
    """Walk backward through candles, newest first, until one is stamped with the start or before it.

    The oldest row of a page tells where the next one begins. Where it does not follow the row before it by one step,
    the next page begins one row earlier: if it does not begin with the same row, that one had a strange stamp, or the
    page had lost rows, and the walk goes on from the row before it.

    An empty page is no proof that nothing is older. The oldest rows that are known are asked for once more, with what
    is before them; `shows_beginning` reads from that whether there is nothing.

    Args:
        page_before: The request for the newest rows that are stamped before an instant.
        stamps: The stamps of an answer's rows.
        start: The earliest stamp that is wanted.
        end: The first stamp that is not wanted any more.
        step: From one candle to the next.
        since: The earliest stamp that is asked for, where the request says so.
    """
    known: list[int] = []
    due: int | None = None  # the row that the next page begins with, if it is to be believed
    asked, proving = end, False
    while True:
        found = in_order(stamps((yield page_before(asked))), since=since, before=asked, newest_first=True)
        if due is not None and found[:1] != [due]:
            due = None
            known.pop()
        reached = known[-1] if known else end
        fresh = [stamp for stamp in found if stamp < reached]
        if not fresh and due is None:
            if proving:
                return  # shown, or not to be had
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
    """Walk backward, newest first, so that each wanted row lies on a page with the row before it.

    Each page begins with the oldest row of the page before. Where it does not, that row had a strange stamp, or rows
    were lost: the walk goes on from what came, unless it must reach the start, because then what lies between two rows
    is believed to be nothing. The walk ends with a row from before the start that another row bears out: one that comes
    after it on its page, or the same one on the next page. A page that brings nothing older is asked for twice.

    Args:
        page_before: The request for the newest rows that are stamped before an instant.
        stamps: The stamps of an answer's rows.
        start: The earliest stamp that is wanted.
        end: The first stamp that is not wanted any more.
        must_reach: Whether there surely is a row before the start, so that a walk that finds none has lost some.
        slack: By how much a row may come too late in the order of the pages.
        usual: How far rows usually lie apart, where they do: a row from before the start so near to the next is borne
            out by it.
    """
    due: int | None = None  # the row that the next page has to begin with
    asked, nothing_before = end, False
    while True:
        found = in_order(stamps((yield page_before(asked))), before=asked, newest_first=True, slack=slack)
        if due is not None and found and (due not in found or found[0] - due > slack):
            if must_reach:
                raise PayloadChanged(f"expected the row of {due} to be the first before {asked}, found {found[0]}")
            due = None
        reached = len(found) > 1 and found[-1] < start
        another_after_it = reached and (found[-2] < start or found[-2] - found[-1] <= usual)
        once_more = due is not None and due in found and due < start
        if another_after_it or once_more:
            return
        nothing = len(found) < 2  # noqa: PLR2004  the row that is known already, and an older one
        if nothing and nothing_before and must_reach:
            raise SourceUnavailable(f"expected a row before {start}, found none before {asked}")
        if nothing and nothing_before:
            return
        if not nothing:
            asked, due = found[-2:]
        nothing_before = nothing


def walk_windows(
    page: Window, stamps: Stamps, start: int, end: int, *, step: int, size: int, since_start: bool = True
) -> Plan:
    """Walk through windows, oldest first, each of which a page holds whole.

    A window whose page cannot be had costs its days, and no others. Where the rows begin a week or more after the
    start, the oldest ones are asked for once more together with what is before them: `shows_beginning` reads from that
    whether there is nothing.

    Args:
        page: The request for the rows from an instant on and before another one.
        stamps: The stamps of an answer's rows.
        start: The earliest stamp that is wanted.
        end: The first stamp that is not wanted any more.
        step: From one row to the next.
        size: The most rows of a window.
        since_start: Whether a page never holds a row from before its window.
    """

    def told(begin: int, until: int) -> Generator[Request, Answer, list[int]]:
        return _within(stamps((yield page(begin, until))), begin if since_start else None, until)

    known: set[int] = set()
    lost: list[Lost] = []
    for begin in range(start, end, size * step):
        until = min(begin + size * step, end)
        found = yield from piece(_days_of(begin, until), told(begin, until))
        if isinstance(found, Lost):
            lost.append(found)
        else:
            known.update(found)
    oldest = sorted(known)[:KNOWN_ROWS]
    if oldest and not lost and oldest[0] - start >= WEEK_MS:
        until = oldest[-1] + step
        yield from told(max(start, until - size * step), until)
    return lost


def _days_of(begin: int, until: int) -> Interval:
    """The UTC days that a window touches, given by its first stamp and the one after its last."""
    first, last = (datetime.fromtimestamp(stamp / 1000, UTC).date() for stamp in (begin, until - 1))
    return Interval.of_days(first, last)


def _within(stamps: Sequence[int], since: int | None, before: int) -> list[int]:
    """The stamps of a window's page, whichever way it runs."""
    newest_first = len(stamps) > 1 and stamps[0] > stamps[-1]
    return in_order(stamps, since=since, before=before, newest_first=newest_first)


def shows_beginning(stamps: Stamps) -> Callable[[Sequence[Answer]], bool]:
    """Whether the last answer of a walk shows that nothing is older than the oldest row: it has only rows known before.

    It has the oldest of them, so that the provider did answer, and lacks none that comes with it.
    """

    def shown(answers: Sequence[Answer]) -> bool:
        pages = [sorted(set(stamps(answer))) for answer in answers]
        *before, last = pages or [[]]
        known = sorted({stamp for page in before for stamp in page})
        return len(last) >= KNOWN_ROWS and last == known[: len(last)]

    return shown
