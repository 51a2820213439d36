"""Text for people: tables, and the parts of sentences."""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any


def columns(rows: Iterable[Sequence[object]]) -> str:
    """A table for a terminal; the first row may be the titles."""
    lines = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown; bars and line breaks in cells are escaped."""
    cells = [[_cell(value).replace("|", "\\|").replace("\n", " ") for value in row] for row in rows]
    head = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in cells)])


def _cell(value: object) -> str:
    """A value in a table: empty if unknown, a count with its thousands apart."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return instant(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def instant(at: datetime) -> str:
    """An instant (UTC), to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def counted(count: int, noun: str) -> str:
    """A count with its noun: 1 row, 2,000 rows."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def by_state(counts: Mapping[str, int], words: Mapping[str, str] | None = None, *, none: str = "no days") -> str:
    """How many there are in each state.

    Args:
        counts: The number by state.
        words: The name of each state, in the order of the sentence; without it they come by their own names, sorted.
        none: What to say if there are none.
    """
    named = words or {state: state.replace("_", " ") for state in sorted(counts)}
    return ", ".join(f"{counts[state]:,} {word}" for state, word in named.items() if counts.get(state)) or none


def listed(names: Iterable[str], most: int, rest: str = "") -> str:
    """The first of some names, and how many more there are.

    Args:
        names: The names.
        most: How many of them are named.
        rest: What to say of the others.
    """
    every = list(names)
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more:,} more{rest}" if more > 0 else "")


def expected_ends(ends: Mapping[str, datetime], most: int) -> str:
    """Until when each of several things will take (UTC), the first one first; times alone if all are on one day.

    Args:
        ends: Name to instant.
        most: How many of them are named.
    """
    ordered = sorted(ends.items(), key=itemgetter(1, 0))
    if len({at.date() for at in ends.values()}) > 1:
        return listed([f"{name} until about {instant(at)}" for name, at in ordered], most)
    return f"{listed([f'{name} until about {at:%H:%M}' for name, at in ordered], most)} (UTC)"


def first_lines(lines: Sequence[str], most: int, elsewhere: str) -> list[str]:
    """The first of some lines, indented, and how many more there are.

    Args:
        lines: The lines; one may have line breaks of its own.
        most: How many of them are shown.
        elsewhere: What shows all of them.
    """
    shown = [textwrap.indent(line, "  ") for line in lines[:most]]
    return [*shown, f"  and {len(lines) - most:,} more: {elsewhere}"] if len(lines) > most else shown


def wrapped(text: str, width: int = 100) -> str:
    """A wrapped paragraph; the further lines of a list item are indented."""
    hanging = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, width, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


def gap_in_words(gap: Mapping[str, Any]) -> str:
    """A disagreement of two sources, from `ops.disagreements`: metric, day, and both values."""
    about = json.loads(gap["key"])
    named = " ".join(str(value) for name, value in about.items() if name != "witness")
    sentence = (
        f"{gap['metric']} {named} on {gap['last']}: {gap['source_a']} says {gap['value_a']:,.6g}, "
        f"{gap['source_b']} {gap['value_b']:,.6g}: {gap['relative_gap']:.1%} apart, {gap['tolerance']:.1%} is allowed"
    )
    if gap["days"] == 1:
        return sentence
    return f"{sentence}; {gap['days']:,} days since {gap['first']}, at most {gap['widest_gap']:.1%}"
