"""What every table of the finished file promises, whichever way it is declared: for comments and the catalog."""

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
    """One table.

    Attributes:
        meaning: What it holds, for a stranger.
        grain: What one row is.
        caveats: What a careful reader must know.
        notes: Column name to what it means in this table in particular.
        formulas: Column name to what makes it; none for columns that only say where a row comes from.
        reads: The tables that it is made of.
        model: The model, of a mart.
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
        """The text that DuckDB keeps beside the table."""
        return " ".join((self.meaning, f"One row: {self.grain}.", *self.caveats))


def promises(books: Books) -> dict[str, Promise]:
    """Every table's promise, by its name with the schema.

    Args:
        books: Name to meaning, key and columns of each table of `ops`.
    """
    found = {
        "core.assets": Promise("The sector baskets: ours, fixed, equal-weighted.", "one asset in one basket"),
        "core.series": Promise(
            "What each source can be asked for, and when it exists.", "one series of one dataset at one source"
        ),
        "core.days": Promise("The UTC days that are over, from the first of which anything is held.", "one day"),
        "core.disagreements_in_time": Promise(
            "How far sources lie apart, by what was public by noon (UTC) after each day.",
            "one pair of them",
            reads=parents("core.disagreements_in_time"),
        ),
    }
    for dataset in datasets().values():
        found |= _of_dataset(dataset)
    for kept in curated().values():
        by_hand = f"kept by hand in expectations/curated/{kept.name}.toml"
        found[f"core.{kept.name}"] = Promise(
            kept.meaning, kept.grain, kept.caveats, kept.notes, dict.fromkeys(kept.rows.columns, by_hand)
        )
    for name, (meaning, key, _) in books.items():
        found[f"ops.{name}"] = Promise(meaning, f"one {', '.join(key)}")
    for model in models.models():
        found[model.table] = Promise(
            model.sentence, model.grain, model.caveats, model.notes, formulas(model), parents(model.table), model
        )
    return found


def _of_dataset(dataset: Dataset) -> dict[str, Promise]:
    table = f"core.{dataset.name}"
    read = f"read from the provider's answer by transforms/{dataset.name}/<source>.py"
    told = Promise(dataset.meaning, dataset.grain, dataset.caveats, dataset.notes, dict.fromkeys(dataset.columns, read))
    preferred = Promise(
        f"By declared preference of sources. {dataset.meaning}",
        dataset.grain,
        dataset.caveats,
        dataset.notes,
        {name: f"{table}.{name}" for name in dataset.columns},
        (table,),
    )
    in_time = Promise(
        f"By declared preference of sources, and public by noon (UTC) after its day. {dataset.meaning}",
        dataset.grain,
        dataset.caveats,
        dataset.notes,
        {name: f"{table}_preferred.{name}" for name in dataset.columns},
        (table,),
    )
    return {table: told, f"{table}_preferred": preferred, f"{table}_in_time": in_time}
