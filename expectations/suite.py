"""A dataset's promise as a great-expectations suite, run over one batch; the only importer of great_expectations.

Great-expectations gives the verdict; Polars finds the failing rows. Both read the same declared rules. If their counts
differ, the check itself is broken, and an error says so.
"""

import importlib.util
import logging
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

import polars as pl

from expectations.contract import Dataset, OneOf, Range
from expectations.errors import PipelineError

_ENGINE = threading.Lock()

BATCH = "batch"
"""The column that tells batches apart that are judged together."""

Scope = Literal["batch", "row"]


class CheckBroken(PipelineError):
    """The check itself failed to work; that is different from data that fail the check."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule of a suite, in the forms of great-expectations and of Polars.

    Attributes:
        name: The rule in words.
        severity: `blocking` or `warning`.
        scope: Whether a failure holds back the whole batch or the rows' series-days.
        expectation: Class name and arguments for great-expectations.
        expected: What is required, as text.
        failing: Polars expression that finds the rows once they are measured; none for rules about the batch.
    """

    name: str
    severity: str
    scope: Scope
    expectation: tuple[str, Mapping[str, Any]]
    expected: str
    failing: pl.Expr | None


@dataclass(frozen=True, eq=False)
class Verdict:
    """The result of a rule.

    Attributes:
        rule: The rule.
        success: Whether every row met it.
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
    """Every rule that a promise implies: rows exist (unless quiet), key, known values, declared checks."""
    rows_are_there = Rule(
        "rows are there",
        "blocking",
        "batch",
        ("ExpectTableRowCountToBeBetween", {"min_value": 1}),
        "at least 1 row",
        None,
    )
    implied = [] if dataset.quiet else [rows_are_there]
    implied += [
        Rule(
            f"{', '.join(dataset.key)} is unique",
            "blocking",
            "batch",
            ("ExpectCompoundColumnsToBeUnique", {"column_list": [BATCH, *dataset.key]}),
            "no key twice",
            pl.struct(dataset.key).is_duplicated(),
        ),
    ]
    implied += [
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
        implied.append(_one_of(check) if isinstance(check, OneOf) else _range(check, number))
    return implied


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

    One suite runs at a time, and it takes as long for a thousand rows as for one. So batches of one dataset that wait
    are judged together, each by its own rows.

    Args:
        dataset: The promise.
        batch: Conformed rows with their series.
        before: Published rows that the batch's rows are compared with; they are not checked themselves.

    Returns:
        One verdict per rule, in the order of `rules`.

    Raises:
        CheckBroken: A check cannot be computed, raised an exception, gave no result, or disagrees with Polars.
    """
    asked = rules(dataset)
    try:
        measured = _measured_rows(dataset, batch, before)
        broken = [None if rule.failing is None else measured.select(rule.failing).to_series() for rule in asked]
    except pl.exceptions.PolarsError as fault:
        raise CheckBroken(f"{dataset.name}: a check cannot be computed ({fault})") from fault
    _judge(_Waiting(dataset, asked, measured, broken))
    verdicts = []
    for rule, rows in zip(asked, broken, strict=True):
        failing = 0 if rows is None else int(rows.sum())
        observed = f"{failing} of {batch.height} rows" if rows is not None else f"{batch.height} rows"
        kept = failing == 0 if rows is not None else batch.height > 0
        verdicts.append(Verdict(rule, kept, observed, failing, rows))
    return verdicts


@dataclass(eq=False)
class _Waiting:
    """A batch that waits for great-expectations.

    Attributes:
        dataset: The promise.
        asked: Its rules.
        measured: The rows, with what each rule measures of them.
        broken: For each rule, true for the rows that break it by Polars; none for a rule about the batch.
        judged: Whether great-expectations has confirmed that.
    """

    dataset: Dataset
    asked: list[Rule]
    measured: pl.DataFrame
    broken: list[pl.Series | None]
    judged: bool = False


_QUEUE: dict[str, list[_Waiting]] = {}
_QUEUE_LOCK = threading.Lock()


def _judge(mine: _Waiting) -> None:
    """Have great-expectations confirm a batch's rows, with all others that wait for the same suite.

    A batch without rows is judged alone: among others, nobody would miss them.

    Raises:
        CheckBroken: It does not, or does not work.
    """
    name = mine.dataset.name
    if mine.measured.height:
        with _QUEUE_LOCK:
            _QUEUE.setdefault(name, []).append(mine)
    with _ENGINE:
        if mine.judged:
            return
        with _QUEUE_LOCK:
            together = _QUEUE.pop(name, [])
        # Where one of them cannot be judged, each is judged alone: its fault costs no other.
        if mine in together and len(together) > 1:
            with suppress(CheckBroken):
                _confirm(together)
                for batch in together:
                    batch.judged = True
                return
        _confirm([mine])


def _confirm(together: Sequence[_Waiting]) -> None:
    """Run great-expectations over batches of one dataset and hold its counts against those of Polars.

    Raises:
        CheckBroken: They differ, or a check raised or gave no result.
    """
    dataset, asked = together[0].dataset, together[0].asked
    results = _run(asked, dataset, [batch.measured for batch in together])
    for place, (rule, result) in enumerate(zip(asked, results, strict=True)):
        columns = [rows for batch in together if (rows := batch.broken[place]) is not None]
        failing = int(result["result"].get("unexpected_count", 0))
        ours = sum(int(rows.sum()) for rows in columns)
        if rule.failing is not None and ours != failing:
            raise CheckBroken(
                f"{dataset.name}: great-expectations finds {failing} rows against {rule.name!r}, Polars {ours}"
            )
        kept = ours == 0 if rule.failing is not None else all(batch.measured.height for batch in together)
        if bool(result["success"]) != kept:
            raise CheckBroken(
                f"{dataset.name}: great-expectations says {result['success']} to {rule.name!r}, Polars {kept}"
            )


def _measured_rows(dataset: Dataset, batch: pl.DataFrame, before: pl.DataFrame | None) -> pl.DataFrame:
    """The rows of a batch with each rule's measured number, computed together with the published rows."""
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


def _run(asked: list[Rule], dataset: Dataset, batches: Sequence[pl.DataFrame]) -> list[Mapping[str, Any]]:
    """The result of each rule over all rows of some batches; the caller holds the lock."""
    names = [name for name in batches[0].columns if name != "series" or name in dataset.columns]
    rows = pl.concat(
        [batch.select(*names, pl.lit(number).alias(BATCH)) for number, batch in enumerate(batches)], how="vertical"
    )
    # Great-expectations compares and hashes NumPy types at once, and others value by value. There unknown is NaN, which
    # no measured number is.
    frame = rows.to_pandas()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # great-expectations 1.24 warns about its own dependencies
        engine = _engine()
        suite = engine.ExpectationSuite(
            name=dataset.name,
            expectations=[
                _settled(kind)(**arguments, meta={"place": place})
                for place, (kind, arguments) in enumerate(rule.expectation for rule in asked)
            ],
        )
        result = _definition().get_batch({"dataframe": frame}).validate(suite, result_format="BASIC")
    # Results do not come in the order of the suite.
    placed = {facts["expectation_config"]["meta"]["place"]: facts for facts in _described(result.results)}
    lost = [rule.name for place, rule in enumerate(asked) if place not in placed]
    if lost:
        raise CheckBroken(f"{dataset.name}: expected a result for every rule, found none for {lost}")
    return [placed[place] for place in range(len(asked))]


@cache
def _engine() -> Any:
    """Great-expectations, imported only where it judges: that takes three seconds.

    It would take five with `scipy.stats`, which none of our expectations uses: that is imported when it is.
    """
    name = "scipy.stats"
    if name not in sys.modules:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
            sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[name])
            vars(sys.modules["scipy"])["stats"] = sys.modules[name]
    return importlib.import_module("great_expectations")


@lru_cache(maxsize=1)
def _definition() -> Any:
    """The batch definition through which great-expectations gets a frame.

    All suites share one context, because making it takes as long as a small suite.
    """
    engine = _engine()
    logging.getLogger("great_expectations").propagate = False  # it logs every folder that it makes
    context = engine.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("batches").add_dataframe_asset("rows")
    return asset.add_batch_definition_whole_dataframe("batch")


@cache
def _settled(kind: str) -> Any:
    """An expectation class of great-expectations that computes its configuration once, not a hundred times.

    Our expectations never change after they are made; if one is changed anyway, the configuration is computed again.
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
        f"{kind}OfAPromise",  # registered under its own name, so that the original stays as it is
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
        raised = [
            entry for entry in (info, *info.values()) if isinstance(entry, dict) and entry.get("raised_exception")
        ]
        if raised:
            messages = "; ".join(str(entry["exception_message"]) for entry in raised)
            raise CheckBroken(f"{facts['expectation_config']['type']}: {messages}")
        yield facts
