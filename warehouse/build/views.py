"""Which source's row is taken if several report the same thing."""

from expectations.contract import Dataset, datasets
from expectations.preferences import preferences

VIEWS = ("_preferred", "_in_time")
"""Suffixes of the names of a dataset's views."""

# The rule of `usable_on` in models/macros.sql, written out because views outlast the temporary macros: a row that was
# public by noon (UTC) after its own day. Such a row is not hidden by a preferred one that came too late.
IN_TIME = "(available_at at time zone 'UTC' <= date + interval 36 hours)"


def dataset_of(table: str) -> str:
    """The dataset whose rows a table or view of `core` holds, by its name with or without the schema.

    Any other table's name is returned without its schema.
    """
    name = table.removeprefix("core.")
    return next((name.removesuffix(view) for view in VIEWS if name.removesuffix(view) in datasets()), name)


def preference(dataset: Dataset) -> str:
    """The SQL order of a dataset's rows in which the row to take comes first."""
    order = preferences().get(dataset.name, ())
    ranks = " ".join(f"when '{source}' then {rank}" for rank, source in enumerate(order))
    rank = f"case source {ranks} else {len(order)} end" if ranks else "0"
    return f"{IN_TIME} desc, {rank}, source"


def preferred_view(dataset: Dataset) -> str:
    """The statement that makes `core.<dataset>_preferred`."""
    key = ", ".join(f'"{name}"' for name in dataset.preferred_key)
    columns = ", ".join(f'"{name}"' for name in dataset.lake_columns if name != "withdrawn")
    # Names come from the contracts of this package, never from data.
    return (
        f"create view core.{dataset.name}_preferred as select {columns} from core.{dataset.name} "
        f"qualify dense_rank() over (partition by {key} order by {preference(dataset)}) = 1"
    )


def in_time_view(dataset: Dataset) -> str:
    """The statement that makes `core.<dataset>_in_time`: preferred rows that were public in time for their own day."""
    return f"create view core.{dataset.name}_in_time as select * from core.{dataset.name}_preferred where {IN_TIME}"
