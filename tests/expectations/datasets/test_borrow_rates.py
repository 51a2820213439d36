"""Borrowing rates in percent, or of another period, are blocked."""

import polars as pl
import pytest

from expectations.contract import datasets
from tests.expectations.cases import batch_of, blocked

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("wrong_by", [100, 1 / 365, 1 / 8760, 365])
def test_borrow_rates_in_percent_or_of_another_period_are_blocked(wrong_by: float) -> None:
    quiet = enumerate((0.011, 0.03, 0.05, 0.08, 0.15))
    days = [{"day": day, "borrow_apr": rate, "borrow_apr_max": rate} for day, rate in quiet]
    rows = batch_of(datasets()["borrow_rates"], {"quiet": days})
    assert blocked("borrow_rates", rows) == set()
    wrong = rows.with_columns(pl.col("borrow_apr", "borrow_apr_max") * wrong_by)
    assert "half of the borrow_apr are between 0.0005 and 0.9, over 5 rows or more" in blocked("borrow_rates", wrong)
