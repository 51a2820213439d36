"""The lineage as one picture: sources at the left, then `core`, then each mart to the right of what it reads.

`python -m flows.catalog` writes it beside the catalog; a test fails when it is stale.
"""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import fmean

from warehouse.lineage.tables import Supply, depth, drawn_tables, parents

WIDE, HIGH = 152, 19
ACROSS, DOWN, FURTHEST = 204, 25, 84
MARGIN, TITLE = 16, 46
ROUNDS = 24

_STYLE = """
  svg { --paper: #ffffff; --ink: #1f2328; --faint: #59636e; --source: #eef1f4; --core: #dcebfa; --hand: #f6ead0;
        --mart: #d9f0e0; --line: #7a8794; color-scheme: light dark }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #14181d; --ink: #e6edf3; --faint: #9aa5b1; --source: #252b33; --core: #17344f; --hand: #4a3a16;
          --mart: #173f2a; --line: #7d8a98 } }
  text { font: 11px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--ink) }
  .title { font-size: 13px; font-weight: 600 } .faint { fill: var(--faint) }
  .paper { fill: var(--paper) } .source { fill: var(--source) } .core { fill: var(--core) }
  .hand { fill: var(--hand) } .mart { fill: var(--mart) }
  path { fill: none; stroke: var(--line); stroke-width: 1; opacity: .45 } path:hover { stroke-width: 3; opacity: 1 }
"""


def picture(supplied: Supply) -> str:
    """An SVG in light and dark, without anything from outside.

    Args:
        supplied: Dataset to the sources that supply it.
    """
    edges = [(source, table) for table, sources in sorted(supplied.items()) for source in sources]
    edges += [(parent, table) for table in drawn_tables() for parent in parents(table)]
    columns = _ordered(_columns(supplied, edges), edges)
    tall = max(map(len, columns)) * DOWN
    places = {}
    for across, names in enumerate(columns):
        # Short columns are spread, so that their lines part.
        apart = min(tall / len(names), FURTHEST)
        first = TITLE + (tall - apart * len(names)) / 2 + (apart - DOWN) / 2
        for place, name in enumerate(names):
            places[name] = (MARGIN + across * ACROSS, round(first + place * apart, 1))
    wide, high = MARGIN * 2 + (len(columns) - 1) * ACROSS + WIDE, TITLE + tall + MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">',
        "<title>From every source to every mart of tidemark</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{wide}" height="{high}"/>',
        *_titles(wide),
    ]
    lines += [_line(places[one], places[other], f"{one} → {other}") for one, other in edges]
    lines += [_box(name, *places[name], _kind(name, supplied)) for names in columns for name in names]
    return "\n".join((*lines, "</svg>")) + "\n"


def _columns(supplied: Supply, edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Names by how far right they stand: what is kept by hand stands just left of its first reader."""
    columns: dict[int, list[str]] = {0: sorted({source for sources in supplied.values() for source in sources})}
    for table in drawn_tables():
        place = depth(table) + 1
        readers = [depth(other) for one, other in edges if one == table]
        if table not in supplied and not parents(table) and readers:
            place = min(readers)
        columns.setdefault(place, []).append(table)
    return [columns[place] for place in sorted(columns)]


def _ordered(columns: list[list[str]], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Each name near the middle of those that it is linked with, so that fewer lines cross."""
    linked: dict[str, list[str]] = {}
    for one, other in edges:
        linked.setdefault(one, []).append(other)
        linked.setdefault(other, []).append(one)
    for _ in range(ROUNDS):
        for column in columns:
            places = {name: (place + 0.5) / len(names) for names in columns for place, name in enumerate(names)}
            column.sort(key=lambda name: (_middle(linked.get(name, ()), places, places[name]), name))
    return columns


def _middle(names: Sequence[str], places: Mapping[str, float], otherwise: float) -> float:
    return round(fmean(places[name] for name in names), 9) if names else otherwise


def _titles(wide: int) -> list[str]:
    told = [(0, "Sources"), (1, "core: typed facts"), (2, "main: marts, each right of what it reads")]
    lines = [f'<text class="title" x="{MARGIN + across * ACROSS}" y="24">{text}</text>' for across, text in told]
    key = "blue: supplied · yellow: kept by hand or made of core · green: marts"
    return [*lines, f'<text class="faint" x="{wide - MARGIN}" y="24" text-anchor="end">{key}</text>']


def _kind(name: str, supplied: Supply) -> str:
    if "." not in name:
        return "source"
    if name.startswith("main."):
        return "mart"
    return "core" if name in supplied else "hand"


def _line(one: tuple[float, float], other: tuple[float, float], told: str) -> str:
    left, right = one[0] + WIDE, other[0]
    start, end = one[1] + HIGH / 2, other[1] + HIGH / 2
    bend = (right - left) / 2
    curve = f"M{left:g} {start:g}C{left + bend:g} {start:g} {right - bend:g} {end:g} {right:g} {end:g}"
    return f'<path d="{curve}"><title>{escape(told)}</title></path>'


def _box(name: str, across: float, down: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{across:g}" y="{down:g}" width="{WIDE}" height="{HIGH}" rx="4"/>'
        f'<text x="{across + 7:g}" y="{down + 13.5:g}">{escape(name.rpartition(".")[2])}</text>'
    )
