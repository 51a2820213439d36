"""Walks through a provider's pages, for those that answer newest first; they perform nothing."""

from collections.abc import Callable, Sequence

from expectations.errors import PayloadChanged, SourceUnavailable
from flows.plans import Answer, Plan, Request

PageBefore = Callable[[int], Request]
Stamps = Callable[[Answer], Sequence[int]]


def walk_back(page_before: PageBefore, stamps: Stamps, start: int, end: int) -> Plan:
    """Walk backward from the end until a row is stamped with the start or before it.

    An empty page says that nothing is older. Because that is believed for good, it is asked for twice.

    Args:
        page_before: The request for the newest rows that are stamped before an instant.
        stamps: The stamps of an answer's rows.
        start: The earliest stamp that is wanted.
        end: The first stamp that is not wanted any more.
    """
    empty_before = False
    while end > start:
        found = stamps((yield page_before(end)))
        if found:
            end = _earlier(min(found), end)
        elif empty_before:
            return
        empty_before = not found


def walk_back_overlapping(
    page_before: PageBefore, stamps: Stamps, start: int, end: int, *, must_reach: bool = False
) -> Plan:
    """Walk backward so that each wanted row lies on a page with the row before it.

    Each page begins with the oldest row of the page before, and the walk ends with a row that is stamped before
    the start. A page that brings nothing older is asked for twice, as an empty one is in `walk_back`.

    Args:
        page_before: The request for the newest rows that are stamped before an instant.
        stamps: The stamps of an answer's rows.
        start: The earliest stamp that is wanted.
        end: The first stamp that is not wanted any more.
        must_reach: Whether there surely is a row before the start, so that a walk that finds none has lost some.
    """
    nothing_before = False
    while True:
        found = sorted(set(stamps((yield page_before(end)))))
        if found:
            _earlier(found[-1], end)
            if found[0] < start:
                return
        nothing = len(found) < 2  # noqa: PLR2004  the row that is known already, and an older one
        if nothing and nothing_before and must_reach:
            raise SourceUnavailable(f"expected a row before {start}, found none before {end}")
        if nothing and nothing_before:
            return
        if not nothing:
            end = found[1]
        nothing_before = nothing


def _earlier(stamp: int, end: int) -> int:
    """A page that does not lie before what was asked for would be asked for forever."""
    if stamp >= end:
        raise PayloadChanged(f"expected rows before {end}, found {stamp}")
    return stamp
