"""`python -m flows.catalog` writes CATALOG.md and the picture of the lineage, with what the sources declare."""

from pathlib import Path

from flows.sources import sources
from flows.verification import declarations
from warehouse.lineage.catalog import PAGE, PICTURE, catalog
from warehouse.lineage.picture import picture
from warehouse.lineage.tables import supply


def page() -> str:
    """The data dictionary as it stands in the repository: no home has a say in it."""
    return catalog(declarations(sources().values(), {}))


def drawn() -> str:
    """The picture that the page shows."""
    return picture(supply(declarations(sources().values(), {})))


if __name__ == "__main__":
    Path(PAGE).write_text(page(), encoding="utf-8")
    Path(PICTURE).write_text(drawn(), encoding="utf-8")
