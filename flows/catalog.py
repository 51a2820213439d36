"""`python -m flows.catalog` writes CATALOG.md: the warehouse's words, with what the sources declare."""

from pathlib import Path

from flows.sources import sources
from flows.standing import declarations
from warehouse.catalog import PAGE, catalog


def page() -> str:
    """The data dictionary as it stands in the repository: no home has a say in it."""
    return catalog(declarations(sources().values(), {}))


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
