"""Text output: counts in words, lines in columns."""

import json
import textwrap
from collections.abc import Mapping
from typing import Any


def in_words(states: dict[str, int]) -> str:
    """Counts of states as text."""
    return ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(states.items())) or "no days"


def columns(lines: list[tuple[str, ...]]) -> str:
    """Rows of text as aligned columns."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


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
