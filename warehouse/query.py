"""Ad-hoc questions to the warehouse, answered as a table, CSV, JSON or Parquet."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import duckdb

from expectations.errors import BadRequest
from warehouse.opening import open_warehouse

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
        BadRequest: The SQL is wrong, or asks for what is locked.
        StorageDamaged: The file is missing or damaged.
    """
    with open_warehouse(warehouse) as connection:
        try:
            statements = connection.extract_statements(text)
            if not statements:
                raise BadRequest(
                    'no SQL was given: `tidemark sql "select 1"`, or statements on standard input'
                )
            if form == "parquet" and len(statements) != 1:
                raise BadRequest(f"parquet holds one answer, found {len(statements)} statements")
            for statement in statements:
                relation = connection.sql(statement.query)
                if relation is not None:
                    _print(relation, form, out)
        except duckdb.Error as wrong:
            raise BadRequest(str(wrong)) from None


def _print(relation: "DuckDBPyRelation", form: str, out: TextIO) -> None:
    if form == "table":
        out.write(_drawn(relation))
        return
    frame = relation.pl()
    if form == "parquet":
        out.flush()
        frame.write_parquet(out.buffer if hasattr(out, "buffer") else io.BytesIO())
    elif form == "csv":
        # Lists have no CSV of their own: their items, separated by semicolons.
        lists = [name for name, kind in frame.schema.items() if str(kind).startswith("List")]
        out.write(frame.with_columns(*(frame[name].list.join(";").alias(name) for name in lists)).write_csv())
    else:
        listed = relation.aggregate("coalesce(json_group_array(rows), '[]')::varchar").fetchall()
        out.write(f"{listed[0][0]}\n")


def _drawn(relation: "DuckDBPyRelation") -> str:
    import contextlib  # noqa: PLC0415

    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        relation.show(max_width=WIDEST_TABLE, max_rows=MOST_TABLE_ROWS)
    return drawn.getvalue()
