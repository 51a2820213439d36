"""The rows that a value rests on: a change of any other row leaves the value as it is, and none of them is left out."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
import polars as pl
import pytest

from expectations.contract import datasets
from tests.core_tables import create_core, read_rows
from tests.tool import ROOT
from warehouse.build import models
from warehouse.build.models import Model, create
from warehouse.build.views import dataset_of
from warehouse.lineage.trace import Tracer

pytestmark = pytest.mark.slow

CASES = ROOT / "tests" / "models"
EXPECTED = "expected"
COLUMNS_OF_A_CASE = 2
Listed = Mapping[str, Sequence[tuple[Any, ...]]]
"""Dataset to the rows of it, by key and source."""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


def cases() -> list[str]:
    return sorted(f"{case.parent.name}/{case.name}" for case in CASES.glob("*/*") if case.is_dir())


def with_what_it_reads(name: str) -> list[Model]:
    wanted: list[Model] = []
    for model in reversed(models.models()):
        if model.name == name or any(model.table in later.reads for later in wanted):
            wanted.insert(0, model)
    return wanted


def build(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pl.DataFrame], models: Sequence[Model]) -> None:
    create_core(connection, tables)
    for model in models:
        create(connection, model)


def cell(connection: duckdb.DuckDBPyConnection, model: Model, column: str, key: Mapping[str, Any]) -> list[Any]:
    where = " and ".join(f'"{name}" is not distinct from ${name}' for name in key)
    return connection.execute(f'select "{column}" from {model.table} where {where}', dict(key)).fetchall()


def listed(connection: duckdb.DuckDBPyConnection, tracer: Tracer, rows: Mapping[str, str]) -> Listed:
    """The rows that a trace lists by dataset, whether it names the dataset's table or a view of it."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table, numbers in rows.items():
        name = dataset_of(table)
        key = ", ".join(f'"{column}"' for column in (*datasets()[name].key, "source"))
        query = f"select {key} from {tracer.rows_of(table)} where _row in ({numbers})"
        found.setdefault(name, []).extend(connection.execute(query).fetchall())
    return found


def moved(connection: duckdb.DuckDBPyConnection, rows: Listed, *, inside: bool) -> int:
    """Multiply every measure of the listed rows, or of all others, by a factor for each row; returns how many rows."""
    count = 0
    for dataset in datasets().values():
        key = (*dataset.key, "source")
        there = " and ".join(f'held."{name}" is not distinct from told."{name}"' for name in key)
        kinds = connection.execute(f"select * from core.{dataset.name} limit 0")
        schema = ", ".join(f'"{name}"' for name in key)
        connection.execute(f"create or replace temp table told as select {schema} from core.{dataset.name} limit 0")
        assert kinds.description is not None
        if rows.get(dataset.name):
            places = ", ".join("?" for _ in key)
            connection.executemany(f"insert into told values ({places})", rows[dataset.name])
        factor = "1.001 + 0.05 * (hash(" + ", ".join(f'held."{name}"' for name in key) + ") % 1000) / 1000"
        changed = ", ".join(f'"{name}" = "{name}" * ({factor})' for name in dataset.measures)
        for table in (dataset.name, f"{dataset.name}_preferred"):
            count += connection.execute(
                f"update core.{table} as held set {changed} "
                f"where {'' if inside else 'not '}exists (select 1 from told where {there})"
            ).fetchall()[0][0]
    return count


def sampled(model: Model, expected: pl.DataFrame, case: str) -> list[tuple[str, dict[str, Any]]]:
    """Some cells of a case: random columns, each in the last row in which it is known."""
    chance = random.Random(case)
    columns = [name for name in expected.columns if name not in model.key]
    cells = []
    for column in chance.sample(columns, min(COLUMNS_OF_A_CASE, len(columns))):
        known = expected.filter(pl.col(column).is_not_null())
        row = known.row(-1, named=True) if known.height else expected.row(chance.randrange(expected.height), named=True)
        cells.append((column, {name: row[name] for name in model.key}))
    return cells


@pytest.mark.parametrize("case", cases())
def test_what_is_not_listed_moves_nothing(connection: duckdb.DuckDBPyConnection, case: str) -> None:
    folder = CASES / case
    tables = {file.stem: read_rows(file) for file in folder.glob("*.csv") if file.stem != EXPECTED}
    models = with_what_it_reads(case.partition("/")[0])
    model = models[-1]
    build(connection, tables, models)
    expected = connection.sql(f"select * from {model.table} order by all").pl()
    if model.schema != "main" or expected.is_empty():
        return
    tracer = Tracer(connection)
    for column, key in sampled(model, expected, case):
        before = cell(connection, model, column, key)
        rows = listed(connection, tracer, tracer.trace(model.name, column, key).rows)
        connection.execute("begin")
        moved(connection, rows, inside=False)
        for again in models:
            create(connection, again)
        after = cell(connection, model, column, key)
        connection.execute("rollback")
        assert after == before, (column, key, {name: len(found) for name, found in rows.items()})


def test_what_is_listed_moves_the_value(connection: duckdb.DuckDBPyConnection) -> None:
    folder = CASES / "stablecoin_flows_total" / "peak_and_position"
    tables = {file.stem: read_rows(file) for file in folder.glob("*.csv") if file.stem != EXPECTED}
    models = with_what_it_reads("stablecoin_flows_total")
    build(connection, tables, models)
    day = connection.sql("select max(date) from main.stablecoin_flows_total").fetchall()[0][0]
    tracer = Tracer(connection)
    for column in ("supply_usd", "net_issuance_7d_usd"):
        before = cell(connection, models[-1], column, {"date": day})
        rows = listed(connection, tracer, tracer.trace("stablecoin_flows_total", column, {"date": day}).rows)
        connection.execute("begin")
        assert moved(connection, rows, inside=True) >= 2
        for again in models:
            create(connection, again)
        assert cell(connection, models[-1], column, {"date": day}) != before
        connection.execute("rollback")
