"""`python -m flows.catalog` writes the catalog's pages, with what the sources declare."""

import shutil
from pathlib import Path

from flows.sources import sources
from flows.verification import declarations
from warehouse.lineage.catalog import FOLDER, catalog


def pages() -> dict[str, str]:
    """The data dictionary as it stands in the repository: path below `FOLDER` to text; no home has a say in it."""
    return catalog(declarations(sources().values(), {}))


def write(folder: Path) -> None:
    """Write every page below a folder, and nothing else stays there."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(FOLDER))
