"""The promise of every table of the finished file, however it is declared: for comments and the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from expectations.contract import Dataset, datasets
from expectations.curated import curated
from warehouse.build import models
from warehouse.build.models import Model
from warehouse.lineage.columns import formulas
from warehouse.lineage.tables import parents

Books = Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Promise:
    """The promise of one table.

    Attributes:
        meaning: What it holds, for a new reader.
        grain: What one row is.
        caveats: What a careful reader must know.
        notes: Column name to what it means in this table in particular.
        formulas: Column name to how it is computed; none for columns that only say where a row comes from.
        reads: The tables that it is computed from.
        model: The model, if it is a mart.
    """

    meaning: str
    grain: str
    caveats: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    model: Model | None = None

    @property
    def about(self) -> str:
        """The table's comment in DuckDB."""
        return " ".join((self.meaning, f"One row: {self.grain}.", *self.caveats))


def promises(books: Books) -> dict[str, Promise]:
    """The promises of all tables, by name with the schema.

    Args:
        books: Name to meaning, key and columns of each table of `ops`.
    """
    by_table = {
        "core.assets": Promise("The sector baskets: tidemark's own, fixed, equal-weighted.", "one asset in one basket"),
        "core.series": Promise(
            "What can be requested from each source, and when it exists.", "one series of one dataset at one source"
        ),
        "core.days": Promise("The UTC days that are over, from the first day with any data.", "one day"),
        "core.disagreements_in_time": Promise(
            "How far sources differ, by what was public by noon (UTC) after each day.",
            "one pair of sources",
            reads=parents("core.disagreements_in_time"),
        ),
    }
    for dataset in datasets().values():
        by_table |= _of_dataset(dataset)
    for kept in curated().values():
        by_hand = f"kept by hand in expectations/curated/{kept.name}.toml"
        by_table[f"core.{kept.name}"] = Promise(
            kept.meaning, kept.grain, kept.caveats, kept.notes, dict.fromkeys(kept.rows.columns, by_hand)
        )
    for name, (meaning, key, _) in books.items():
        by_table[f"ops.{name}"] = Promise(meaning, f"one {', '.join(key)}")
    for model in models.models():
        by_table[model.table] = Promise(
            model.sentence, model.grain, model.caveats, model.notes, formulas(model), parents(model.table), model
        )
    return by_table


def _of_dataset(dataset: Dataset) -> dict[str, Promise]:
    table = f"core.{dataset.name}"
    read = f"read from the provider's answer by transforms/{dataset.name}/<source>.py"
    whole = Promise(
        dataset.meaning, dataset.grain, dataset.caveats, dataset.notes, dict.fromkeys(dataset.columns, read)
    )
    preferred = Promise(
        f"By declared preference of sources. {dataset.meaning}",
        dataset.grain,
        dataset.caveats,
        dataset.notes,
        {name: f"{table}.{name}" for name in dataset.columns},
        (table,),
    )
    in_time = Promise(
        f"By declared preference of sources, only rows public by noon (UTC) after their day. {dataset.meaning}",
        dataset.grain,
        dataset.caveats,
        dataset.notes,
        {name: f"{table}_preferred.{name}" for name in dataset.columns},
        (table,),
    )
    return {table: whole, f"{table}_preferred": preferred, f"{table}_in_time": in_time}
