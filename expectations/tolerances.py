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
    """One metric, and where two sources tell of the same thing.

    Attributes:
        metric: Its name in `ops.disagreements`.
        dataset: Whose preferred source is compared.
        column: The value.
        witness_dataset: Where the other values lie; mostly the same dataset.
        witness_column: The other value.
        same: The columns that make two values the same thing, the date among them.
        unlike: A column in which the two differ, where one is named.
        tolerance: The largest relative gap, a fraction.
        floor: A difference that is always allowed, in the unit of the column.
        reason: Why as much, and no more.
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
        """The check as a person says it."""
        return f"{self.metric} is within {self.tolerance:.3g} of the preferred source"


@dataclass(frozen=True, eq=False)
class Reported:
    """How our months of Korean turnover are held against reported ones.

    Attributes:
        metric: Its name in `ops.disagreements`.
        witness: The table kept by hand that has them.
        venues: The venues that the reported figures are of.
        tolerance: The largest relative gap, a fraction.
        reason: Why as much, and no more.
    """

    metric: str
    witness: str
    venues: tuple[str, ...]
    tolerance: float
    reason: str

    @property
    def rule(self) -> str:
        """The check as a person says it."""
        return f"{self.metric} is within {self.tolerance:.3g} of the reported figure, or below it for want of venues"


@cache
def _declared() -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("expectations") / "tolerances.toml").read_text(encoding="utf-8"))


@cache
def comparisons() -> tuple[Comparison, ...]:
    """Every declared comparison of two sources, in the order of the file."""
    return tuple(_comparison(metric, told) for metric, told in _declared().items() if "reported" not in told)


@cache
def reported_months() -> Reported:
    """The declared comparison with reported months."""
    ((metric, told),) = [(metric, told) for metric, told in _declared().items() if "reported" in told]
    return Reported(metric, told["reported"], tuple(told["venues"]), float(told["tolerance"]), told["reason"])


def _comparison(metric: str, told: Mapping[str, Any]) -> Comparison:
    strange = sorted(set(told) - _FIELDS)
    if strange:
        raise ValueError(f"expected {sorted(_FIELDS)} of metric {metric}, found {strange}")
    dataset, column = _column(metric, told["of"])
    witness, witness_column = _column(metric, told.get("against", told["of"]))
    same = tuple(dict.fromkeys(("date", *told.get("same", dataset.key))))
    unlike = told.get("unlike")
    known = set(dataset.columns) & set(witness.columns)
    lacking = [name for name in same if name not in known]
    if lacking or (unlike is not None and unlike not in dataset.columns):
        raise ValueError(f"expected metric {metric} to compare by columns of its datasets, found {told}")
    # Of several rows of one source only the first would be compared, with whatever row of another source.
    unsaid = [name for name in {**dict.fromkeys(dataset.key), **dict.fromkeys(witness.key)} if name not in same]
    unsaid = [name for name in unsaid if name not in told.get("across", ())]
    if unsaid:
        raise ValueError(f"expected metric {metric} to compare like with like, found nothing said of {unsaid}")
    if not told["tolerance"] > 0 or not told["reason"].endswith("."):
        raise ValueError(f"expected a tolerance and a reason for metric {metric}")
    return Comparison(
        metric,
        dataset,
        column,
        witness,
        witness_column,
        same,
        unlike,
        float(told["tolerance"]),
        float(told.get("floor", 0.0)),
        told["reason"],
    )


def _column(metric: str, name: str) -> tuple[Dataset, str]:
    table, _, column = name.partition(".")
    dataset = datasets().get(table)
    if dataset is None or column not in dataset.measures:
        raise ValueError(f"expected metric {metric} to compare a number of a dataset, found {name}")
    return dataset, column
