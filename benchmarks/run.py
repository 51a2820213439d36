"""Every figure in one run: prints them and writes benchmarks/results.md. `make bench` starts it.

`python benchmarks/run.py start_up unchanged` runs only those sections and writes no file.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import daily_run
import first_page
import raw_to_warehouse
import side_by_side
import start_up
import unchanged
import watched
from measuring import HERE, ROOT, Section, machine

Found = Section | tuple[Section, ...]
SECTIONS: dict[str, Callable[[Path], Found]] = {
    "raw_to_warehouse": raw_to_warehouse.measure,
    "daily_run": daily_run.measure,
    "unchanged": unchanged.measure,
    "first_page": first_page.measure,
    "side_by_side": side_by_side.measure,
    "watched": watched.measure,
    "start_up": start_up.measure,
}


def commit() -> str:
    """What was measured."""
    named = ("git", "describe", "--always", "--dirty", "--exclude=*")
    found = subprocess.run(named, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def heading() -> Section:
    """When, what and where."""
    section = Section("The machine")
    measured = [("measured", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"), ("commit", commit())]
    section.table(("", "what the figures were measured on"), [*measured, *machine()])
    return section


def main(names: list[str]) -> None:
    """Run the sections, print each as it is done."""
    sections = [heading()]
    print(sections[0].text, flush=True)
    for name in names or SECTIONS:
        with tempfile.TemporaryDirectory(prefix="tidemark-bench-") as folder:
            found = SECTIONS[name](Path(folder))
        for section in found if isinstance(found, tuple) else (found,):
            sections.append(section)
            print(section.text, flush=True)
    if not names:
        title = "# Measured figures\n\nMade by `make bench`; not written by hand."
        text = "\n".join([title, "", *(section.text for section in sections)])
        (HERE / "results.md").write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
