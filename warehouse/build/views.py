"""Which source's row is taken where several tell of the same thing."""

from expectations.contract import Dataset
from expectations.preferences import preferences

# A row that was public in time for its own day is not hidden by a preferred one that came too late for it.
IN_TIME = "(available_at at time zone 'UTC' <= date + interval 36 hours)"


def preference(dataset: Dataset) -> str:
    """What to order rows of a dataset by, so that the one that is taken comes first."""
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
        f"create view core.{dataset.name}_preferred as select {columns} from core.{dataset.name} "  # noqa: S608  ours
        f"qualify dense_rank() over (partition by {key} order by {preference(dataset)}) = 1"
    )
