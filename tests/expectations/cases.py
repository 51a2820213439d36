"""What the tests of the datasets share: rows that keep a promise, rows that break it, and what the checks say of them.

A suite run costs a quarter of a second and the import of great-expectations four, so all cases of a dataset share one
batch: each case has its own series and its own days, and a failing row names its case.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from expectations.contract import Dataset, datasets
from expectations.suite import run_suite

Row = dict[str, Any]
"""What a row has instead of the good row's values; `day` and `hour` count from the midnight that begins the case."""

Rows = Mapping[str, Sequence[Row]]
"""The rows of each case, by its name."""

FIRST_DAY = date(2024, 1, 1)
DAYS_BETWEEN_CASES = 3
COLUMNS_OF_THE_HOUR = {"settled_at", "opened_at"}


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Rows of one dataset.

    Attributes:
        good: The values of a row that keeps every promise.
        whole: A whole day, where it is more than one row.
        breaking: For each declared check, rows that break it; none for a check of a whole batch, which has its own
            test.
        rows_that_break: How many rows of a case break its check, where it is not one.
        also_breaks: Other checks that a case cannot avoid breaking.
        true_history: Rows as they happened, which no check may fail.
        real_steps: Figures as they were reported, rounded, which may be warned of and are never held back.
        quiet: Whether a day without any row is a good one.
    """

    good: Row
    whole: Sequence[Row] = ({},)
    breaking: Rows
    rows_that_break: Mapping[str, int] = field(default_factory=dict)
    also_breaks: Mapping[str, set[str]] = field(default_factory=dict)
    true_history: Rows
    real_steps: Rows = field(default_factory=dict)
    quiet: bool = False


def cases_of(name: str) -> Cases:
    """The cases of a dataset, from the module with its name."""
    cases: Cases = importlib.import_module(f"tests.expectations.datasets.{name}").CASES
    return cases


def candle(unit: str, prices: Sequence[float], **others: Any) -> Row:
    """The first, highest, lowest and last price of a day, in this unit."""
    names = (f"open_{unit}", f"high_{unit}", f"low_{unit}", f"close_{unit}")
    return {**dict(zip(names, prices, strict=True)), **others}


def batch_of(dataset: Dataset, cases: Rows) -> pl.DataFrame:
    """The rows of some cases in one batch, each case with its own series and days."""
    good = cases_of(dataset.name).good
    made: list[Row] = []
    for number, (case, rows) in enumerate(cases.items()):
        for changes in rows:
            row: Row = dict.fromkeys(dataset.columns) | {"series": case} | good | {"case": case}
            offset = number * DAYS_BETWEEN_CASES + changes.get("day", 0)
            row["date"] = FIRST_DAY + timedelta(days=offset)
            midnight = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=offset)
            for column in COLUMNS_OF_THE_HOUR & set(dataset.columns):
                row[column] = midnight + timedelta(hours=changes.get("hour", 0))
            made.append(row | {key: value for key, value in changes.items() if key not in {"day", "hour"}})
    extra = {"series": pl.String(), "case": pl.String()}
    schema = {name: kind for name, kind in dataset.schema().items() if name in dataset.columns} | extra
    return pl.DataFrame(made, schema=schema)


def failures(dataset: Dataset, batch: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The failing rows by rule, after great-expectations has agreed on how many there are."""
    failing = {}
    for verdict in run_suite(dataset, batch):
        rule = verdict.rule
        rows = batch.filter(verdict.broken) if verdict.broken is not None else batch.clear()
        assert verdict.success == (verdict.failing_rows == 0), rule.name
        assert rows.height == verdict.failing_rows, rule.name
        if rows.height:
            failing[rule.name] = rows
    return failing


def blocked(dataset: str, rows: pl.DataFrame) -> set[str]:
    """The blocking checks that some rows break, as Polars finds them; rows without a series are of one."""
    rows = rows if "series" in rows.columns else rows.with_columns(series=pl.lit("one"))
    blocking = (check for check in datasets()[dataset].checks if check.severity == "blocking")
    return {check.name for check in blocking if rows.filter(check.failing()).height}
