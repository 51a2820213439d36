"""The interval of a payment, told from the distance of the payments."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.intervals import with_intervals

MIDNIGHT = datetime(2024, 12, 9, tzinfo=UTC)


def told(hours: list[int]) -> list[tuple[int, int]]:
    """Hour and interval of payments at these hours after a midnight."""
    stamps = [MIDNIGHT + timedelta(hours=hour) for hour in hours]
    kind = pl.Datetime("us", "UTC")
    rows = with_intervals(pl.DataFrame({"settled_at": pl.Series(stamps, dtype=kind)}))
    return [((at - MIDNIGHT) // timedelta(hours=1), hours) for at, hours in rows.iter_rows()]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([], []),
        ([0], []),
        ([0, 8, 16, 24], [(8, 8), (16, 8), (24, 8)]),
        ([16, 8, 24, 0, 8], [(8, 8), (16, 8), (24, 8)]),
        # The payment at 8 closes the last long interval, the one at 12 the first short one; and back.
        ([-8, 0, 8, 12, 16], [(0, 8), (8, 8), (12, 4), (16, 4)]),
        ([0, 4, 8, 16, 24], [(4, 4), (8, 4), (16, 8), (24, 8)]),
        # One is missing, or every second one.
        ([0, 8, 24, 32], [(8, 8), (24, 8), (32, 8)]),
        ([0, 16, 32, 48], [(16, 8), (32, 8), (48, 8)]),
        ([0, 4, 8, 16, 20, 24], [(4, 4), (8, 4), (16, 4), (20, 4), (24, 4)]),
        # At the edge of a page a change cannot be told from a missing payment, and is not believed.
        ([0, 4, 8, 16], [(4, 4), (8, 4), (16, 4)]),
        ([0, 8, 12, 16], [(8, 4), (12, 4), (16, 4)]),
        ([0, 16], [(16, 8)]),
        ([0, 1, 2, 5, 6, 7], [(1, 1), (2, 1), (5, 1), (6, 1), (7, 1)]),
    ],
)
def test_intervals(hours: list[int], expected: list[tuple[int, int]]) -> None:
    assert told(hours) == expected


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.sampled_from([1, 2, 4, 6, 8]), st.integers(4, 60), st.data())
def test_a_payment_that_is_missing_never_fills_its_day(every: int, count: int, data: st.DataObject) -> None:
    """However long the interval, what is left says less than the hours that have passed."""
    missing = data.draw(st.integers(1, count - 2))
    hours = [number * every for number in range(count) if number != missing]
    found = told(hours)
    assert {interval for _, interval in found} == {every}
    assert sum(interval for _, interval in found) == (count - 2) * every


def test_two_rates_at_one_time_get_an_interval_that_no_check_passes() -> None:
    stamps = pl.Series([MIDNIGHT, MIDNIGHT, MIDNIGHT + timedelta(hours=8)], dtype=pl.Datetime("us", "UTC"))
    rows = with_intervals(pl.DataFrame({"settled_at": stamps, "funding_rate": [0.1, 0.2, 0.3]}))
    assert rows["interval_hours"].to_list() == [0, 0]
