"""Tables kept by hand: what was reported, and what we decided. One TOML file is one table of `core`.

A file first describes the table (`meaning`, `grain`, `key`, `columns`, and optionally `nullable`, `caveats` and
`[notes]`), then lists its rows. A row names every column that may not be unknown.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl

from expectations.contract import Column, glossary, polars_schema

FIELDS = ("meaning", "grain", "key", "columns")
OPTIONAL = ("nullable", "caveats", "notes")


@dataclass(frozen=True, eq=False)
class Curated:
    """One table kept by hand.

    Attributes:
        name: The table's name in `core`, which is the file's.
        meaning: One sentence for a new reader.
        grain: What one row is.
        key: The columns that identify a row.
        rows: The rows, in the glossary's types.
        caveats: What a careful reader must know.
        notes: Column name to what it means in this table in particular.
    """

    name: str
    meaning: str
    grain: str
    key: tuple[str, ...]
    rows: pl.DataFrame
    caveats: tuple[str, ...]
    notes: Mapping[str, str]

    @property
    def about(self) -> str:
        """The table's comment in DuckDB."""
        return " ".join((self.meaning, f"One row: {self.grain}.", *self.caveats))

    def column(self, name: str) -> Column:
        """The glossary's entry, with what this table adds to its meaning."""
        return glossary()[name].noted(self.notes.get(name))


@cache
def curated() -> dict[str, Curated]:
    """All tables kept by hand, by name."""
    tables = {}
    for file in sorted(files(__name__).iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            tables[name] = parse(name, file.read_text(encoding="utf-8"))
    return tables


def parse(name: str, text: str) -> Curated:
    """Read one file.

    Raises:
        ValueError: Something is missing or unexpected; the message names it.
    """
    declared = tomllib.loads(text)
    rows = declared.pop("row", [])
    lacking = [field for field in FIELDS if not declared.get(field)]
    strange = sorted(set(declared) - {*FIELDS, *OPTIONAL})
    if lacking or strange:
        raise ValueError(f"expected {name}.toml to say {', '.join(FIELDS)}, found {', '.join(lacking + strange)}")
    schema = polars_schema(declared["columns"])
    required = set(schema) - set(declared.get("nullable", ()))
    for row in rows:
        odd = (set(row) - set(schema)) | (required - set(row))
        if odd:
            raise ValueError(
                f"expected a row of {name}.toml with {', '.join(schema)}, found {sorted(odd)} odd in {row}"
            )
    key = tuple(declared["key"])
    frame = pl.DataFrame([_typed(row, schema) for row in rows], schema=schema, orient="row", strict=True)
    if frame.select(key).is_duplicated().any():
        raise ValueError(f"expected one row of {name}.toml for each {', '.join(key)}, found two alike")
    return Curated(
        name=name,
        meaning=declared["meaning"],
        grain=declared["grain"],
        key=key,
        rows=frame.sort(key),
        caveats=tuple(declared.get("caveats", ())),
        notes=declared.get("notes", {}),
    )


def _typed(row: Mapping[str, Any], schema: pl.Schema) -> dict[str, Any]:
    """A row with every column; whole numbers become floats where the column is one."""
    return {
        name: float(row[name]) if kind == pl.Float64() and name in row else row.get(name)
        for name, kind in schema.items()
    }
