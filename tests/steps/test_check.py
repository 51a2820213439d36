"""What the verdicts of a suite do to a batch: a warning, a series-day held back, a whole batch held back."""

from datetime import timedelta

import polars as pl
import pytest

from expectations.contract import datasets
from flows.steps.check import check
from tests.expectations.cases import FIRST_DAY, Row, batch_of
from tests.expectations.datasets.stablecoin_supply import supplied

pytestmark = pytest.mark.slow


def test_a_warning_tells_and_does_not_block() -> None:
    dataset = datasets()["spot_prices"]
    warned: dict[str, list[Row]] = {"quiet": [{"volume_base": 0.0, "volume_usd": 0.0}], "fine": [{}]}
    batch = batch_of(dataset, warned).with_columns(snapshot=pl.lit("here"))
    checked = check(dataset, batch)
    assert [
        (result.check, result.severity, result.failing_rows) for result in checked.results if not result.success
    ] == [("volume_base is above 0", "warning", 1)]
    assert checked.held.is_empty()
    assert (checked.rows, checked.batch_rule) == ((), None)


def test_a_broken_rule_holds_back_its_series_day_alone_and_a_key_twice_the_whole_batch() -> None:
    dataset = datasets()["spot_prices"]
    cases: dict[str, list[Row]] = {"wrong": [{"low_usd": 102.0}], "fine": [{}]}
    batch = batch_of(dataset, cases).with_columns(snapshot=pl.lit("here"))
    checked = check(dataset, batch)
    assert checked.batch_rule is None
    assert checked.held.select("series", "date").unique().rows() == [("wrong", FIRST_DAY)]
    (row,) = checked.rows
    assert set(row.rule.split("; ")) == {
        "open_usd is not below low_usd",
        "volume_usd over volume_base is a price of the day",
    }
    doubled = batch_of(dataset, {"twice": [{}, {"close_usd": 101.0}], "fine": [{}]})
    checked = check(dataset, doubled.with_columns(snapshot=pl.lit("here")))
    assert checked.batch_rule == "date, asset, venue is unique"


def test_a_day_alone_is_measured_beside_what_is_published() -> None:
    """A daily run checks one day against the days in the lake, and does not check those again."""
    dataset = datasets()["stablecoin_supply"]
    published = batch_of(dataset, {"one": [supplied(1.38e11, day=day) for day in range(3)]})
    today = batch_of(dataset, {"one": [supplied(6.2e10, day=3)]}).with_columns(snapshot=pl.lit("here"))
    rule = "a total of 10 billion or more is within a factor of 1.5 of its last days"
    assert not check(dataset, today).rows
    (row,) = check(dataset, today, published).rows
    assert (row.rule, row.date) == (rule, FIRST_DAY + timedelta(days=3))
    assert not check(dataset, today.with_columns(supply=1.4e11, supply_usd=1.4e11), published).rows
    assert all(result.rows == 1 for result in check(dataset, today, published).results)


def test_a_wrong_day_does_not_hold_back_the_right_one_after_it() -> None:
    dataset = datasets()["stablecoin_supply"]
    billions = (138.0, 138.1, 62.0, 138.2, 138.3)
    batch = batch_of(dataset, {"one": [supplied(amount * 1e9, day=day) for day, amount in enumerate(billions)]})
    checked = check(dataset, batch.with_columns(snapshot=pl.lit("here")))
    assert checked.held["date"].to_list() == [FIRST_DAY + timedelta(days=2)]
