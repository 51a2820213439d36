"""From a number back to its inputs: the expression, the core rows read for it, and the archived answers.

The rows are found by following the models' queries (`warehouse.lineage.trace`); nothing here knows a mart by name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from expectations.contract import Dataset, datasets
from expectations.errors import BadRequest, StorageDamaged
from warehouse.build import models
from warehouse.build.models import Model
from warehouse.build.views import dataset_of
from warehouse.lineage.columns import formulas
from warehouse.reader import open_warehouse
from warehouse.store.archive import Archive
from warehouse.store.files import digest

if TYPE_CHECKING:
    from warehouse.lineage.trace import Key, Tracer

MOST_ROWS = 30  # up to this many rows are shown one by one; above it only the newest, the oldest and the count
MOST_CELLS = 8  # up to this many cells of one column of another mart are named one by one


@dataclass(frozen=True)
class Bytes:
    """One archived answer.

    Attributes:
        snapshot: Its place in the archive.
        url: The requested address.
        observed_at: When it arrived.
        sha256: The hash of its bytes.
        problem: What is wrong with it; none if the bytes are those that arrived.
    """

    snapshot: str
    url: str | None
    status: int | None
    observed_at: datetime | None
    sha256: str | None
    problem: str | None = None


@dataclass(frozen=True)
class Input:
    """The rows of one core table that a number rests on.

    Attributes:
        table: The table, or the view of preferred rows.
        count: Number of rows.
        days: Number of distinct days.
        first: The first row's day.
        last: The last row's day.
        rows: All rows, newest first; only the newest and the oldest if there are more than `MOST_ROWS`.
        snapshots: The archive places of the answers that the rows come from.
    """

    table: str
    count: int
    days: int
    first: date | None
    last: date | None
    rows: tuple[dict[str, Any], ...]
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The full lineage of one number.

    Attributes:
        formula: The expression that computes the column, in the names of its model's steps.
        model: The model's file.
        steps: The expressions on the way to the nearest marts or to core, each with the step's column that it computes.
        lookback_days: How many days before its own day the value reads.
        rests_on: The cells of the nearest other marts that it is computed from.
        by_hand: The file of the table kept by hand that it comes from; its rows state their own origin.
        inputs: The rows of core; tables with the newest rows come first.
        answers: The archived answers that these rows come from.
    """

    mart: str
    column: str
    key: Mapping[str, Any]
    value: Any
    unit: str
    meaning: str
    formula: str
    model: str
    caveats: tuple[str, ...]
    lookback_days: int
    steps: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    by_hand: str | None = None
    inputs: tuple[Input, ...] = ()
    answers: tuple[Bytes, ...] = field(default=())

    @property
    def problems(self) -> list[Bytes]:
        """The answers that are damaged or missing."""
        return [answer for answer in self.answers if answer.problem]

    @property
    def groundless(self) -> bool:
        """Whether there is a value but no inputs were found: then the lineage is broken.

        A key column names the row and needs no inputs.
        """
        grounded = self.column in self.key or self.by_hand is not None or any(rows.count for rows in self.inputs)
        return self.value is not None and not grounded


def explain(warehouse: Path, archive: Archive, mart: str, column: str, key: Mapping[str, str]) -> Explanation:
    """Trace one value of a mart back to the archived bytes.

    Args:
        warehouse: The DuckDB file.
        archive: The archive that holds the answers.
        mart: The table.
        column: The column.
        key: A value for each column of the mart's key, as text.

    Raises:
        BadRequest: There is no such mart, column or row; the message lists the valid choices.
        StorageDamaged: The file is missing or damaged.
    """
    model = _model(mart)
    with open_warehouse(warehouse) as connection:
        columns = [name for name, *_ in connection.execute(f"describe main.{model.name}").fetchall()]
        if column not in columns:
            raise BadRequest(f"{mart} has no column {column!r}: there are {', '.join(columns)}")
        if set(key) != set(model.key):
            example = " ".join(f"{name}=…" for name in model.key)
            raise BadRequest(f"a row of {mart} is named by its key: tidemark explain {mart} {column} {example}")
        typed, value = _value(connection, model, column, key)
        tracer = _tracer(connection)
        traced = tracer.trace(mart, column, typed)
        inputs = [_input(connection, tracer, table, numbers) for table, numbers in traced.rows.items()]
    inputs.sort(key=lambda read: (read.last is not None, read.last, read.table), reverse=True)
    places = sorted({place for read in inputs for place in read.snapshots})
    about = model.column(column)
    return Explanation(
        mart=mart,
        column=column,
        key=typed,
        value=value,
        unit=about.unit,
        meaning=about.meaning,
        formula=formulas(model)[column],
        model=f"warehouse/models/marts/{model.name}.sql",
        caveats=model.caveats,
        lookback_days=_lookback(typed, inputs),
        steps=traced.steps,
        rests_on=tuple(line for (other, name), keys in traced.cells.items() for line in _named(other, name, keys)),
        by_hand=f"expectations/curated/{traced.by_hand[0]}.toml" if traced.by_hand and not inputs else None,
        inputs=tuple(inputs),
        answers=tuple(_answer(archive, place) for place in places),
    )


def _tracer(connection: duckdb.DuckDBPyConnection) -> "Tracer":
    from warehouse.lineage.trace import Tracer  # noqa: PLC0415  the parser is only needed here, and is slow to load

    return Tracer(connection)


def _lookback(key: Mapping[str, Any], inputs: Sequence[Input]) -> int:
    """The number of days between the value's own day and the first day that it reads; 0 if it has no day of its own."""
    own: date | None = key.get("date", key.get("month"))
    firsts = [read.first for read in inputs if read.first is not None]
    return max((own - min(firsts)).days, 0) if own is not None and firsts else 0


def _model(name: str) -> Model:
    by_name = {model.name: model for model in models.models() if model.schema == "main"}
    if name not in by_name:
        raise BadRequest(f"there is no mart {name!r}: there are {', '.join(sorted(by_name))}")
    return by_name[name]


def _value(
    connection: duckdb.DuckDBPyConnection, model: Model, column: str, key: Mapping[str, str]
) -> tuple[dict[str, Any], Any]:
    """The key in its column types, and the value of the row that it names."""
    names = ", ".join(f'"{name}"' for name in model.key)
    where = " and ".join(f'"{name}"::varchar = ?' for name in model.key)
    rows = connection.execute(
        f'select {names}, "{column}" from main.{model.name} where {where}',
        [key[name] for name in model.key],
    ).fetchall()
    if not rows:
        spoken = ", ".join(f"{name} {value}" for name, value in key.items())
        raise BadRequest(f"{model.name} has no row for {spoken}")
    *typed, value = rows[0]
    return dict(zip(model.key, typed, strict=True)), value


def _input(connection: duckdb.DuckDBPyConnection, tracer: "Tracer", table: str, numbers: str) -> Input:
    """The rows of a table of `core` whose numbers a query gives."""
    dataset = _dataset(table)
    key = [*dataset.key, "source"]
    same = " and ".join(f'core."{name}" = read."{name}"' for name in key)
    read = (  # names of ours
        f"from {table} as core join {tracer.rows_of(table)} as read on {same} where read._row in ({numbers})"
    )
    summary = (
        "select count(*), count(distinct core.date), min(core.date), max(core.date), "
        f"list_sort(list(distinct core.snapshot)) {read}"
    )
    count, days, first, last, snapshots = connection.execute(summary).fetchall()[0]
    columns = dict.fromkeys((*dataset.columns, "source", "available_at", "observed_at", "snapshot"))
    shown = ", ".join(f'core."{name}"' for name in columns)
    rest = "".join(f', core."{name}"' for name in key if name != "date")
    orders = [f"core.date {way}{rest}" for way in ("desc", "asc")]
    if count <= MOST_ROWS:
        queries = [f"select {shown} {read} order by {orders[0]}"]
    else:
        queries = [f"select {shown} {read} order by {order} limit 1" for order in orders]
    rows = []
    for query in queries:
        relation = connection.execute(query)
        rows += [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]
    return Input(table, count, days, first, last, tuple(rows), tuple(snapshots or ()))


def _dataset(table: str) -> Dataset:
    """The dataset that a table of `core`, or a view of one, holds."""
    return datasets()[dataset_of(table)]


def _named(mart: str, column: str, keys: "Sequence[Key]") -> list[str]:
    """The cells of one column, one by one, or summarised if there are many."""
    if len(keys) <= MOST_CELLS:
        return [" ".join((f"{mart}.{column}", *(f"{name}={value}" for name, value in key.items()))) for key in keys]
    days = [day for key in keys if (day := key.get("date", key.get("month"))) is not None]
    span = f", {min(days)} to {max(days)}" if days else ""
    return [f"{mart}.{column}, {len(keys):,} rows{span}"]


def _answer(archive: Archive, place: str) -> Bytes:
    try:
        snapshot = archive.read(place)
    except StorageDamaged as damaged:
        return Bytes(place, None, None, None, None, str(damaged))
    return Bytes(place, snapshot.url, snapshot.status, snapshot.observed_at, digest(snapshot.body))
