from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from expectations.interval import ONE_DAY, Interval, each_day, intervals

FIRST = date(2024, 2, 20)
DAYS = st.integers(0, 40).map(lambda number: FIRST + timedelta(days=number))


def test_days_that_follow_each_other_are_one_interval() -> None:
    days = [date(2024, 3, 5), date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert list(intervals(days)) == [
        Interval(date(2024, 2, 28), date(2024, 3, 2)),
        Interval(date(2024, 3, 5), date(2024, 3, 6)),
    ]
    assert list(intervals([])) == []


def test_a_day_about_which_another_fact_holds_begins_an_interval() -> None:
    states = {FIRST: "loaded", FIRST + ONE_DAY: "loaded", FIRST + 2 * ONE_DAY: "failed", FIRST + 3 * ONE_DAY: "loaded"}
    assert [(states[span.start], len(span)) for span in intervals(states, states.get)] == [
        ("loaded", 2),
        ("failed", 1),
        ("loaded", 1),
    ]


@given(st.dictionaries(DAYS, st.sampled_from(["loaded", "failed", None])))
def test_intervals_cover_the_days_and_are_as_few_as_possible(states: Mapping[date, str | None]) -> None:
    spans = list(intervals(states, states.get))
    assert [day for span in spans for day in span] == sorted(states)
    assert all(states[day] == states[span.start] for span in spans for day in span)
    for before, after in pairwise(spans):
        assert before.end < after.start or states[before.start] != states[after.start]


@given(st.sets(DAYS), st.sets(DAYS))
def test_each_day_returns_the_days_of_the_intervals(here: set[date], there: set[date]) -> None:
    series = {"B": here, "A": there}
    spans = [(name, span.start, span.end) for name, days in series.items() for span in intervals(days)]
    ranges = pl.DataFrame(spans, schema={"series": pl.String, "start": pl.Date, "end": pl.Date}, orient="row")
    assert each_day(ranges).rows() == [(name, day) for name, days in series.items() for day in sorted(days)]
    assert each_day(ranges).schema == {"series": pl.String, "date": pl.Date}


def test_a_range_without_a_day_has_no_row() -> None:
    ranges = pl.DataFrame({"start": [FIRST, FIRST], "end": [FIRST, FIRST + ONE_DAY], "run": [1, 2]})
    assert each_day(ranges).rows() == [(2, FIRST)]
