"""Which tables of the file before a build keeps: those that were made from the same inputs by the same code.

A note beside the file holds a hash of the inputs of each table, and of the whole file. A file that is not the one that
the note describes, or that other code has made, is not built on: then every table is made anew.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from warehouse.store.files import digest, write_whole
from warehouse.store.home import Home

NOTE = ".warehouse-made-from.json"
CODE = ("expectations", "warehouse")
"""The packages that determine what a table holds, once its inputs are given."""


class Kept:
    """The tables of the file that a build starts from, and those of the file that it makes.

    Attributes:
        before: Table to the hash of its inputs, in the file before; empty if everything is made anew.
        now: The same, in the file that is made.
        anew: The tables and views that are made, not kept.
    """

    def __init__(self, before: Mapping[str, str] | None = None) -> None:
        """Start from the tables of a file, or from none."""
        self.before = dict(before or {})
        self.now: dict[str, str] = {}
        self.anew: set[str] = set()

    def keeps(self, table: str, *inputs: object) -> bool:
        """Whether a table stays as it is, because its inputs are the same.

        Args:
            table: Its name, with the schema.
            inputs: What it is made from besides the code: hashes, texts, lists of them.
        """
        self.now[table] = digest(json.dumps(inputs, default=str).encode())
        return self._settled(table, same=self.before.get(table) == self.now[table])

    def keeps_view(self, view: str, tables: Iterable[str]) -> bool:
        """Whether a view stays; its text changes only with the code, its rows with the tables that it reads."""
        self.now[view] = digest(json.dumps([self.now.get(table) for table in tables]).encode())
        return self._settled(view, same=view in self.before)

    def _settled(self, name: str, *, same: bool) -> bool:
        if not same:
            self.anew.add(name)
        return same


def content_of(frame: pl.DataFrame) -> str:
    """A hash of a frame's rows and their order."""
    return digest(frame.write_ipc(None, compat_level=pl.CompatLevel.oldest()).getvalue())


def basis(*facts: object) -> str:
    """A hash of the code that makes the tables, and of what else is the same for all of them.

    Args:
        facts: What else: the names of the tables, the origin of the data.
    """
    return digest(json.dumps([_code(), duckdb.__version__, *facts]).encode())


@cache
def _code() -> str:
    whole = hashlib.sha256()
    for package in CODE:
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*")):
            if path.suffix in {".py", ".sql", ".toml"}:
                whole.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return whole.hexdigest()


@dataclass(frozen=True)
class Note:
    """What is noted of a file.

    Attributes:
        sha256: The hash of the whole file.
        basis: The basis of its build.
        books: A hash of everything else that it shows: the ledger, the calendar, the dimensions.
        as_of: The instant of knowledge.
        tables: Table to the hash of its inputs.
        rows: Table to how many rows it has.
    """

    sha256: str
    basis: str
    books: str
    as_of: datetime
    tables: dict[str, str]
    rows: dict[str, int]

    def write(self, place: Path, staging: Path) -> None:
        """Write the note beside its file."""
        facts = asdict(self) | {"as_of": self.as_of.isoformat()}
        write_whole(place.with_name(NOTE), json.dumps(facts, indent=1).encode(), staging)

    @staticmethod
    def read(place: Path) -> "Note":
        """Read the note beside a file.

        Raises:
            OSError: There is none.
            ValueError, TypeError, KeyError: It is not one that we wrote.
        """
        facts = json.loads(place.with_name(NOTE).read_bytes())
        return Note(**facts | {"as_of": datetime.fromisoformat(facts["as_of"])})


def file_before(home: Home, base: str) -> tuple[Path, Note] | None:
    """The file that a build of a home may start from, with its note; none if everything is to be made anew."""
    note = note_of(home.warehouse, base)
    return None if note is None else (home.warehouse, note)


def note_of(place: Path, base: str) -> Note | None:
    """The note of a file; none if there is no file, or if it is not the noted one or has another basis."""
    try:
        note = Note.read(place)
        return note if note.basis == base and sha256(place) == note.sha256 else None
    except (OSError, ValueError, TypeError, KeyError):  # without a readable note nothing is known of the file
        return None


def sha256(path: Path) -> str:
    """The hash of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
