"""Statistics in another unit are blocked."""

import polars as pl
import pytest

from tests.expectations.cases import blocked
from transforms.macro_series import fred

pytestmark = pytest.mark.slow


def statistic(fred_id: str, value: str) -> pl.DataFrame:
    """A row of a series of FRED with this value."""
    return fred.normalize(pl.DataFrame({"observation_date": ["2020-12-09"], fred_id: [value]}), fred_id=fred_id)


@pytest.mark.parametrize(
    ("fred_id", "value", "wrong_by"),
    [
        ("WALCL", "7242696", 1e-6),  # millions taken for units
        ("WALCL", "7242696", 1e3),  # millions taken for billions
        ("WDTGAL", "1500000", 1e-6),
        ("WDTGAL", "1500000", 1e3),
        ("RRPONTSYD", "2.5", 1e-9),  # billions taken for units
        ("RRPONTSYD", "2553.716", 1e3),
        ("DFF", "4.58", 100),
        ("M2SL", "21336.7", 1e-9),  # billions taken for units
        ("ECBASSETSW", "6351987", 1e3),
        ("JPNASSETS", "7599596", 1e-2),  # hundreds of millions taken for millions
    ],
)
def test_statistics_in_another_unit_are_blocked(fred_id: str, value: str, wrong_by: float) -> None:
    rows = statistic(fred_id, value)
    assert blocked("macro_series", rows) == set()
    assert blocked("macro_series", rows.with_columns(pl.col("amount", "rate_apr") * wrong_by))


def test_percents_near_zero_are_blocked_where_fractions_pass() -> None:
    rows = pl.concat([statistic("DFEDTARL", "0.00"), statistic("DFEDTARU", "0.25"), statistic("DFF", "0.09")])
    assert blocked("macro_series", rows) == set()
    in_percent = rows.with_columns(pl.col("rate_apr") * 100)
    assert blocked("macro_series", in_percent) == {"the rates of a day lie within 0.1 of each other"}
