"""What is compared between sources and how far apart they may be, as declared in `tolerances.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from expectations.contract import Dataset, datasets

_FIELDS = {"of", "against", "same", "across", "unlike", "tolerance", "floor", "reason"}


@dataclass(frozen=True, eq=False)
class Comparison:
    """One metric in which two sources are compared.

    Attributes:
        metric: Its name in `ops.disagreements`.
        dataset: The dataset whose preferred source is compared.
        column: The compared column.
        witness_dataset: The dataset of the other values; usually the same.
        witness_column: The column of the other values.
        same: The columns in which two compared values must agree, including the date.
        unlike: A column in which the two must differ, if one is named.
        tolerance: The largest relative gap, a fraction.
        floor: A difference that is always allowed, in the unit of the column.
        reason: Why the tolerance is this large, and no larger.
    """

    metric: str
    dataset: Dataset
    column: str
    witness_dataset: Dataset
    witness_column: str
    same: tuple[str, ...]
    unlike: str | None
    tolerance: float
    floor: float
    reason: str

    @property
    def rule(self) -> str:
        """The check in words."""
        return f"{self.metric} is within {self.tolerance:.3g} of the preferred source"


@dataclass(frozen=True, eq=False)
class Reported:
    """How our months of Korean turnover are compared with reported ones.

    Attributes:
        metric: Its name in `ops.disagreements`.
        witness: The table kept by hand that holds the reported months.
        venues: The venues that the reported figures cover.
        tolerance: The largest relative gap, a fraction.
        reason: Why the tolerance is this large, and no larger.
    """

    metric: str
    witness: str
    venues: tuple[str, ...]
    tolerance: float
    reason: str

    @property
    def rule(self) -> str:
        """The check in words."""
        return f"{self.metric} is within {self.tolerance:.3g} of the reported figure, or below it for want of venues"


@cache
def _declared() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("expectations") / "tolerances.toml").read_text(encoding="utf-8"))


@cache
def comparisons() -> tuple[Comparison, ...]:
    """Every declared comparison of two sources, in the order of the file."""
    return tuple(_comparison(metric, table) for metric, table in _declared().items() if "reported" not in table)


@cache
def reported_months() -> Reported:
    """The declared comparison with reported months."""
    ((metric, table),) = [(metric, table) for metric, table in _declared().items() if "reported" in table]
    return Reported(metric, table["reported"], tuple(table["venues"]), float(table["tolerance"]), table["reason"])


def _comparison(metric: str, table: Mapping[str, Any]) -> Comparison:
    strange = sorted(set(table) - _FIELDS)
    if strange:
        raise ValueError(f"expected {sorted(_FIELDS)} of metric {metric}, found {strange}")
    dataset, column = _column(metric, table["of"])
    witness, witness_column = _column(metric, table.get("against", table["of"]))
    same = tuple(dict.fromkeys(("date", *table.get("same", dataset.key))))
    unlike = table.get("unlike")
    known = set(dataset.columns) & set(witness.columns)
    lacking = [name for name in same if name not in known]
    if lacking or (unlike is not None and unlike not in dataset.columns):
        raise ValueError(f"expected metric {metric} to compare by columns of its datasets, found {table}")
    # If one source had several rows, only the first would be compared, with an arbitrary row of the other source.
    unsaid = [name for name in {**dict.fromkeys(dataset.key), **dict.fromkeys(witness.key)} if name not in same]
    unsaid = [name for name in unsaid if name not in table.get("across", ())]
    if unsaid:
        raise ValueError(f"expected metric {metric} to compare like with like, found nothing said of {unsaid}")
    if not table["tolerance"] > 0 or not table["reason"].endswith("."):
        raise ValueError(f"expected a tolerance and a reason for metric {metric}")
    return Comparison(
        metric,
        dataset,
        column,
        witness,
        witness_column,
        same,
        unlike,
        float(table["tolerance"]),
        float(table.get("floor", 0.0)),
        table["reason"],
    )


def _column(metric: str, name: str) -> tuple[Dataset, str]:
    table, _, column = name.partition(".")
    dataset = datasets().get(table)
    if dataset is None or column not in dataset.measures:
        raise ValueError(f"expected metric {metric} to compare a number of a dataset, found {name}")
    return dataset, column
