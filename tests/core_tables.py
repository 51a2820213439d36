"""Core tables made from a few rows, for tests of what reads them.

Rows have only the columns that a case is about. The others are filled in: a label that must be known is `-`, a flag
is false, a number stays unknown, and a row is public a quarter of an hour after its day.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from expectations.contract import DUCKDB, Dataset, datasets, glossary, polars_schema
from expectations.curated import curated
from warehouse.build import models
from warehouse.build.database import SERIES
from warehouse.build.disagreements import view_in_time
from warehouse.build.views import IN_TIME, in_time_view

ASSETS = ("asset", "sector", "valid_from", "valid_to")
SOURCES = ("first", "second")
"""The order in which a preferred table takes its sources, where a test does not say."""

LAST_NEWS = "(available_at at time zone 'UTC' - interval '1 microsecond')::date"
"""The day by whose end a row was public: a case goes on to the last of them."""

PUBLIC_AFTER = timedelta(days=1, minutes=15)


def core_columns(dataset: Dataset) -> tuple[str, ...]:
    """What `core.<dataset>` holds: the newest version of each row, withdrawn ones left out."""
    return tuple(name for name in dataset.lake_columns if name != "withdrawn")


def create_core(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pl.DataFrame],
    sources: Sequence[str] = SOURCES,
    *,
    until: date | None = None,
) -> None:
    """Create every core table; those that are not given are empty.

    Args:
        connection: Where to.
        tables: Dataset name (or `assets`, or a table kept by hand) to rows, in which columns may be left out.
        sources: The order in which the preferred tables take their sources.
        until: The last day that is over, where that is later than the last news.
    """
    unknown = set(tables) - {"assets", "series", *curated(), *datasets()}
    if unknown:
        raise ValueError(f"expected core tables, found {sorted(unknown)}")
    connection.execute(_blank())
    for dataset in datasets().values():
        if dataset.name not in tables:
            continue
        _insert(connection, dataset.name, _filled(tables[dataset.name], dataset))
        key = ", ".join(dataset.preferred_key)
        order = ", ".join([f"{IN_TIME} desc", *(f"source = '{source}' desc" for source in sources)])
        # One source for each, with all of its rows, as the build's own view has them.
        connection.execute(
            f"insert into core.{dataset.name}_preferred select * from core.{dataset.name} "
            f"qualify dense_rank() over (partition by {key} order by {order}, source) = 1 order by {key}"
        )
    spans = " union all ".join(
        f"select min(date) as first, max(greatest(date, {LAST_NEWS})) as last from core.{name}"
        for name in [name for name in datasets() if name in tables] or list(datasets())[:1]
    )
    connection.execute(
        "create table core.days as "
        "select unnest(generate_series(first, greatest(last, $until), interval 1 day))::date as date "
        f"from (select min(first) as first, max(last) as last from ({spans}))",
        {"until": until},
    )
    for name, columns in (("series", SERIES), ("assets", ASSETS)):
        if name in tables:
            _insert(connection, name, _typed(tables[name], columns))
    for kept in curated().values():
        _insert(connection, kept.name, _typed(tables.get(kept.name, kept.rows), kept.rows.columns))


@cache
def _blank() -> str:
    """The statements that create every table, empty, with the views and macros of the models, as one script."""
    columns = {
        **{dataset.name: core_columns(dataset) for dataset in datasets().values()},
        **{f"{dataset.name}_preferred": core_columns(dataset) for dataset in datasets().values()},
        "series": SERIES,
        "assets": ASSETS,
        **{kept.name: kept.rows.columns for kept in curated().values()},
    }
    kinds = glossary()
    typed = {
        name: ", ".join(f'"{column}" {DUCKDB[kinds[column].type]}' for column in has) for name, has in columns.items()
    }
    made = [f"create table core.{name} ({has})" for name, has in typed.items()]
    views = [in_time_view(dataset) for dataset in datasets().values()]
    return ";\n".join(
        [
            "set timezone = 'UTC'",
            "begin",
            "create schema core",
            *made,
            *views,
            "commit",
            view_in_time(),
            models.macros(),
        ]
    )


def read_rows(path: Path) -> pl.DataFrame:
    """Rows of a CSV file: an empty field is unknown, and spaces separate the names of a list.

    If a name has spaces, each name ends with a semicolon instead; `[]` is a list without names.

    A column `days` repeats its row on so many consecutive days, and moves every date and instant by a day each time.
    """
    text = pl.read_csv(path, infer_schema=False)
    names = [name for name in text.columns if name != "days"]
    rows = _typed(text.select(names), names)
    if "days" not in text.columns:
        return rows
    days = text.get_column("days").cast(pl.Int64).fill_null(1)
    moved = [pl.col(name) + pl.duration(days=pl.col("day")) for name in names if rows.schema[name].is_temporal()]
    return (
        rows.with_columns(day=days.map_elements(lambda n: list(range(n)), return_dtype=pl.List(pl.Int64)))
        .explode("day")
        .with_columns(moved)
        .drop("day")
    )


def _typed(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    schema = polars_schema(names)
    return rows.select(
        _as(name, rows.schema[name], kind) if name in rows.columns else pl.lit(None, kind).alias(name)
        for name, kind in schema.items()
    )


def _as(name: str, found: Any, kind: Any) -> pl.Expr:
    column = pl.col(name)
    if found != pl.String() or kind == pl.String():
        return column.cast(kind)
    if kind == pl.Date():
        return column.str.to_date("%Y-%m-%d")
    if isinstance(kind, pl.Datetime):
        return column.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC")
    if kind == pl.Boolean():
        return column.replace_strict({"true": True, "false": False}, return_dtype=pl.Boolean())
    if kind == pl.List(pl.String()):
        return (
            pl.when(column == "[]")
            .then(pl.lit([], kind))
            .when(column.str.contains(";", literal=True))
            .then(column.str.strip_suffix(";").str.split(";"))
            .otherwise(column.str.split(" "))
            .alias(name)
        )
    return column.cast(kind)


def _filled(rows: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    names = core_columns(dataset)
    typed = _typed(rows, names)
    kinds = glossary()
    day_after = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + PUBLIC_AFTER
    typed = typed.with_columns(
        pl.col("available_at").fill_null(day_after),
        pl.col("source").fill_null(SOURCES[0]),
    )
    if "quote" in names:
        typed = typed.with_columns(pl.col("quote").fill_null("USDT"))
    if "day_boundary" in names:
        typed = typed.with_columns(pl.col("day_boundary").fill_null("UTC"))
    return typed.with_columns(
        *(pl.col(name).fill_null(pl.col("available_at")) for name in ("observed_at", "recorded_at")),
        *(pl.col(name).fill_null("-") for name in names if kinds[name].type == "text" and name not in dataset.nullable),
        *(pl.col(name).fill_null(value=False) for name in names if kinds[name].type == "flag"),
    )


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> None:
    connection.register("given_rows", rows.to_arrow())
    connection.execute(f"insert into core.{name} select * from given_rows")
    connection.unregister("given_rows")
