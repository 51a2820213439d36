"""Here first builds make every table, as a user's do."""

import pytest

from warehouse.build import database, kept


@pytest.fixture(autouse=True)
def _no_blank_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "file_before", kept.file_before)
