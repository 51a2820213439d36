"""Ad-hoc questions to the warehouse, answered as a table, CSV, JSON or Parquet."""

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import duckdb
import polars as pl

from expectations.errors import BadRequest
from warehouse.reader import open_warehouse

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

MOST_TABLE_ROWS = 200
WIDEST_TABLE = 200


def answer(warehouse: Path, text: str, form: str, out: TextIO) -> None:
    """Run one or more statements and print what they return.

    Args:
        warehouse: The DuckDB file.
        text: SQL, statements separated by semicolons.
        form: `table`, `csv`, `json` or `parquet` (one statement only).
        out: Where it is printed; Parquet goes to its bytes.

    Raises:
        BadRequest: The SQL is wrong, or uses something that is locked.
        StorageDamaged: The file is missing or damaged.
    """
    with open_warehouse(warehouse) as connection:
        try:
            statements = connection.extract_statements(text)
            if not statements:
                raise BadRequest('no SQL was given: `tidemark sql "select 1"`, or statements on standard input')
            if form == "parquet" and len(statements) != 1:
                raise BadRequest(f"parquet holds one answer, found {len(statements)} statements")
            for statement in statements:
                relation = connection.sql(statement.query)
                if relation is not None:
                    _print(relation, form, out)
        except (duckdb.Error, pl.exceptions.PolarsError) as wrong:
            raise BadRequest(str(wrong)) from None


def _print(relation: "DuckDBPyRelation", form: str, out: TextIO) -> None:
    if form == "table":
        out.write(_drawn(relation))
        return
    if form == "parquet":
        out.flush()
        relation.pl().write_parquet(out.buffer)
    elif form == "csv":
        out.write(_flat(relation).pl().write_csv())
    else:
        rows = relation.set_alias("whole_row").project("to_json(whole_row)::varchar").fetchall()
        out.write(_within("[" + ",\n".join(row for (row,) in rows) + "]\n", out))


def _within(document: str, out: TextIO) -> str:
    """A JSON document in a form that the output's encoding can hold; characters that it lacks are escaped."""
    try:
        document.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        return "".join(letter if letter.isascii() else json.dumps(letter)[1:-1] for letter in document)
    return document


def _flat(relation: "DuckDBPyRelation") -> "DuckDBPyRelation":
    """The relation in a form that CSV can hold: list items separated by semicolons, other nested values as JSON."""
    columns = []
    for place, (name, kind) in enumerate(zip(relation.columns, map(str, relation.types), strict=True), start=1):
        text = f"#{place}"
        if kind.endswith("]"):
            text = f"array_to_string({text}, ';')"
        elif kind.startswith(("STRUCT", "MAP", "UNION")):
            text = f"to_json({text})::varchar"
        elif kind in {"BLOB", "INTERVAL", "BIT"}:
            text = f"{text}::varchar"
        quoted = name.replace('"', '""')
        columns.append(f'{text} as "{quoted}"')
    return relation.project(", ".join(columns))


def _drawn(relation: "DuckDBPyRelation") -> str:
    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        relation.show(max_width=WIDEST_TABLE, max_rows=MOST_TABLE_ROWS)
    return drawn.getvalue()
