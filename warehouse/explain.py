"""From a number back to what it rests on: the model, the core rows read for its key, and the archived answers.

A mart's file declares how far back each of its columns reads (`[lookback]`, in days) and, where the columns of its key
do not say which core rows belong to a row, a condition for each table (`[rows]`). Tables that are made of other marts'
cells by subject (the gauge, the signals, the brief) name the table kept by hand that lists those cells (`rests_on`),
perhaps with how far back it reads of them (`lookback_days`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from expectations.contract import Dataset, datasets
from expectations.curated import curated
from expectations.errors import BadRequest, StorageDamaged
from warehouse import marts
from warehouse.archive import Archive
from warehouse.files import digest
from warehouse.marts import Model
from warehouse.opening import open_warehouse

MOST_ROWS = 30  # shown one by one; over that the first, the last and the count
FOR_EVER = 36_500  # days
KNOWN_BY = timedelta(hours=36)  # of the day's beginning: noon after it


@dataclass(frozen=True)
class Bytes:
    """One archived answer.

    Attributes:
        snapshot: Its place in the archive.
        url: What was asked.
        observed_at: When it came.
        sha256: The hash of its bytes.
        problem: What is wrong with it; none where the bytes are those that came.
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
        count: How many rows.
        first: The first row's day.
        last: The last row's day.
        rows: All of them, or the first and the last where there are more than `MOST_ROWS`.
        snapshots: The places of the answers that they come from.
    """

    table: str
    count: int
    first: date | None
    last: date | None
    rows: tuple[dict[str, Any], ...]
    snapshots: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Everything that leads to one number.

    `by_hand` is the file of a table kept by hand, whose rows say themselves where they come from.
    """

    mart: str
    column: str
    key: Mapping[str, Any]
    value: Any
    unit: str
    meaning: str
    model: str
    caveats: tuple[str, ...]
    lookback_days: int
    rests_on: tuple[str, ...] = ()
    by_hand: str | None = None
    inputs: tuple[Input, ...] = ()
    answers: tuple[Bytes, ...] = field(default=())

    @property
    def problems(self) -> list[Bytes]:
        """The answers that are not what came."""
        return [one for one in self.answers if one.problem]

    @property
    def groundless(self) -> bool:
        """Whether a value is there and nothing that it rests on was found: then the way back is broken."""
        return self.value is not None and self.by_hand is None and not any(one.count for one in self.inputs)


@dataclass(frozen=True)
class _Cells:
    """Some rows' column of a model, and how much further back than its own days it is read."""

    model: Model
    column: str
    key: Mapping[str, Any]
    further: int = 0

    @property
    def lookback(self) -> int:
        return min(self.model.days_back(self.column) + self.further, FOR_EVER)


def explain(warehouse: Path, archive: Archive, mart: str, column: str, key: Mapping[str, str]) -> Explanation:
    """Lead from one value of a mart back to the bytes.

    Args:
        warehouse: The DuckDB file.
        archive: Where the answers are.
        mart: The table.
        column: The column.
        key: A value for each column of the mart's key, as text.

    Raises:
        BadRequest: There is no such mart, column or row; the message lists what there is.
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
        cells = list(_cells(connection, model, column, typed))
        readings: dict[str, list[_Reading]] = {}
        for cell in cells:
            for read in _readings(cell, cell.model, set()):
                readings.setdefault(read.table, []).append(read)
        inputs = tuple(_input(connection, table, readings[table]) for table in sorted(readings))
    places = sorted({place for one in inputs for place in one.snapshots})
    about = model.column(column)
    return Explanation(
        mart=mart,
        column=column,
        key=typed,
        value=value,
        unit=about.unit,
        meaning=about.meaning,
        model=f"warehouse/models/marts/{model.name}.sql",
        caveats=model.caveats,
        lookback_days=max(cell.lookback for cell in cells) if cells else 0,
        by_hand=_kept_in(model),
        rests_on=tuple(_named(cell) for cell in cells if cell.model is not model),
        inputs=inputs,
        answers=tuple(_answer(archive, place) for place in places),
    )


def _kept_in(model: Model) -> str | None:
    """The file of the table kept by hand that a mart shows, where it shows nothing else."""
    names = [table.partition(".")[2] for table in model.reads]
    kept = [name for name in names if name in curated()]
    return f"expectations/curated/{kept[0]}.toml" if kept and len(kept) == len(names) else None


def _model(name: str) -> Model:
    by_name = {model.name: model for model in marts.models() if model.schema == "main"}
    if name not in by_name:
        raise BadRequest(f"there is no mart {name!r}: there are {', '.join(sorted(by_name))}")
    return by_name[name]


def _value(
    connection: duckdb.DuckDBPyConnection, model: Model, column: str, key: Mapping[str, str]
) -> tuple[dict[str, Any], Any]:
    """The key in its own types, and the value of the one row that it names."""
    names = ", ".join(f'"{name}"' for name in model.key)
    where = " and ".join(f'"{name}"::varchar = ?' for name in model.key)
    rows = connection.execute(
        f'select {names}, "{column}" from main.{model.name} where {where}',  # noqa: S608  names of ours; values bound
        [key[name] for name in model.key],
    ).fetchall()
    if not rows:
        spoken = ", ".join(f"{name} {value}" for name, value in key.items())
        raise BadRequest(f"{model.name} has no row for {spoken}")
    *typed, value = rows[0]
    return dict(zip(model.key, typed, strict=True)), value


def _cells(
    connection: duckdb.DuckDBPyConnection, model: Model, column: str, key: Mapping[str, Any]
) -> Iterator[_Cells]:
    """The cells that a value is made of: itself, or what its subject rests on."""
    own = _Cells(model, column, key)
    if not model.subjects:
        yield own
        return
    table, named_by = model.subjects
    rows = curated()[table].rows
    for row in rows.iter_rows(named=True):
        if not _concerns(row, named_by, column, key):
            continue
        for cell in row["rests_on"]:
            place, *conditions = cell.split(" ")
            mart, _, other = place.partition(".")
            narrowed = dict(condition.split("=", 1) for condition in conditions)
            yield from _further(
                _cells(connection, _model(mart), other, {"date": key["date"], **narrowed}),
                own.lookback + row.get("lookback_days", 0),
            )


def _further(cells: Iterator[_Cells], days: int) -> Iterator[_Cells]:
    return (_Cells(cell.model, cell.column, cell.key, cell.further + days) for cell in cells)


def _concerns(row: Mapping[str, Any], named_by: str, column: str, key: Mapping[str, Any]) -> bool:
    """Whether a value is about a subject: named in the key, or by the column, or one of its side."""
    if named_by in key:
        return bool(row[named_by] == key[named_by])
    if column.endswith("_percentile"):
        return column == f"{row[named_by]}_percentile"
    return column not in ("heat", "fuel") or row["speaks_of"] == column


@dataclass(frozen=True)
class _Reading:
    """Which rows of a core table something reads: a condition, and the values of its `$name`s."""

    table: str
    where: str
    values: Mapping[str, Any]


def _readings(cell: _Cells, model: Model, seen: set[str]) -> Iterator[_Reading]:
    """The core rows that a model reads for a key, through the models between."""
    for table in model.reads:
        if table in seen:
            continue
        seen.add(table)
        if not table.startswith("core."):
            inner = next(one for one in marts.models() if one.table == table)
            reach = max(cell.lookback, inner.lookback.get("default", 0))
            further = cell.further + reach - cell.lookback
            yield from _readings(_Cells(cell.model, cell.column, cell.key, further), inner, seen)
        elif table.removeprefix("core.").removesuffix("_preferred") in datasets():
            yield _reading(cell, model, table)


def _reading(cell: _Cells, model: Model, table: str) -> _Reading:
    dataset = _dataset(table)
    first, last = _days(cell, max(model.reach.get(table, 0), cell.model.reach.get(table, 0)))
    conditions, values = ["true"], {}
    if last is not None:
        conditions = ["date between $first and $last", "available_at at time zone 'UTC' <= $known"]
        values = {"first": first, "last": last, "known": datetime.combine(last, datetime.min.time()) + KNOWN_BY}
    special = cell.model.rows.get(table, model.rows.get(table))
    spoken = {"from": _days(cell, 0)[0], **cell.key}
    asked_for = set(re.findall(r"\$(\w+)", special or ""))
    if special is not None and not asked_for <= set(spoken):
        special = None  # it is about a row of its model, and a row of this one is many of those
    if special is not None:
        conditions.append(f"({special})")
        values |= {name: spoken[name] for name in asked_for}
    for name, value in cell.key.items():
        said = special is not None and re.search(rf"\b{name}\b", special)
        if name in dataset.columns and name != "date" and not said and (value != "ALL" or name == "chain"):
            conditions.append(f'"{name}" = ${name}')
            values[name] = value
    return _Reading(table, " and ".join(conditions), values)


def _input(connection: duckdb.DuckDBPyConnection, table: str, readings: Sequence[_Reading]) -> Input:
    """What several readings find in a table; a row that two of them read counts once."""
    dataset = _dataset(table)
    wheres: list[str] = []
    values: dict[str, Any] = {}
    for number, one in enumerate(readings):
        wheres.append("(" + re.sub(r"\$(\w+)", rf"$\1_{number}", one.where) + ")")
        values |= {f"{name}_{number}": value for name, value in one.values.items()}
    found = f"from {table} where {' or '.join(wheres)}"  # names of ours; values bound
    told = f"select count(*), min(date), max(date), list_sort(list(distinct snapshot)) {found}"
    count, first, last, snapshots = connection.execute(told, values).fetchall()[0]
    shown = ", ".join(f'"{name}"' for name in (*dataset.columns, "source", "available_at", "observed_at", "snapshot"))
    key = [name for name in dataset.key if name != "date"]
    orders = [", ".join(f'"{name}" {way}' for name in ("date", *key)) for way in ("asc", "desc")]
    if count <= MOST_ROWS:
        queries = [f"select {shown} {found} order by {orders[0]}"]
    else:
        queries = [f"select {shown} {found} order by {order} limit 1" for order in orders]
    rows = []
    for query in queries:
        relation = connection.execute(query, values)
        names = [about[0] for about in relation.description]
        rows += [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
    return Input(table, count, first, last, tuple(rows), tuple(snapshots or ()))


def _dataset(table: str) -> Dataset:
    """What a core table, or the view of its preferred rows, holds."""
    return datasets()[table.removeprefix("core.").removesuffix("_preferred")]


def _days(cell: _Cells, reach: int) -> tuple[date | None, date | None]:
    """The days that are read for a key: of a month all of its days, without a day all there are."""
    back = timedelta(days=max(cell.lookback, reach))
    if "date" in cell.key:
        day: date = cell.key["date"]
        return max(day, date.min + back) - back, day
    if "month" in cell.key:
        month: date = cell.key["month"]
        following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
        return max(month, date.min + back) - back, following - timedelta(days=1)
    return None, None


def _named(cell: _Cells) -> str:
    return " ".join((f"{cell.model.name}.{cell.column}", *(f"{name}={value}" for name, value in cell.key.items())))


def _answer(archive: Archive, place: str) -> Bytes:
    try:
        found = archive.read(place)
    except StorageDamaged as damaged:
        return Bytes(place, None, None, None, None, str(damaged))
    return Bytes(place, found.url, found.status, found.observed_at, digest(found.body))
