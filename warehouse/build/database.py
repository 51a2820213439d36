"""The DuckDB file: built next to its place from the lake as known at an instant, checked, and swapped in one step."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa

from expectations.contract import DUCKDB, POLARS, Dataset, datasets, entry, glossary, polars_schema
from expectations.curated import curated
from expectations.errors import ContractViolated, HomeRefused, Unforeseen, described
from warehouse.build import models
from warehouse.build.disagreements import COLUMNS as GAP_COLUMNS
from warehouse.build.disagreements import KEY as GAP_KEY
from warehouse.build.disagreements import MARTS, disagreements, judged_gaps, view_in_time
from warehouse.build.kept import Kept, Note, basis, content_of, file_before, sha256
from warehouse.build.promises import promises
from warehouse.build.views import VIEWS, in_time_view, preferred_view
from warehouse.lineage.tables import parents, sources_of, supply
from warehouse.store.files import digest, flush_file, move_in
from warehouse.store.home import FORMAT, Home
from warehouse.store.lake import Lake
from warehouse.store.ledger import DAY_KEY, LEDGER_COLUMNS, Books, Ledger

# The storage format that DuckDB 1.5 and its clients can open.
STORAGE = "v1.5.0"
MEMORY = "2GB"
GAPS_IN_TIME = "core.disagreements_in_time"
FETCHING = "fetched until "
"""How the keys in `ops.home` begin that say when a source will be done that was still asked at the build."""

OPS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ledger": (
        "The state of every series-day.",
        ("dataset", "source", "series", "date"),
        LEDGER_COLUMNS,
    ),
    "freshness": (
        "How current each feed is.",
        ("dataset", "source"),
        ("dataset", "source", "last_date", "expected_date", "lag_days", "next_due_at", "perishes_at"),
    ),
    "restatements": (
        "Every published value that was later restated, and why.",
        ("dataset", "source", "key", "column", "recorded_at"),
        ("dataset", "source", "key", "column", "recorded_at", "date", "old_value", "new_value", "cause"),
    ),
    "runs": (
        "Every run that wrote to this home.",
        ("run_id",),
        ("run_id", "kind", "started_at", "ended_at", "state", "requests", "bytes", "rows", "message"),
    ),
    "checks": (
        "The result of every rule for every batch, and for every mart and every pair of sources of this build.",
        ("run_id", "dataset", "source", "check"),
        (
            "run_id",
            "dataset",
            "source",
            "check",
            "severity",
            "success",
            "observed",
            "expected",
            "failing_rows",
            "checked_at",
        ),
    ),
    "quarantine": (
        "Rows that broke a blocking rule and were held back.",
        ("dataset", "source", "key", "recorded_at"),
        ("dataset", "source", "key", "recorded_at", "date", "rule", "row", "snapshot", "run_id"),
    ),
    "disagreements": (
        "How far two sources differ where both report the same thing, as known at the build.",
        GAP_KEY,
        GAP_COLUMNS,
    ),
    "catalog": (
        "Every column of every table, and what it means.",
        ("table", "column"),
        (
            "table",
            "column",
            "type",
            "unit",
            "measure",
            "meaning",
            "grain",
            "formula",
            "reads",
            "reads_back_days",
            "sources",
            "caveats",
        ),
    ),
    "sources": (
        "Every source that tidemark knows, what it declares, and what it was last verified against.",
        ("source",),
        (
            "source",
            "datasets",
            "verified",
            "verified_at",
            "verified_against",
            "history_start",
            "settles",
            "restates",
            "kept",
            "rate_limit",
            "keyed",
            "unofficial",
            "attribution",
            "terms",
            "docs",
        ),
    ),
    "home": ("Facts about this home and this file.", ("key",), ("key", "value")),
}


Partitions = Mapping[str, Mapping[Path, str]]
"""Dataset to its partitions, each with its hash."""

# The columns of `core.series`.
SERIES = ("dataset", "source", "series", "valid_from", "valid_to")


@dataclass(frozen=True)
class Built:
    """The result of a build.

    Attributes:
        path: The file.
        as_of: The instant of knowledge.
        rows: Table to how many rows it has.
        anew: Whether the file was written; if nothing has changed, the one before stays.
    """

    path: Path
    as_of: datetime
    rows: dict[str, int]
    anew: bool = True


@dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs of a build besides the lake.

    Attributes:
        expected: The calendar, in the columns of `ledger.EXPECTED`, of every day that the home covers.
        assets: The sector baskets, dated.
        series: What can be requested from each source, dated, in the columns of `SERIES`.
        now: The instant of the build.
        sources: What every source declares and its verification, as in `ops.sources`.
        fetching: Source to when it will be done, of the slow sources that are still asked while the file is built.
    """

    expected: pl.DataFrame
    assets: pl.DataFrame
    series: pl.DataFrame
    now: datetime
    sources: pl.DataFrame
    fetching: Mapping[str, datetime] = field(default_factory=dict)


def build(
    home: Home, inputs: Inputs, *, as_of: datetime | None = None, out: Path | None = None, whole: bool = False
) -> Built:
    """Make the warehouse file.

    It starts from a copy of the file before, and makes the tables whose inputs have changed.

    Args:
        home: The home whose lake is read.
        inputs: The calendar of series-days and the dated dimensions.
        as_of: The instant of knowledge; now by default.
        out: Where the file goes; the home's place by default.
        whole: Whether every table is made anew; always so for another file, or for knowledge of the past.

    Returns:
        Where it is and how many rows each table has.

    Raises:
        StorageDamaged: A partition is not what was written; the old file stays.
        ContractViolated: A mart broke its promise; the old file stays.
    """
    instant = as_of or inputs.now
    place = (out or home.warehouse).absolute()
    books = Ledger(home.ledger).read()
    folder = home.staging if out is None else place.parent  # a rename does not cross file systems
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise HomeRefused(f"cannot write to {folder} ({refused.strerror}): name another file with --out") from refused
    # Next to a file that a person named, under a name that no person would choose.
    name = f"{place.stem}.building.duckdb" if out is None else f".{place.name}.tidemark-building"
    staged = (folder / name).absolute()  # a name like "md:x" would load an extension
    base = basis(STORAGE, home.origin, *datasets(), *curated(), *(model.table for model in models.models()))
    current = out is None and as_of is None
    try:
        with named_faults(place):
            _remove(staged)
            partitions = {name: verified_partitions(home, books, name) for name in datasets()}
            shown = _shown(home, inputs, partitions)
            before = file_before(home, base) if current and not whole else None
            # A write-ahead log next to the file would make it impossible to open.
            place.with_name(f"{place.name}.wal").unlink(missing_ok=True)
            kept = Kept()
            if before is not None:
                start, note = before
                if note.books == shown:
                    return Built(place, note.as_of, note.rows, anew=False)
                shutil.copyfile(start, staged)
                kept = Kept(note.tables)
            rows = _made(home, books, inputs, instant, staged, partitions, kept)
            flush_file(staged)
            content = sha256(staged)
            move_in(staged, place)
            if current:
                Note(content, base, shown, instant, kept.now, rows).write(place, home.staging)
    finally:
        _remove(staged)
    return Built(place, instant, rows)


def _shown(home: Home, inputs: Inputs, partitions: Partitions) -> str:
    """A hash of everything that a file shows, but for the instants of the build itself."""
    passed = inputs.expected.select((pl.col("due_at", "perishes_at") <= inputs.now).sum()).row(0)
    frames = (inputs.expected, inputs.assets, inputs.series, inputs.sources)
    ledger = [digest(path.read_bytes()) for path in sorted(home.ledger.glob("*.jsonl"))]
    lake = [content for hashes in partitions.values() for content in hashes.values()]
    facts = [home.start.isoformat(), inputs.now.date().isoformat(), *passed, *map(content_of, frames), *ledger, *lake]
    facts += sorted(inputs.fetching)
    return digest(json.dumps(facts).encode())


def _made(
    home: Home, books: Books, inputs: Inputs, instant: datetime, staged: Path, partitions: Partitions, kept: Kept
) -> dict[str, int]:
    """Make all tables that are not kept, in a copy of the file before or a new one; returns how many rows each has."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(staged.with_suffix(".spilled")),  # else DuckDB spills into the current folder
        "autoinstall_known_extensions": "false",
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"attach '{_escaped(staged)}' as warehouse (storage_version '{STORAGE}')")
        connection.execute("use warehouse")
        rows = _fill(connection, home, books, inputs, instant, partitions, kept)
        connection.execute("use memory")
        connection.execute("detach warehouse")
    return rows


@contextmanager
def named_faults(place: Path) -> Iterator[None]:
    """Turn faults of the machine while a file is built into one sentence that names them; the old file stays.

    Raises:
        HomeRefused: There is no room on the disk, or not enough memory.
        Unforeseen: DuckDB raised anything else.
    """
    stays = f"the old {place.name} stays"
    try:
        yield
    except (MemoryError, duckdb.OutOfMemoryException) as refused:
        raise HomeRefused(
            f"not enough memory to build {place} (DuckDB may take {MEMORY}): close other programs, then again; {stays}"
        ) from refused
    except (OSError, duckdb.IOException) as refused:
        raise HomeRefused(
            f"cannot write {place} ({first_line(refused)}): free space or correct its rights, then build again; {stays}"
        ) from refused
    except duckdb.Error as broken:
        if out_of_room(broken):
            raise HomeRefused(
                f"cannot write {place} ({first_line(broken)}): free space, then build again; {stays}"
            ) from broken
        raise Unforeseen(f"expected {place} to be built, found {described(broken)}; {stays}") from broken


def first_line(fault: BaseException) -> str:
    """The first line of an exception's message."""
    return str(fault).partition("\n")[0]


def out_of_room(fault: duckdb.Error) -> bool:
    """Whether a DuckDB exception is about the disk; after such a fault DuckDB only says that it is invalidated."""
    words = str(fault).casefold()
    return any(phrase in words for phrase in ("no space left", "disk", "could not write", "i/o", "invalidated"))


def _remove(staged: Path) -> None:
    staged.unlink(missing_ok=True)
    staged.with_name(f"{staged.name}.wal").unlink(missing_ok=True)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")


def _fill(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    books: Books,
    inputs: Inputs,
    instant: datetime,
    partitions: Partitions,
    kept: Kept,
) -> dict[str, int]:
    known = books.as_of(instant)
    prefix = "SIMULATED. " if home.simulated else ""
    restated = create_core(connection, partitions, books, instant, kept)
    insert_dimensions(connection, inputs.assets, inputs.series, instant, kept)
    judged = make_marts(connection, known, inputs.now, prefix, kept)
    # Simulated data are not compared with what was reported about the real market.
    compared = [kept.now.get(table) for table in (*parents(GAPS_IN_TIME), *(f"main.{mart}" for mart in MARTS))]
    if kept.keeps("ops.disagreements", compared):
        gaps = connection.sql("from ops.disagreements").pl()
    else:
        gaps = disagreements(connection, with_reported=not home.simulated)
    judged += judged_gaps(gaps, run_id=known.last_run, now=inputs.now)
    ledger = known.ledger(inputs.expected, instant)
    tables: dict[str, pl.DataFrame | list[dict[str, Any]]] = {
        "ledger": ledger,
        "freshness": freshness(ledger, inputs.expected, instant),
        "restatements": restated,
        "runs": known.run_table(),
        "checks": known.check_table() + judged,
        "quarantine": known.quarantine_table(),
        "sources": inputs.sources,
        "disagreements": gaps,
        "home": [
            {"key": "origin", "value": home.origin},
            {"key": "format version", "value": str(FORMAT)},
            {"key": "as-of", "value": instant.isoformat()},
            {"key": "built_at", "value": inputs.now.isoformat()},
            {"key": "start", "value": home.start.isoformat()},
            *({"key": f"{FETCHING}{source}", "value": at.isoformat()} for source, at in inputs.fetching.items()),
        ],
    }
    create_books(connection, tables)
    describe(connection, prefix, kept)
    counted = connection.execute(
        "select schema_name || '.' || table_name, estimated_size from duckdb_tables() where database_name = 'warehouse'"
    ).fetchall()
    return dict(counted)


def create_core(
    connection: duckdb.DuckDBPyConnection,
    partitions: Partitions,
    books: Books,
    instant: datetime,
    kept: Kept | None = None,
) -> pl.DataFrame:
    """Make what models read: for each dataset the rows as known and its views, and the shared functions.

    Without partitions a table is empty, for the catalog and for tests of the models. A table whose partitions have not
    changed is kept.

    Returns:
        All restatements.
    """
    kept = kept or Kept()
    connection.execute(models.macros())
    connection.execute("create schema if not exists core")
    restated = [pl.DataFrame(schema=polars_schema(OPS["restatements"][2]))]
    # Once everything that was recorded is known, later instants know the same.
    cut = instant if books.last_recorded_at is not None and instant < books.last_recorded_at else None
    for dataset in datasets().values():
        table = f"core.{dataset.name}"
        held = partitions.get(dataset.name, {})
        if kept.keeps(table, [*held.values()], cut):
            restated.append(_restated_before(connection, dataset))
        else:
            _create(connection, dataset, [*held], instant)
            restated.append(_restatements(connection, dataset))
        if not kept.keeps_view(f"{table}_preferred", [table]):
            connection.execute(preferred_view(dataset))
        if not kept.keeps_view(f"{table}_in_time", [table]):
            connection.execute(in_time_view(dataset))
    connection.execute("drop view if exists versions")
    return pl.concat(restated).sort(OPS["restatements"][1])


def _create(connection: duckdb.DuckDBPyConnection, dataset: Dataset, paths: Sequence[Path], instant: datetime) -> None:
    """Make the table of a dataset: of each row the version known at an instant. All versions are left as a view."""
    connection.execute(f"create or replace temp view versions as {_versions(dataset, paths, instant)}")
    key = ", ".join(_quoted(name) for name in ("source", *dataset.key))
    columns = ", ".join(_quoted(name) for name in dataset.lake_columns if name != "withdrawn")
    order = ", ".join(_quoted(name) for name in (*dataset.key, "source"))
    # Names come from the contracts of this package, never from data.
    connection.execute(
        f"create or replace table core.{dataset.name} as select {columns} from versions "
        f"qualify row_number() over (partition by {key} order by recorded_at desc, run_id desc) = 1 "
        f"and not withdrawn order by {order}"
    )


def _versions(dataset: Dataset, paths: Sequence[Path], instant: datetime) -> str:
    """The query for all versions of a dataset that were recorded by an instant."""
    kinds = {name: DUCKDB[glossary()[name].type] for name in dataset.lake_columns}
    nothing = "select " + ", ".join(f"null::{kind} as {_quoted(name)}" for name, kind in kinds.items()) + " where false"
    if not paths:
        return nothing
    columns = ", ".join(_quoted(name) for name in kinds)
    listed = ", ".join(_text(as_pattern(path)) for path in paths)
    # By name: a column that was added after a partition was written is unknown in it.
    held = f"select * from read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    return (
        f"select {columns} from ({nothing} union all by name {held}) "
        f"where recorded_at <= {_text(instant.isoformat())}::timestamptz"
    )


def as_pattern(path: Path) -> str:
    """A path for DuckDB's readers, with the wildcard characters escaped."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path.absolute()))


def verified_partitions(home: Home, books: Books, dataset: str) -> dict[Path, str]:
    """The partitions of a dataset, each with its hash, which the ledger knows.

    Raises:
        StorageDamaged: One of them is not what was written.
    """
    lake = Lake(home.lake, home.staging)
    names = sorted(name for name in books.partitions if name.startswith(f"{dataset}/"))
    paths = [home.lake / name for name in names if (home.lake / name).exists() or name in books.confirmed]
    return {path: digest(lake.verified(path, books.partitions[lake.name(path)])) for path in paths}


def _restated_before(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> pl.DataFrame:
    """The restatements of a dataset in the file before."""
    rows: pl.DataFrame = connection.sql(
        "from ops.restatements where dataset = $name", params={"name": dataset.name}
    ).pl()
    return rows.cast(polars_schema(OPS["restatements"][2]))


def _restatements(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> pl.DataFrame:
    """Every value that a later version changed, as text before and after."""
    key = ", ".join(_quoted(name) for name in ("source", *dataset.key))
    as_json = "to_json({" + ", ".join(f"'{name}': {_quoted(name)}" for name in dataset.key) + "})::varchar"
    compared = [name for name in dataset.compared if name != "date"]
    befores = ", ".join(f"lag({_quoted(name)}) over earlier as {_quoted(name + '_before')}" for name in compared)
    changes = " union all ".join(
        f"select source, key, '{name}' as \"column\", recorded_at, run_id, date, "
        f"case when not gone_before then {_quoted(name + '_before')}::varchar end as old_value, "
        f"case when not withdrawn then {_quoted(name)}::varchar end as new_value, cause from steps "
        f"where cause <> 'first'"
        for name in compared
    )
    if not connection.execute("select 1 from versions where cause <> 'first' limit 1").fetchall():
        return pl.DataFrame(schema=polars_schema(OPS["restatements"][2]))
    changed: pl.DataFrame = connection.sql(
        "with told as (select * from versions "
        f"qualify row_number() over (partition by {key}, recorded_at order by run_id desc) = 1), "
        f"steps as (select *, {as_json} as key, {befores}, "
        f"coalesce(lag(withdrawn) over earlier, false) as gone_before from told "
        f"window earlier as (partition by {key} order by recorded_at, run_id)), changes as ({changes}) "
        f"select '{dataset.name}' as dataset, source, key, \"column\", recorded_at, date, old_value, new_value, cause "
        "from changes where old_value is distinct from new_value "
        "qualify row_number() over "
        '(partition by source, key, "column", recorded_at order by run_id desc) = 1'
    ).pl()
    return changed.cast(polars_schema(OPS["restatements"][2]))


def insert_dimensions(
    connection: duckdb.DuckDBPyConnection,
    assets: pl.DataFrame,
    series: pl.DataFrame,
    instant: datetime,
    kept: Kept | None = None,
) -> None:
    """Make `core.assets`, `core.series`, the tables kept by hand, and `core.days` (UTC days that are over)."""
    kept = kept or Kept()
    by_hand = {f"core.{table.name}": table.rows for table in curated().values()}
    declared = {"core.assets": assets.sort("asset", "valid_from"), "core.series": series.sort(SERIES)}
    for name, rows in (declared | by_hand).items():
        if not kept.keeps(name, content_of(rows)):
            _table(connection, name, rows)
    if not kept.keeps_view(GAPS_IN_TIME, parents(GAPS_IN_TIME)):
        connection.execute(view_in_time())
    firsts = " union all ".join(f"select min(date) as date from core.{name}" for name in datasets())
    first = connection.execute(f"select min(date) from ({firsts})").fetchall()[0][0]
    if not kept.keeps("core.days", first, instant.date()):
        connection.execute(
            "create or replace table core.days as "
            "select unnest(generate_series(?::date, ?::date - 1, interval 1 day))::date as date",
            [first, instant.date()],
        )


def make_marts(
    connection: duckdb.DuckDBPyConnection, books: Books, now: datetime, prefix: str, kept: Kept
) -> list[dict[str, Any]]:
    """Make and check the marts whose inputs have changed; returns the rows of `ops.checks` about all of them.

    Raises:
        ContractViolated: A mart broke its promise.
    """
    run_id = books.last_run
    judged: list[dict[str, Any]] = []
    broken: list[str] = []
    wanted = _outdated(kept)
    for model in models.models():
        if model.table in wanted:
            models.create(connection, model)
        # A table that is kept was judged when it was made.
        judge = models.check_promise(connection, model) if model.table in wanted else models.all_kept(model)
        for judgement in judge:
            judged.append(
                {
                    "run_id": run_id,
                    "dataset": model.name,
                    "source": "",
                    "check": judgement.name,
                    "severity": "blocking",
                    "success": judgement.success,
                    "observed": f"{judgement.failing_rows} rows",
                    "expected": "0 rows",
                    "failing_rows": judgement.failing_rows,
                    "checked_at": now,
                }
            )
            if not judgement.success:
                broken.append(
                    f"{model.name}: {judgement.name} ({judgement.failing_rows} rows, such as {judgement.example})"
                )
        if model.schema != "intermediate" and model.table in wanted:  # intermediate tables are dropped
            models.comment(connection, model, prefix)
    if broken:
        raise ContractViolated(
            f"the marts break their promises, so the warehouse was not replaced: {'; '.join(broken)}"
        )
    connection.execute("drop schema if exists intermediate cascade")
    return judged


def _outdated(kept: Kept) -> set[str]:
    """The marts whose inputs have changed, and the intermediate tables that they read."""
    every = models.models()
    same = {model.table for model in every if kept.keeps(model.table, [kept.now[table] for table in model.reads])}
    wanted = {model.table for model in every if model.schema == "main"} - same
    for model in reversed(every):
        if model.table in wanted:
            wanted |= {table for table in model.reads if table.startswith("intermediate.")}
    return wanted


def freshness(ledger: pl.DataFrame, expected: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """How current each feed is: its newest loaded day, its newest due day, and when its missing days perish."""
    feed = ["dataset", "source"]
    due = expected.filter(pl.col("expected"))
    newest = ledger.group_by(feed).agg(last_date=pl.col("date").filter(pl.col("state") == "loaded").max())
    wanted = due.group_by(feed).agg(
        expected_date=pl.col("date").filter(pl.col("due_at") <= now).max(),
        next_due_at=pl.col("due_at").filter(pl.col("due_at") > now).min(),
    )
    lacking = ledger.filter(pl.col("state").is_in(["missing", "failed", "not_yet"])).select(DAY_KEY)
    perishing = (
        expected.filter(pl.col("due_at") <= now, pl.col("perishes_at") > now)
        .join(lacking, on=DAY_KEY, how="semi")
        .group_by(feed)
        .agg(pl.col("perishes_at").min())
    )
    return (
        newest.join(wanted, on=feed, how="full", coalesce=True)
        .join(perishing, on=feed, how="left")
        .with_columns(
            lag_days=(pl.col("expected_date") - pl.col("last_date")).dt.total_days().clip(lower_bound=0),
        )
        .select(OPS["freshness"][2])
        .sort(feed)
    )


def create_books(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pl.DataFrame | list[dict[str, Any]]]
) -> None:
    """Make `ops`; the catalog is filled last, from all existing tables."""
    connection.execute("create schema if not exists ops")
    for name, (_, key, columns) in OPS.items():
        rows = tables.get(name, [])
        if isinstance(rows, pl.DataFrame):
            frame = rows
        else:
            schema = {column: POLARS[entry(f"ops.{name}", column).type] for column in columns}
            frame = pl.DataFrame(rows, schema=schema, orient="row")
        _table(connection, f"ops.{name}", frame.select(columns).sort(key, maintain_order=True))


def _table(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    columns = ", ".join(f"{_quoted(column)} {DUCKDB[entry(name, column).type]}" for column in frame.columns)
    connection.execute(f"create or replace table {name} ({columns})")
    insert(connection, name, frame)


def insert(connection: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to a table with the same columns."""
    connection.register("incoming", frame.to_arrow(compat_level=pl.CompatLevel.oldest()))
    connection.execute(f"insert into {name} by name select * from incoming")
    connection.unregister("incoming")


def describe(connection: duckdb.DuckDBPyConnection, prefix: str = "", kept: Kept | None = None) -> None:
    """Comment every table and column of `core` and `ops` that was made, and fill `ops.catalog` for all tables."""
    promised = promises(OPS)
    supplied = supply(connection.sql("select source, datasets from ops.sources").pl())
    rows: list[tuple[Any, ...]] = []
    statements: list[str] = []
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('main', 'core', 'ops') and not internal and database_name = current_database() "
        "order by schema_name, table_name, column_index"
    ).fetchall():
        name = f"{schema}.{table}"
        promise = promised[name]
        about = entry(name, column).noted(promise.notes.get(column))
        if schema == "ops" or (schema == "core" and (kept is None or name in kept.anew)):
            if not rows or rows[-1][0] != name:
                relation = "view" if table.endswith(VIEWS) else "table"
                statements.append(f"comment on {relation} {name} is {_text(prefix + promise.about)}")
            statements.append(f"comment on column {name}.{_quoted(column)} is {_text(prefix + about.comment)}")
        rows.append(
            (
                *(name, column, kind, about.unit, about.measure, about.meaning),
                promise.grain,
                promise.formulas.get(column),
                list(promise.reads),
                promise.model.days_back(column) if promise.model else None,
                list(sources_of(name, supplied)),
                list(promise.caveats),
            )
        )
    # In one transaction: otherwise every comment is logged and flushed separately.
    connection.execute(";\n".join(["begin", *statements, "commit"]))
    # Through Arrow: Polars makes a series of every list in a row.
    columns = dict(zip(OPS["catalog"][2], map(list, zip(*rows, strict=True)), strict=True))
    insert(connection, "ops.catalog", pl.DataFrame(pa.table(columns)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
