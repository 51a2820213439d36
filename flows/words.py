"""Text for people: counts in words, lines in columns."""


def in_words(states: dict[str, int]) -> str:
    """Counts of states as people read them."""
    return ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(states.items())) or "no days"


def columns(lines: list[tuple[str, ...]]) -> str:
    """Lines of words as columns."""
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
