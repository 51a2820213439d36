"""The models: one SQL file is one table, with its promise in the opening comment.

A file begins with a comment: one plain sentence, an empty line, and TOML with `grain`, `key`, `checks`, and optionally
`caveats` and `[notes]` (column name to what it means in this table in particular). For the catalog it declares
`[lookback]`: column name, or `default`, to how many days before its own day the column reads; `[reach]`: core table to
how many days back it is always read, because values are carried forward; `subjects`: if rows are computed from other
marts' cells by subject, the table kept by hand and its column that name the subjects. Tracing a number back
(`warehouse.lineage.trace`) needs none of them: it follows the query. Which tables a model reads is taken from its
query, never listed.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from typing import Any, Literal

import duckdb

from expectations.contract import DUCKDB, Column, glossary
from expectations.errors import ContractViolated

Schema = Literal["main", "intermediate"]

SCHEMAS: dict[str, Schema] = {"intermediate": "intermediate", "marts": "main"}
"""Folder of `warehouse.models` to the schema of its tables."""

_HEADER = re.compile(r"\A\s*/\*\s*(?P<sentence>.+?)\n\s*\n(?P<promise>.*?)\*/\s*", re.DOTALL)
_FIELDS = {
    "grain": str,
    "key": list,
    "checks": list,
    "caveats": list,
    "notes": dict,
    "lookback": dict,
    "reach": dict,
    "subjects": list,
}


@dataclass(frozen=True, eq=False)
class Model:
    """One table, made by one query.

    Attributes:
        name: The table's name, which is the file's.
        schema: `main` for a mart that readers rely on, `intermediate` for a table that is dropped.
        sentence: What the table holds, for a new reader.
        grain: What one row is.
        key: The columns that identify a row; never unknown.
        checks: SQL conditions that hold for every row; unknown passes.
        caveats: What a careful reader must know.
        notes: Column name to what it means in this table in particular.
        sql: The query, without its opening comment.
        reads: The tables that the query reads, as `schema.name`, sorted.
        lookback: Column name, or `default`, to how many days before its own day it reads.
        reach: Core table to how many days back it is always read.
        subjects: The table kept by hand, and its column, that name what its rows or columns are about.
    """

    name: str
    schema: Schema
    sentence: str
    grain: str
    key: tuple[str, ...]
    checks: tuple[str, ...]
    caveats: tuple[str, ...]
    notes: Mapping[str, str]
    sql: str
    reads: tuple[str, ...]
    lookback: Mapping[str, int] = field(default_factory=dict)
    reach: Mapping[str, int] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table's name with its schema."""
        return f"{self.schema}.{self.name}"

    def column(self, name: str) -> Column:
        """The glossary's entry, with what this table adds to its meaning."""
        return glossary()[name].noted(self.notes.get(name))

    def days_back(self, column: str) -> int:
        """How many days before its own day a column reads."""
        return self.lookback.get(column, self.lookback.get("default", 0))


@dataclass(frozen=True)
class Judgement:
    """The result of one rule in one table.

    Attributes:
        name: The rule, as the model states it.
        success: Whether every row met it.
        failing_rows: How many rows broke it; for a repeated key, how many rows share theirs.
        example: The key of the first row that broke it, as JSON; empty when none did.
    """

    name: str
    success: bool
    failing_rows: int
    example: str


def models() -> tuple[Model, ...]:
    """All models, each after those that it reads."""
    return _ordered({model.table: model for model in _found()})


def reads_in_the_end(model: Model) -> tuple[str, ...]:
    """The tables of the finished file that a model is computed from, sorted; intermediate tables are resolved."""
    steps = {step.table: step.reads for step in models() if step.schema == "intermediate"}
    tables: set[str] = set()
    pending = list(model.reads)
    while pending:
        table = pending.pop()
        if table in steps:
            pending += steps[table]
        else:
            tables.add(table)
    return tuple(sorted(tables))


def parse(parser: duckdb.DuckDBPyConnection, name: str, schema: Schema, text: str) -> Model:
    """Read one SQL file.

    Args:
        parser: Any connection; it only parses the query.
        name: The table's name.
        schema: Where the table goes.
        text: The whole file.

    Returns:
        The model.

    Raises:
        ValueError: The opening comment or the query does not follow the module's docstring.
    """
    header = _HEADER.match(text)
    if header is None:
        raise ValueError(f"expected {name}.sql to open with a comment of one sentence and a promise, found none")
    try:
        promise = tomllib.loads(header["promise"])
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"expected TOML in the opening comment of {name}.sql, found {error}") from error
    strange = [field for field, value in promise.items() if not isinstance(value, _FIELDS.get(field, ()))]
    if strange:
        raise ValueError(
            f"expected {name}.sql to promise {', '.join(_FIELDS)} in their types, found {', '.join(strange)}"
        )
    for required in ("grain", "key", "checks"):
        if not promise.get(required):
            raise ValueError(f"expected {name}.sql to promise its {required}, found none")
    query = text[header.end() :]
    return Model(
        name=name,
        schema=schema,
        sentence=" ".join(header["sentence"].split()),
        grain=promise["grain"],
        key=tuple(promise["key"]),
        checks=tuple(promise["checks"]),
        caveats=tuple(promise.get("caveats", ())),
        notes=promise.get("notes", {}),
        sql=query,
        reads=_tables_read(parser, name, query),
        lookback=promise.get("lookback", {}),
        reach=promise.get("reach", {}),
        subjects=tuple(promise.get("subjects", ())),
    )


def create(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Make the model's table and check its columns against the glossary; a table that fails is dropped.

    Args:
        connection: A connection that holds what the model reads, and the functions of `macros`.
        model: What to make.

    Raises:
        ContractViolated: A column is not in the glossary or has another type, or key or notes name a missing column.
    """
    connection.execute(f"create schema if not exists {model.schema}")
    connection.execute(f"create or replace table {model.table} as\n{model.sql}")
    try:
        _judge_columns(model, _columns(connection, model.table))
    except ContractViolated:
        connection.execute(f"drop table {model.table}")
        raise


def all_kept(model: Model) -> list[Judgement]:
    """The judgements of a table in which no row breaks a rule."""
    rules = ("the key is unique", "the key is never unknown", "every number is finite", *model.checks)
    return [Judgement(name=name, success=True, failing_rows=0, example="") for name in rules]


def check_promise(connection: duckdb.DuckDBPyConnection, model: Model) -> list[Judgement]:
    """Check the model's table against its promise.

    Args:
        connection: A connection that holds the table.
        model: The promise.

    Returns:
        One judgement each for the key's uniqueness, its completeness and the finiteness of all numbers, then one for
        each check, in that order.
    """
    columns = _columns(connection, model.table)
    key = ", ".join(_quoted(name) for name in model.key)
    as_json = "to_json({" + ", ".join(f"{_text(name)}: {_quoted(name)}" for name in model.key) + "})::varchar"
    numbers = [_quoted(name) for name, kind in columns.items() if kind == DUCKDB["number"]]
    absent = " or ".join(f"{_quoted(name)} is null" for name in model.key)
    broken = {
        "the key is never unknown": absent,
        "every number is finite": " or ".join(f"not isfinite({name})" for name in numbers) or "false",
        **{check: f"not ({check})" for check in model.checks},
    }
    rules = [
        f"count(*) filter (where {condition}), min({as_json}) filter (where {condition})"
        for condition in broken.values()
    ]
    # Names and rules come from the files of this package, never from data.
    if connection.execute(f"select 1 from {model.table} limit 1").fetchone() is None:
        return all_kept(model)
    groups = f"select count(*) as rows, min({as_json}) as example from {model.table} group by {key}"
    repeated = f"select coalesce(sum(rows), 0)::bigint, min(example) from ({groups} having count(*) > 1)"
    uniqueness = connection.execute(repeated).fetchall()[0]
    rest = connection.execute(f"select {', '.join(rules)} from {model.table}").fetchall()[0]
    counts = [uniqueness, *zip(rest[::2], rest[1::2], strict=True)]
    return [
        replace(rule, success=rows == 0, failing_rows=rows, example=example or "")
        for rule, (rows, example) in zip(all_kept(model), counts, strict=True)
    ]


def comment(connection: duckdb.DuckDBPyConnection, model: Model, prefix: str = "") -> None:
    """Comment the model's table and each of its columns with meaning and unit.

    Args:
        connection: A connection that holds the table.
        model: The promise.
        prefix: What every comment begins with, such as `SIMULATED. `.
    """
    about = " ".join((model.sentence, f"One row: {model.grain}.", *model.caveats))
    statements = [f"comment on table {model.table} is {_text(prefix + about)}"]
    for name in _columns(connection, model.table):
        meaning = _text(prefix + model.column(name).comment)
        statements.append(f"comment on column {model.table}.{_quoted(name)} is {meaning}")
    # In one transaction: otherwise every comment is logged and flushed separately.
    connection.execute(";\n".join(["begin", *statements, "commit"]))


@cache
def macros() -> str:
    """The functions that models share; temporary, so that the finished file does not need them."""
    return (files("warehouse") / "models" / "macros.sql").read_text(encoding="utf-8")


@cache
def _found() -> tuple[Model, ...]:
    return tuple(_read())


def _read() -> Iterator[Model]:
    with duckdb.connect() as parser:
        for folder, schema in SCHEMAS.items():
            place = files("warehouse") / "models" / folder
            if place.is_dir():
                for file in sorted(place.iterdir(), key=lambda entry: entry.name):
                    if file.name.endswith(".sql"):
                        name = file.name.removesuffix(".sql")
                        yield parse(parser, name, schema, file.read_text(encoding="utf-8"))


def _ordered(by_table: Mapping[str, Model]) -> tuple[Model, ...]:
    for model in by_table.values():
        for table in model.reads:
            if not table.startswith("core.") and table not in by_table:
                raise ValueError(f"expected {model.name}.sql to read core or another model, found {table}")
    sorter = TopologicalSorter(
        {table: [read for read in model.reads if read in by_table] for table, model in by_table.items()}
    )
    try:
        return tuple(by_table[table] for table in sorter.static_order())
    except CycleError as error:
        raise ValueError(f"expected models that can be put in order, found a circle: {error.args[1]}") from error


def _tables_read(parser: duckdb.DuckDBPyConnection, name: str, query: str) -> tuple[str, ...]:
    tree = json.loads(parser.execute("select json_serialize_sql(?::varchar)", [query]).fetchall()[0][0])
    if tree["error"]:
        raise ValueError(f"expected one select in {name}.sql, found {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise ValueError(f"expected one select in {name}.sql, found {len(tree['statements'])}")
    nodes = list(_nodes(tree))
    steps = {step["key"] for node in nodes for step in node.get("cte_map", {}).get("map", ())}
    tables = {(node["schema_name"], node["table_name"]) for node in nodes if node.get("type") == "BASE_TABLE"}
    nameless = sorted(table for schema, table in tables if not schema and table not in steps)
    if nameless:
        raise ValueError(f"expected {name}.sql to name each table's schema, found {', '.join(nameless)}")
    return tuple(sorted(f"{schema}.{table}" for schema, table in tables if schema))


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for child in tree.values():
            yield from _nodes(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    described = connection.execute(f"select column_name, column_type from (describe from {table})")
    return dict(described.fetchall())


def _judge_columns(model: Model, columns: Mapping[str, str]) -> None:
    kinds = glossary()
    for name, kind in columns.items():
        if name not in kinds:
            raise ContractViolated(f"expected every column of {model.table} in the glossary, found {name}")
        expected = DUCKDB[kinds[name].type]
        if kind != expected:
            raise ContractViolated(f"expected {model.table}.{name} as {expected}, found {kind}")
    for name in (*model.key, *model.notes):
        if name not in columns:
            raise ContractViolated(f"expected {model.table} to have a column {name}, found {', '.join(columns)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
