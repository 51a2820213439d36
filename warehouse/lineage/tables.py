"""Which sources a table comes from: taken from the sources' declarations and the models' queries, never listed.

The tables of `intermediate` are dropped from the finished file, so they are resolved to what they read.
"""

from collections.abc import Mapping
from functools import cache

import polars as pl

from expectations.tolerances import comparisons
from warehouse.build import models
from warehouse.build.views import dataset_of

Supply = Mapping[str, tuple[str, ...]]
"""Dataset, as a table of `core`, to the sources that supply it, sorted."""


def supply(sources: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Which sources supply each dataset.

    Args:
        sources: What every source declares, as in `ops.sources`.
    """
    pairs = sources.select("source", "datasets").explode("datasets").drop_nulls().sort("datasets", "source")
    supplied: dict[str, tuple[str, ...]] = {}
    for source, dataset in pairs.iter_rows():
        supplied[f"core.{dataset}"] = (*supplied.get(f"core.{dataset}", ()), source)
    return supplied


@cache
def parents(table: str) -> tuple[str, ...]:
    """The tables that a table is computed from, sorted; a dataset's views count as the dataset."""
    if table == "core.disagreements_in_time":
        compared = {side.name for pair in comparisons() for side in (pair.dataset, pair.witness_dataset)}
        return tuple(sorted(f"core.{name}" for name in compared))
    if table.startswith("core."):
        whole = _whole(table)
        return (whole,) if whole != table else ()
    made = {model.table: model for model in models.models()}
    if table not in made:
        return ()
    return tuple(sorted({_whole(read) for read in models.reads_in_the_end(made[table])}))


def _whole(table: str) -> str:
    """The table whose rows a view shows; a table is returned as it is."""
    return f"core.{dataset_of(table)}" if table.startswith("core.") else table


@cache
def ancestors(table: str) -> frozenset[str]:
    """Every table that a table is computed from, directly or not."""
    return frozenset(parents(table)).union(*(ancestors(parent) for parent in parents(table)))


def sources_of(table: str, supplied: Supply) -> tuple[str, ...]:
    """The sources whose data a table may hold, sorted; none for tables kept by hand."""
    return tuple(sorted({source for read in (table, *ancestors(table)) for source in supplied.get(read, ())}))


def readers(table: str) -> tuple[str, ...]:
    """The marts that are computed from a table, in build order."""
    return tuple(model.table for model in models.models() if model.schema == "main" and table in parents(model.table))
