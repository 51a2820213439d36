"""A dataset's promise as a great-expectations suite, run over one batch; the only importer of great_expectations.

Great-expectations judges; Polars finds the rows. Both read the same declared rules, and when their counts differ the
check itself is broken and says so.
"""

import importlib
import logging
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.errors import PipelineError

_ENGINE = threading.Lock()

Scope = Literal["batch", "row"]


class CheckBroken(PipelineError):
    """The check did not work; that is not the same as data that fail it."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule of a suite: how great-expectations and Polars each know it.

    Attributes:
        name: As people read it.
        severity: `blocking` or `warning`.
        scope: Whether a failure holds back the whole batch or the rows' series-days.
        expectation: Class name and arguments for great-expectations.
        expected: What is asked for, as text.
        failing: Polars' way to find the rows once they are measured; none for rules about the batch.
    """

    name: str
    severity: str
    scope: Scope
    expectation: tuple[str, Mapping[str, Any]]
    expected: str
    failing: pl.Expr | None


@dataclass(frozen=True, eq=False)
class Verdict:
    """How a rule fared.

    Attributes:
        rule: The rule.
        success: Whether every row kept it.
        observed: What was found, as text.
        failing_rows: How many rows broke it.
        broken: True for those rows, in the order of the batch; none for rules about the batch.
    """

    rule: Rule
    success: bool
    observed: str
    failing_rows: int
    broken: pl.Series | None


def rules(dataset: Dataset) -> list[Rule]:
    """Every rule that a promise implies: rows (of what is never quiet), key, known values, declared checks."""
    rows_are_there = Rule(
        "rows are there",
        "blocking",
        "batch",
        ("ExpectTableRowCountToBeBetween", {"min_value": 1}),
        "at least 1 row",
        None,
    )
    found = [] if dataset.quiet else [rows_are_there]
    found += [
        Rule(
            f"{', '.join(dataset.key)} is unique",
            "blocking",
            "batch",
            ("ExpectCompoundColumnsToBeUnique", {"column_list": list(dataset.key)}),
            "no key twice",
            pl.struct(dataset.key).is_duplicated(),
        ),
    ]
    found += [
        Rule(
            f"{name} is known",
            "blocking",
            "row",
            ("ExpectColumnValuesToNotBeNull", {"column": name}),
            "no unknown value",
            pl.col(name).is_null(),
        )
        for name in dataset.required
    ]
    for number, check in enumerate(dataset.checks):
        found.append(_one_of(check) if isinstance(check, OneOf) else _range(check, number))
    return found


def _one_of(check: OneOf) -> Rule:
    arguments = {"column": check.column, "value_set": list(check.values)}
    expected = f"one of {', '.join(check.values)}"
    return Rule(
        check.name,
        check.severity,
        "row",
        ("ExpectColumnValuesToBeInSet", arguments),
        expected,
        check.failing(),
    )


def _range(check: Range, number: int) -> Rule:
    arguments: dict[str, Any] = {"column": _measured(number)}
    words = []
    if check.above is not None:
        arguments |= {"min_value": check.above, "strict_min": True}
        words.append(f"above {check.above:g}")
    if check.low is not None:
        arguments["min_value"] = check.low
        words.append(f"from {check.low:g}")
    if check.high is not None:
        arguments["max_value"] = check.high
        words.append(f"to {check.high:g}")
    return Rule(
        check.name,
        check.severity,
        "row",
        ("ExpectColumnValuesToBeBetween", arguments),
        " ".join(words),
        check.beyond(pl.col(_measured(number))),
    )


def _measured(number: int) -> str:
    return f"rule_{number}"


def run_suite(dataset: Dataset, batch: pl.DataFrame, before: pl.DataFrame | None = None) -> list[Verdict]:
    """Run the dataset's suite over a batch.

    Args:
        dataset: The promise.
        batch: Conformed rows with their series.
        before: Published rows beside which those of the batch are measured; they are not judged themselves.

    Returns:
        One verdict per rule, in the order of `rules`.

    Raises:
        CheckBroken: A check cannot be computed, raised, gave no result, or disagrees with Polars about the rows.
    """
    asked = rules(dataset)
    try:
        measured = _measured_rows(dataset, batch, before)
        results = list(_run(asked, dataset, measured))
        found = [None if rule.failing is None else measured.select(rule.failing).to_series() for rule in asked]
    except pl.exceptions.PolarsError as broken:
        raise CheckBroken(f"{dataset.name}: a check cannot be computed ({broken})") from broken
    verdicts = []
    for rule, result, odd in zip(asked, results, found, strict=True):
        failing = int(result["result"].get("unexpected_count", 0))
        if odd is not None and odd.sum() != failing:
            raise CheckBroken(
                f"{dataset.name}: great-expectations finds {failing} rows against {rule.name!r}, Polars {odd.sum()}"
            )
        observed = f"{failing} of {batch.height} rows" if rule.failing is not None else f"{batch.height} rows"
        verdicts.append(Verdict(rule, bool(result["success"]), observed, failing, odd))
    return verdicts


def _measured_rows(dataset: Dataset, batch: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """The rows of a batch with what each rule measures of them, beside what is published."""
    measured = [
        check.measured.alias(_measured(number))
        for number, check in enumerate(dataset.checks)
        if isinstance(check, Range)
    ]
    columns = list(dict.fromkeys((*dataset.columns, "series")))
    rows = batch.select(columns)
    if before is not None and before.height:
        rows = pl.concat([before.select(columns).cast(rows.schema), rows])
    return rows.with_columns(measured).tail(batch.height)


def _run(asked: list[Rule], dataset: Dataset, measured: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    # Numpy's types, which great-expectations compares and hashes at once, and all others value by value. Unknown is NaN
    # there, and nothing that was measured is.
    names = [name for name in measured.columns if name != "series" or name in dataset.columns]
    frame = measured.select(names).to_pandas()
    with _ENGINE, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # great-expectations 1.24 warns of its own dependencies
        engine = importlib.import_module("great_expectations")  # four seconds: only where it is needed
        suite = engine.ExpectationSuite(
            name=dataset.name,
            expectations=[
                _settled(kind)(**arguments, meta={"place": place})
                for place, (kind, arguments) in enumerate(rule.expectation for rule in asked)
            ],
        )
        result = _definition().get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")
    # Results do not come in the order of the suite.
    placed = {each["expectation_config"]["meta"]["place"]: each for each in _described(result.results)}
    lost = [rule.name for place, rule in enumerate(asked) if place not in placed]
    if lost:
        raise CheckBroken(f"{dataset.name}: expected a result for every rule, found none for {lost}")
    return (placed[place] for place in range(len(asked)))


@lru_cache(maxsize=1)
def _definition() -> Any:
    """How great-expectations is given a frame: one context for all suites, for it takes as long as a small suite."""
    engine = importlib.import_module("great_expectations")
    logging.getLogger("great_expectations").propagate = False  # it tells of every folder that it makes
    context = engine.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("batches").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("batch")


@cache
def _settled(kind: str) -> Any:
    """An expectation of great-expectations that works out its configuration once, not a hundred times.

    Ours never change after they are made; where one is changed all the same, it is worked out again.
    """
    expectation = getattr(importlib.import_module("great_expectations").expectations, kind)
    compatibility = importlib.import_module("great_expectations.compatibility.pydantic")

    def configuration(self: Any) -> Any:
        if self._known is None:
            object.__setattr__(self, "_known", expectation.configuration.fget(self))
        return self._known

    def change(self: Any, name: str, value: object) -> None:
        expectation.__setattr__(self, name, value)
        object.__setattr__(self, "_known", None)

    return type(expectation)(
        f"{kind}OfAPromise",  # what it is registered by: the original stays as it is
        (expectation,),
        {
            "__module__": __name__,
            "__setattr__": change,
            "_known": compatibility.PrivateAttr(default=None),
            "configuration": property(configuration),
        },
    )


def _described(results: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for result in results:
        facts: Mapping[str, Any] = result.to_json_dict()
        # One exception, or one for each metric that the expectation is computed from.
        info = facts.get("exception_info") or {}
        raised = [each for each in (info, *info.values()) if isinstance(each, dict) and each.get("raised_exception")]
        if raised:
            messages = "; ".join(str(each["exception_message"]) for each in raised)
            raise CheckBroken(f"{facts['expectation_config']['type']}: {messages}")
        yield facts
