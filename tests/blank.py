"""Files of empty homes, from which first builds in tests start: making every table and comment takes two seconds."""

from collections import Counter
from pathlib import Path
from unittest.mock import patch

import polars as pl

from flows.sources import sources
from flows.steps.plan import validity
from flows.verification import declarations
from tests.tool import NOW
from transforms.assets import memberships
from warehouse.build import database, kept
from warehouse.build.kept import Note
from warehouse.store.home import Home, claim_home
from warehouse.store.ledger import EXPECTED


class Blanks:
    """The file of an empty home for each basis that was asked for twice; one that is asked for once is not worth it."""

    def __init__(self, folder: Path) -> None:
        """Keep the homes in a folder."""
        self._folder = folder
        self._asked: Counter[str] = Counter()
        self._homes: dict[str, Home] = {}

    def file_before(self, home: Home, base: str) -> tuple[Path, Note] | None:
        """The file that a build starts from: the home's own, or a blank one if it has none yet."""
        if home.warehouse.exists():
            return kept.file_before(home, base)
        self._asked[base] += 1
        if self._asked[base] > 1 and base not in self._homes:
            self._homes[base] = self._made(home)
        blank = self._homes.get(base)
        return None if blank is None else kept.file_before(blank, base)

    def _made(self, like: Home) -> Home:
        home = claim_home(self._folder / str(len(self._homes)), origin=like.origin, start=like.start, now=NOW)
        known = sources().values()
        inputs = database.Inputs(
            pl.DataFrame(schema=EXPECTED), memberships(), validity(known), NOW, declarations(known, {})
        )
        with patch.object(database, "file_before", lambda *_: None):
            database.build(home, inputs)
        return home
