"""`python -m flows.catalog` writes the pages of the catalog, with the declarations of the sources."""

import shutil
from pathlib import Path

from flows.sources import sources
from flows.verification import declarations
from warehouse.lineage.catalog import FOLDER, catalog


def pages() -> dict[str, str]:
    """The data dictionary of the repository: path below `FOLDER` to text. It does not depend on any home."""
    return catalog(declarations(sources().values(), {}))


def write(folder: Path) -> None:
    """Write every page below a folder; other files in it are removed."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in pages().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(FOLDER))
