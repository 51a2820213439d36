"""From which sources a table comes: read from the sources' declarations and the models' queries, never listed.

The steps of `intermediate` are dropped from the finished file, so they are looked through.
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
    """Who supplies what.

    Args:
        sources: What every source declares, as `ops.sources` holds it.
    """
    each = sources.select("source", "datasets").explode("datasets").drop_nulls().sort("datasets", "source")
    found: dict[str, tuple[str, ...]] = {}
    for source, dataset in each.iter_rows():
        found[f"core.{dataset}"] = (*found.get(f"core.{dataset}", ()), source)
    return found


@cache
def parents(table: str) -> tuple[str, ...]:
    """The tables that a table is made of, sorted; a view of a dataset stands for it."""
    if table == "core.disagreements_in_time":
        compared = {side.name for one in comparisons() for side in (one.dataset, one.witness_dataset)}
        return tuple(sorted(f"core.{name}" for name in compared))
    if table.startswith("core."):
        whole = _whole(table)
        return (whole,) if whole != table else ()
    made = {model.table: model for model in models.models()}
    if table not in made:
        return ()
    return tuple(sorted({_whole(read) for read in models.reads_in_the_end(made[table])}))


def _whole(table: str) -> str:
    """The table that a view shows rows of; the table itself where it is none."""
    return f"core.{dataset_of(table)}" if table.startswith("core.") else table


@cache
def ancestors(table: str) -> frozenset[str]:
    """Every table that a table is made of in the end."""
    return frozenset(parents(table)).union(*(ancestors(parent) for parent in parents(table)))


def sources_of(table: str, supplied: Supply) -> tuple[str, ...]:
    """The sources that a table may hold something of, sorted; none for what is kept by hand."""
    return tuple(sorted({source for read in (table, *ancestors(table)) for source in supplied.get(read, ())}))


def readers(table: str) -> tuple[str, ...]:
    """The marts that are made of a table, in the order in which they are made."""
    return tuple(model.table for model in models.models() if model.schema == "main" and table in parents(model.table))
