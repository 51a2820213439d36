"""What a check says of unknown values."""

import polars as pl
import pytest

from expectations.contract import OneOf, Range

pytestmark = pytest.mark.slow


def test_a_number_that_is_none_is_unknown_to_both_engines() -> None:
    """0 over 0 is NaN, which Polars counts as larger than any bound and pandas does not."""
    ratio = Range("ratio", pl.col("a") / pl.col("b"), low=0, high=1)
    frame = pl.DataFrame({"a": [0.0, 1.0, 0.5], "b": [0.0, 0.0, 1.0]})
    assert frame.select(ratio.failing()).to_series().to_list() == [False, True, False]
    assert frame.select(ratio.measured).to_series().to_list() == [None, float("inf"), 0.5]


def test_unknown_labels_and_numbers_pass_where_they_are_allowed() -> None:
    frame = pl.DataFrame({"a": [None, 1.0], "b": [None, "x"]}, schema={"a": pl.Float64, "b": pl.String})
    assert frame.select(Range("a", pl.col("a"), above=0).failing()).to_series().to_list() == [False, False]
    assert frame.select(OneOf("b", "b", ("y",)).failing()).to_series().to_list() == [False, True]
