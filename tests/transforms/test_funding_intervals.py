"""The interval of a payment, derived from the distances between payments."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.interval import HOURS_A_DAY
from transforms.formats.funding_intervals import refuse_untold, tell_intervals, with_intervals
from transforms.refused import REFUSED, refuse

MIDNIGHT = datetime(2024, 12, 9, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")


def at(hours: Iterable[int]) -> pl.DataFrame:
    """Payments at these hours after a midnight."""
    return pl.DataFrame({"settled_at": pl.Series([MIDNIGHT + timedelta(hours=hour) for hour in hours], dtype=INSTANT)})


def told(payments: pl.DataFrame, *, begins: bool = False) -> dict[int, int | None]:
    """The hour and the interval of each payment."""
    rows = tell_intervals(payments, begins=begins).select("settled_at", "interval_hours").iter_rows()
    return {(instant - MIDNIGHT) // timedelta(hours=1): hours for instant, hours in rows}


def by_gaps(*gaps: int) -> dict[int, int | None]:
    """The intervals of payments at these distances, in order, without the first, whose interval is unknown."""
    (first, unknown), *others = told(at(accumulate(gaps, initial=0))).items()
    assert (first, unknown) == (0, None)
    return dict(others)


DAY_OF_EIGHT, DAY_OF_FOUR, DAY_OF_HOURS = (8,) * 3, (4,) * 6, (1,) * 24


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((), []),
        ((8, 8, 8), [8, 8, 8]),
        ((8,), [8]),
        ((1, 1), [1, 1]),
        # The payment at the end of the last long interval is for a long one; and the other way round.
        ((*DAY_OF_EIGHT, 4, 4), [8, 8, 8, 4, 4]),
        ((4, 4, *DAY_OF_EIGHT), [4, 4, 8, 8, 8]),
        ((*DAY_OF_EIGHT, *DAY_OF_HOURS), [8] * 3 + [1] * 24),
        ((*DAY_OF_HOURS, *DAY_OF_EIGHT), [1] * 24 + [8] * 3),
        # Some hours of short intervals among long ones.
        ((*DAY_OF_EIGHT, 1, 1, 1, 1, 1, 1, 1, 1, *DAY_OF_EIGHT), [8] * 3 + [1] * 8 + [8] * 3),
        # One is missing, or several, near to each other or not.
        ((8, 16, 8), [8, 8, 8]),
        ((4, 4, 8, 4, 4), [4, 4, 4, 4, 4]),
        ((1, 1, 3, 1, 1), [1, 1, 1, 1, 1]),
        ((1, 1, 2, 2, 1, 1), [1] * 6),
        ((1, 1, 2, 3, 1, 2, 1), [1] * 7),
        ((1, 1, 9, 1, 1), [1] * 5),
        # More than a day is missing.
        ((1, 1, 30, 1, 1), [1] * 5),
        ((8, 8, 48, 8, 8), [8] * 5),
        # At the edge of a page a change cannot be told from a missing payment.
        ((4, 4, 8), [4, 4, None]),
        ((8, 4, 4), [None, 4, 4]),
        ((8, 8, 1, 1), [None, None, 1, 1]),
        ((1, 1, 2), [1, 1, None]),
        # Nor beside a gap, nor at intervals of 16, 12 or 5 hours, which no venue has.
        ((*DAY_OF_EIGHT, 2, 1, 1), [8, 8, 8, None, 1, 1]),
        ((16,), [None]),
        ((16, 16, 16), [None] * 3),
        ((12, 12), [None, None]),
        ((5, 5), [None, None]),
        # Two payments at one hour.
        ((*DAY_OF_EIGHT, 0, *DAY_OF_EIGHT), [8, 8, 8, None, 8, 8, 8]),
    ],
)
def test_intervals(gaps: tuple[int, ...], expected: list[int | None]) -> None:
    if 0 in gaps:
        stamps = at(accumulate(gaps, initial=0)).with_columns(funding_rate=pl.int_range(pl.len()) / 1e5)
        assert tell_intervals(stamps)["interval_hours"].to_list() == [None, *expected]
        return
    assert list(by_gaps(*gaps).values()) == expected


def test_the_order_of_the_answer_does_not_matter() -> None:
    assert told(at([16, 8, 24, 0, 8])) == {0: None, 8: 8, 16: 8, 24: 8}


def test_a_stamp_that_is_believed_of_no_hour_tells_nothing_of_its_neighbours() -> None:
    """As at Hyperliquid on 23 May 2023: it is refused, and the payments beside it are still for eight hours."""
    stamps = at([0, 8, 16, 27, 32, 40, 48])
    odd = refuse(stamps, pl.col("settled_at") == MIDNIGHT + timedelta(hours=27), pl.lit("late"))
    assert told(odd) == {0: None, 8: 8, 16: 8, 27: None, 32: 8, 40: 8, 48: 8}
    reasons = refuse_untold(tell_intervals(odd)).filter(pl.col(REFUSED).is_not_null())
    assert reasons[REFUSED].to_list()[1:] == ["late"]


def test_payments_named_by_their_begin_are_told_by_the_one_after() -> None:
    """The interval that begins at 16 lasts until 24, though hourly ones precede it; that of the newest is unknown."""
    begun = [*range(16), 16, 24, 32, 40]
    assert told(at(begun), begins=True) == dict.fromkeys(range(16), 1) | {16: 8, 24: 8, 32: 8, 40: None}
    with_a_gap = [hour for hour in range(10) if hour != 4]
    assert told(at(with_a_gap), begins=True) == dict.fromkeys(with_a_gap, 1) | {9: None}


def test_pages_leave_out_their_oldest_payment_and_refuse_what_they_do_not_tell() -> None:
    rows = with_intervals(at([0, 8, 12, 16]))
    assert rows["interval_hours"].to_list() == [None, 4, 4]
    assert rows[REFUSED].to_list() == [
        "expected payments whose distances tell their intervals, found none that tells that of 2024-12-09 08:00",
        None,
        None,
    ]
    assert with_intervals(at([8])).height == 0
    assert with_intervals(at([])).height == 0


@settings(max_examples=100)
@given(st.sampled_from([1, 2, 4, 6, 8]), st.integers(6, 60), st.data())
def test_a_payment_that_is_missing_never_fills_its_day(every: int, count: int, data: st.DataObject) -> None:
    """Whatever the interval, the intervals that are left add up to less than the hours that have passed."""
    missing = data.draw(st.integers(2, count - 3))
    found = told(at(number * every for number in range(count) if number != missing))
    assert set(found.values()) == {None, every}
    assert sum(filter(None, found.values())) == (count - 2) * every


RHYTHMS = st.lists(st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(1, 4)), min_size=1, max_size=5)


@settings(max_examples=200)
@given(RHYTHMS, st.data())
def test_what_is_told_is_never_longer_than_what_was_paid_for(
    rhythms: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Intervals that change at midnight, some payments missing: each is right or unknown, never too long."""
    paid: dict[int, int] = {0: rhythms[0][0]}
    for every, days in rhythms:
        for _ in range(days * 24 // every):
            paid[max(paid) + every] = every
    kept: Mapping[int, int] = paid
    # Not where the interval changes: a gap that ends in intervals of its own length looks like one of them.
    inside = [hour for hour in paid if len({paid[near] for near in paid if abs(near - hour) <= HOURS_A_DAY}) == 1]
    if inside:
        gone = data.draw(st.sets(st.sampled_from(inside), max_size=3))
        kept = {hour: every for hour, every in paid.items() if hour not in gone}
    found = told(at(kept))
    wrong = {hour: (every, kept[hour]) for hour, every in found.items() if every not in {None, kept[hour]}}
    assert wrong == {}
