"""Every check of every dataset, through great-expectations: rows that break it and no other, and rows that keep all.

The rows of each dataset are in `tests/expectations/datasets/<dataset>.py`.
"""

from pkgutil import iter_modules

import polars as pl
import pytest

from expectations.contract import Dataset, datasets
from expectations.suite import rules, run_suite
from flows.steps.check import check
from tests.expectations import datasets as folder
from tests.expectations.cases import Rows, batch_of, blocked, cases_of, failures

pytestmark = pytest.mark.slow

NAMES = sorted(datasets())
WITH_CASES = [module.name for module in iter_modules(folder.__path__) if not module.name.startswith("test_")]
REAL_STEPS = [(name, case) for name in WITH_CASES for case in cases_of(name).real_steps]


def unknown_values(dataset: Dataset) -> Rows:
    """For each column that must be known, a whole day whose last row lacks it."""
    *before, last = cases_of(dataset.name).whole
    return {f"{name} is known": [*before, {**last, name: None}] for name in dataset.required}


def twice(dataset: Dataset) -> Rows:
    """A whole day whose last row comes twice, so that two rows have one key."""
    *before, last = cases_of(dataset.name).whole
    return {f"{', '.join(dataset.key)} is unique": [*before, last, last]}


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_fails_on_the_rows_that_break_it_and_on_no_others(name: str) -> None:
    dataset, own = datasets()[name], cases_of(name)
    declared = {check.name for check in dataset.checks}
    assert set(own.breaking) == declared, "expected a case for every declared check"
    cases = {**own.breaking, **unknown_values(dataset), **twice(dataset)}
    assert set(cases) == {rule.name for rule in rules(dataset)} - {"rows are there"}
    by_case: dict[str, dict[str, int]] = {}
    for rule, broken in failures(dataset, batch_of(dataset, cases)).items():
        for case, count in broken.group_by("case").len().iter_rows():
            by_case.setdefault(case, {})[rule] = count
    for case, rows in cases.items():
        found = by_case.get(case, {})
        if not rows:
            continue
        count = 2 if case.endswith("is unique") else own.rows_that_break.get(case, 1)
        assert found.get(case) == count, case
        assert found.keys() - {case} <= own.also_breaks.get(case, set()), case


@pytest.mark.parametrize("name", NAMES)
def test_no_two_rules_have_one_name(name: str) -> None:
    names = [rule.name for rule in rules(datasets()[name])]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", NAMES)
def test_a_good_batch_passes_every_rule(name: str) -> None:
    dataset, whole = datasets()[name], cases_of(name).whole
    batch = batch_of(dataset, {"good": whole if len(whole) > 1 else [{"day": day} for day in range(3)]})
    assert failures(dataset, batch) == {}
    checked = check(dataset, batch.with_columns(snapshot=pl.lit("here")))
    assert all(result.success for result in checked.results)
    assert checked.held.is_empty()
    assert (checked.rows, checked.batch_rule) == ((), None)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch_fails_for_want_of_rows_unless_it_may_be_quiet_and_for_nothing_else(name: str) -> None:
    dataset = datasets()[name]
    verdicts = run_suite(dataset, batch_of(dataset, {}))
    broken = [verdict.rule.name for verdict in verdicts if not verdict.success]
    assert broken == ([] if cases_of(name).quiet else ["rows are there"])


@pytest.mark.parametrize("name", NAMES)
def test_true_history_is_not_held_back(name: str) -> None:
    dataset = datasets()[name]
    batch = batch_of(dataset, cases_of(name).true_history)
    broken = {check.name: batch.filter(check.failing())["case"].to_list() for check in dataset.checks}
    assert {rule: cases for rule, cases in broken.items() if cases} == {}


@pytest.mark.parametrize(("name", "case"), REAL_STEPS)
def test_a_real_step_is_published(name: str, case: str) -> None:
    """A step may be warned of, and is never held back."""
    rows = batch_of(datasets()[name], {case: cases_of(name).real_steps[case]})
    assert blocked(name, rows) == set()
