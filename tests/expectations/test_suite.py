"""How a suite is run: checks that do not work themselves, and batches that are judged together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
import pytest

from expectations import suite
from expectations.contract import Dataset, datasets
from expectations.errors import PipelineError
from expectations.suite import CheckBroken, Rule, run_suite
from tests.expectations.cases import batch_of
from tests.served import until

pytestmark = pytest.mark.slow

PROMISE = datasets()["exchange_rates"]
RULE = Rule("never", "blocking", "row", ("ExpectColumnValuesToNotBeNull", {"column": "currency"}), "-", None)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            Rule("raises", "blocking", "row", ("ExpectColumnValuesToNotBeNull", {"column": "nowhere"}), "-", None),
            "nowhere",
        ),
        (
            Rule("disagrees", "blocking", "row", RULE.expectation, "-", pl.col("currency").is_not_null()),
            "great-expectations finds 0 rows against 'disagrees', Polars 1",
        ),
        (
            Rule("cannot be computed", "blocking", "row", RULE.expectation, "-", pl.col("nowhere") > 0),
            "a check cannot be computed",
        ),
    ],
)
def test_a_check_that_does_not_work_says_so_and_reports_no_bad_data(
    monkeypatch: pytest.MonkeyPatch, rule: Rule, sentence: str
) -> None:
    def only(_: Dataset) -> list[Rule]:
        return [rule]

    monkeypatch.setattr(suite, "rules", only)
    with pytest.raises(CheckBroken, match=sentence) as raised:
        run_suite(PROMISE, batch_of(PROMISE, {"good": [{}]}))
    assert isinstance(raised.value, PipelineError)


def test_a_rule_without_a_result_is_a_broken_check(monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., Any] = suite._described

    def losing(results: Any) -> list[Any]:
        return list(run(results))[1:]

    monkeypatch.setattr(suite, "_described", losing)
    with pytest.raises(CheckBroken, match="expected a result for every rule, found none for"):
        run_suite(PROMISE, batch_of(PROMISE, {"good": [{}]}))


def together(batches: Sequence[pl.DataFrame], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[int]]:
    """The verdicts or the error of each batch, all of which wait for one suite; and how many batches each run had."""
    runs: list[int] = []
    judge = suite._run

    def counted(asked: list[Rule], dataset: Dataset, rows: Sequence[pl.DataFrame]) -> Any:
        runs.append(len(rows))
        return judge(asked, dataset, rows)

    monkeypatch.setattr(suite, "_run", counted)
    with ThreadPoolExecutor(max(len(batches), 1)) as pool:
        with suite._ENGINE:  # as if a suite of another dataset were running
            futures = [pool.submit(run_suite, PROMISE, batch) for batch in batches]
            filled = sum(batch.height > 0 for batch in batches)
            until(lambda: len(suite._QUEUE.get(PROMISE.name, ())) == filled, what="batches that wait")
        verdicts = [future.exception() or future.result() for future in futures]
    return verdicts, runs


def failed(verdicts: Any) -> list[tuple[str, int]]:
    """The rules that failed, and on how many rows."""
    return [(verdict.rule.name, verdict.failing_rows) for verdict in verdicts if not verdict.success]


def test_batches_that_wait_are_judged_together_and_each_by_its_own_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    good = batch_of(PROMISE, {"good": [{}, {"day": 1}]})
    wrong = batch_of(PROMISE, {"good": [{}], "wrong": [{"rate_per_usd": -1.0}]})
    twice = pl.concat([good, good])
    judged, runs = together([good, wrong, good, twice, good.clear()], monkeypatch)
    assert sorted(runs) == [1, 4]  # two batches may have the same key, and a batch without rows is judged alone
    alone = [run_suite(PROMISE, batch) for batch in (good, wrong, good, twice, good.clear())]
    assert [failed(verdicts) for verdicts in judged] == [failed(verdicts) for verdicts in alone]
    assert [bool(failed(verdicts)) for verdicts in judged] == [False, True, False, True, True]


def test_a_batch_that_cannot_be_judged_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    good = batch_of(PROMISE, {"good": [{}]})
    confirm = suite._confirm

    def broken(waiting: Sequence[Any]) -> None:
        if any(batch.measured.height > 1 for batch in waiting):
            raise CheckBroken("two rows are too many")
        confirm(waiting)

    monkeypatch.setattr(suite, "_confirm", broken)
    judged, _ = together([good, batch_of(PROMISE, {"good": [{}, {"day": 1}]}), good], monkeypatch)
    assert [isinstance(verdicts, CheckBroken) for verdicts in judged] == [False, True, False]
    assert failed(judged[0]) == failed(judged[2]) == []
