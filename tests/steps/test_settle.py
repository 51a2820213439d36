"""What an answer proves about each day: every rule, and the faults that must never make a day empty."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import NotYetPublished, PayloadChanged, PipelineError, SourceUnavailable
from expectations.interval import ONE_DAY, Interval
from expectations.releases import Release, every_day, is_weekday, weekdays_next_day, weekdays_same_day
from flows.source import Series
from flows.steps.settle import DayOutcome, Evidence, judge_days, partly_covered
from warehouse.store.ledger import SEEN_ONCE, SETTLED

pytestmark = pytest.mark.slow

NOW = datetime(2024, 12, 10, 12, tzinfo=UTC)
LAST = date(2024, 12, 9)
DAILY = every_day(timedelta(minutes=5))
WEEKDAYS = weekdays_next_day(time(22))
INSTANT = pl.Datetime("us", "UTC")


def last_days(count: int, last: date = LAST) -> list[date]:
    return list(Interval(last - (count - 1) * ONE_DAY, last + ONE_DAY))


def judge(
    asked: Iterable[date],
    rows: Iterable[date],
    *,
    empty: Collection[date] = (),
    error: PipelineError | None = None,
    release: Release = DAILY,
    before: str | None = None,
    loaded_before: date | None = None,
    now: datetime = NOW,
    quiet: bool = False,
    begins: bool = False,
) -> dict[date, DayOutcome]:
    wanted = [(day, release.expects(day), release.public_at(day), before) for day in asked]
    schema = pl.Schema({"date": pl.Date(), "expected": pl.Boolean(), "due_at": INSTANT, "state": pl.String()})
    evidence = Evidence(
        Series("BTC", "BTCUSDT", date(2017, 8, 17), release),
        dict.fromkeys(rows, 1),
        empty,
        error,
        NOW,
        now,
        quiet=quiet,
        begins=begins,
    )
    frame = pl.DataFrame(wanted, schema=schema, orient="row")
    return judge_days(evidence, frame, loaded_before=loaded_before)


def states(found: dict[date, DayOutcome]) -> list[str]:
    return [found[day].state for day in sorted(found)]


def test_a_day_with_rows_is_loaded_and_tells_how_many() -> None:
    found = judge(last_days(2), last_days(2))
    assert found == dict.fromkeys(last_days(2), DayOutcome("loaded", 1, None, NOW))


def test_an_error_fails_every_day_even_those_that_came() -> None:
    found = judge(last_days(3), last_days(3), error=SourceUnavailable("expected an answer, found 503"))
    assert states(found) == ["failed"] * 3
    assert found[LAST].reason == "SourceUnavailable: expected an answer, found 503"


def test_a_provider_that_says_not_yet_is_believed_while_it_may_be_late() -> None:
    friday, monday = date(2024, 12, 6), date(2024, 12, 9)
    late = NotYetPublished("expected the day, found none yet")
    now = datetime(2024, 12, 10, 23, tzinfo=UTC)
    found = judge([friday, monday], [], error=late, release=WEEKDAYS, now=now + timedelta(days=3))
    assert states(found) == ["failed", "not_yet"]


def test_an_empty_answer_proves_nothing() -> None:
    for count in (1, 7, 400):
        found = judge(last_days(count), [])
        assert states(found) == ["failed"] * count
        assert "an answer without values" in str(found[LAST].reason)


def test_a_weekend_is_empty_when_its_neighbour_is_there() -> None:
    week = last_days(7, date(2024, 12, 8))
    found = judge(week, [day for day in week if is_weekday(day)], release=WEEKDAYS)
    assert states(found) == ["loaded"] * 5 + ["verified_empty"] * 2
    assert states(judge(week[5:], [], release=WEEKDAYS)) == ["failed"] * 2
    assert states(judge(week[5:], week[:2], release=WEEKDAYS)) == ["failed"] * 2
    assert states(judge(week[5:], [date(2024, 12, 9)], release=WEEKDAYS)) == ["verified_empty"] * 2


def test_a_weekend_beside_a_day_that_is_listed_without_a_value_is_not_empty() -> None:
    friday, monday = date(2024, 12, 6), date(2024, 12, 9)
    weekend = [date(2024, 12, 7), date(2024, 12, 8)]
    assert states(judge(weekend, [], empty=[friday, *weekend, monday], release=WEEKDAYS)) == ["failed"] * 2
    assert states(judge(weekend, [monday], empty=[friday, *weekend], release=WEEKDAYS)) == ["verified_empty"] * 2


def test_a_day_that_has_a_value_is_never_empty_because_it_is_listed_without_one() -> None:
    """A provider whose close is null on a day that is over."""
    week = last_days(7)
    found = judge(week, week[:3] + week[4:], empty=[week[3]])
    assert states(found) == ["loaded"] * 3 + ["failed"] + ["loaded"] * 3
    assert found[week[3]].reason == "PayloadChanged: expected a value for 2024-12-06, found it listed without a value"


def test_a_day_that_is_listed_without_its_value_is_not_out_yet_while_it_may_be_late() -> None:
    """A central bank that lists months without a value before they are published."""
    release = weekdays_same_day(time(12))
    asked = last_days(5, date(2024, 12, 6))
    rows, late = asked[:-2], asked[-2:]
    due = [release.public_at(day) + release.grace for day in late]
    found = judge(asked, rows, empty=late, release=release, now=due[0] - timedelta(minutes=1))
    assert states(found) == ["loaded"] * 3 + ["not_yet"] * 2
    assert found[late[1]].reason == (
        "NotYetPublished: expected a value for 2024-12-06 by 2024-12-06 12:00 UTC, found it listed without one"
    )
    assert states(judge(asked, rows, empty=late, release=release, now=due[0])) == ["loaded"] * 3 + ["failed", "not_yet"]
    assert states(judge(asked, rows, empty=late, release=release, now=due[1])) == ["loaded"] * 3 + ["failed"] * 2
    assert states(judge(late, [], empty=late, release=release, now=due[0])) == ["failed", "not_yet"]


def test_a_day_that_has_rows_is_loaded_even_if_it_is_also_listed_empty() -> None:
    assert states(judge([LAST], [LAST], empty=[LAST])) == ["loaded"]


@pytest.mark.parametrize("valued", [0, 1, 5])
def test_an_answer_that_is_mostly_blank_proves_nothing(valued: int) -> None:
    asked = last_days(10)
    found = judge(asked, asked[:valued], empty=asked[valued:])
    assert states(found) == ["loaded"] * valued + ["failed"] * (10 - valued)


@pytest.mark.parametrize("valued", [0, 1, 5])
def test_of_what_may_be_quiet_every_listed_day_is_empty(valued: int) -> None:
    asked = last_days(10)
    found = judge(asked, asked[:valued], empty=asked[valued:], quiet=True)
    assert states(found) == ["loaded"] * valued + ["verified_empty"] * (10 - valued)


def test_of_what_may_be_quiet_no_day_is_empty_that_is_not_listed() -> None:
    """Neither before the days of an answer, nor among them, nor where the answer has none."""
    asked = last_days(60)
    assert states(judge(asked, asked[30:], quiet=True)) == ["failed"] * 30 + ["loaded"] * 30
    hole = judge(asked, asked[:30] + asked[31:], before="verified_empty", quiet=True)
    assert states(hole) == ["loaded"] * 30 + ["failed"] + ["loaded"] * 29
    assert states(judge(asked, [], quiet=True)) == ["failed"] * 60


def test_a_history_that_is_shown_to_begin_later_is_believed_with_a_week_on_either_side() -> None:
    asked = last_days(20)
    found = judge(asked, asked[10:], begins=True)
    assert states(found) == ["verified_empty"] * 10 + ["loaded"] * 10
    assert found[asked[0]].reason == f"the provider's history begins on {asked[10]}"
    assert states(judge(asked, asked[14:], begins=True)) == ["failed"] * 14 + ["loaded"] * 6
    assert states(judge(asked, asked[6:], begins=True)) == ["failed"] * 6 + ["loaded"] * 14
    assert states(judge(asked, asked[10:15] + asked[16:], begins=True)).count("verified_empty") == 0


@pytest.mark.parametrize("missing", [7, 10, 200, 393])
def test_an_answer_whose_older_part_was_cut_off_shows_no_beginning(missing: int) -> None:
    asked = last_days(400)
    assert states(judge(asked, asked[missing:])) == ["failed"] * missing + ["loaded"] * (400 - missing)


def test_a_history_does_not_begin_after_a_day_that_was_loaded() -> None:
    asked = last_days(20)
    found = judge(asked, asked[10:], loaded_before=asked[0] - ONE_DAY, begins=True)
    assert states(found) == ["failed"] * 10 + ["loaded"] * 10
    found = judge(asked, asked[10:], loaded_before=asked[4], begins=True)
    assert states(found) == ["verified_empty"] * 4 + ["failed"] * 6 + ["loaded"] * 10


@pytest.mark.parametrize("before", SETTLED)
@pytest.mark.parametrize("count", [60, 400])
def test_a_day_that_was_answered_and_is_no_longer_there_has_failed_and_is_named(before: str, count: int) -> None:
    """Whether the answer has sixty days or four hundred."""
    asked = last_days(count)
    found = judge(asked, [day for day in asked if day != asked[30]], before=before)
    assert found[asked[30]] == DayOutcome(
        "failed",
        0,
        f"PayloadChanged: expected {asked[30]}, which was answered before, found {count - 1} days from {asked[0]} to "
        f"{asked[-1]} without it",
        NOW,
    )
    assert states(found).count("loaded") == count - 1


@pytest.mark.parametrize("before", [None, "failed", "failed_check", "not_yet", "missing"])
def test_a_hole_that_was_never_published_is_failed(before: str | None) -> None:
    asked = last_days(400)
    found = judge(asked, [day for day in asked if day != asked[200]], before=before)
    assert found[asked[200]].state == "failed"
    assert "found 399 days from" in str(found[asked[200]].reason)


def test_a_newest_day_is_not_yet_out_while_it_may_be_late() -> None:
    release = weekdays_same_day(time(12))
    asked = last_days(5, date(2024, 12, 6))
    rows, newest = asked[:-1], asked[-1]
    due = release.public_at(newest)
    within, after = due + release.grace - timedelta(minutes=1), due + release.grace
    found = judge(asked, rows, release=release, now=within)
    assert found[newest].state == "not_yet"
    assert (
        found[newest].reason
        == "NotYetPublished: expected a value for 2024-12-06 by 2024-12-06 12:00 UTC, found none yet"
    )
    assert judge(asked, rows, release=release, now=after)[newest].state == "failed"
    assert judge([newest], [], release=release, now=within)[newest].state == "failed"
    assert judge(asked, asked[1:], release=release, now=within)[asked[0]].state == "failed"


def test_a_release_without_grace_is_never_not_yet() -> None:
    assert judge(last_days(3), last_days(3)[:2])[LAST].state == "failed"


def test_every_failure_says_what_to_do() -> None:
    for found in judge(last_days(5), last_days(5)[1:4]).values():
        assert found.reason is None or found.reason.startswith(PayloadChanged.__name__)


# Properties ----------------------------------------------------------------------------------------------------------

DAY_SETS = st.integers(1, 60).flatmap(lambda count: st.sets(st.sampled_from(last_days(count)), min_size=1))
RELEASES = st.sampled_from([DAILY, WEEKDAYS, weekdays_same_day(time(12))])


@settings(max_examples=400)
@given(
    asked=DAY_SETS,
    rows=st.sets(st.sampled_from(last_days(70))),
    empty=st.sets(st.sampled_from(last_days(70)), max_size=5),
    release=RELEASES,
    before=st.sampled_from([None, "loaded", "failed", "verified_empty"]),
    loaded=st.none() | st.sampled_from(last_days(70)),
    begins=st.booleans(),
)
def test_nothing_is_loaded_without_a_row_or_empty_without_evidence(
    asked: set[date],
    rows: set[date],
    empty: set[date],
    release: Release,
    before: str | None,
    loaded: date | None,
    begins: bool,
) -> None:
    found = judge(asked, rows, empty=empty, release=release, before=before, loaded_before=loaded, begins=begins)
    assert set(found) == asked
    for day, outcome in found.items():
        assert (outcome.state == "loaded") is (day in rows) is (outcome.rows > 0)
        assert (outcome.reason is None) is (outcome.state == "loaded")
        if outcome.state == "verified_empty":
            assert rows
        if outcome.state == "verified_empty" and release.expects(day):
            assert begins
            assert all(day < other for other in rows)


def losses(days: list[date], every: int, offset: int, page: int) -> list[date]:
    """The days of an answer in pages, each of which lost every k-th row from some offset on."""
    kept: list[date] = []
    for begin in range(0, len(days), page):
        piece = days[begin : begin + page]
        kept += [day for place, day in enumerate(piece) if (place + 1 + offset) % every]
    return kept


@pytest.mark.parametrize("before", [None, "loaded"])
def test_an_answer_that_lost_every_kth_row_never_makes_a_day_empty(before: str | None) -> None:
    for count in (*range(5, 45), 59, 60, 61, 79, 99, 201, 400):
        days = last_days(count)
        for every in (*range(2, 21), 25, 40, 50, 100):
            for offset in {0, 1, every // 2, every - 1}:
                for page in {count, 200}:
                    kept = losses(days, every, offset, page)
                    if len(kept) == len(days):
                        continue
                    found = judge(days, kept, before=before)
                    assert not [day for day in days if found[day].state == "verified_empty"], (count, every, offset)
                    assert all(found[day].state == "failed" for day in set(days) - set(kept))


def test_judging_a_long_history_takes_no_time_worth_naming() -> None:
    days = last_days(6000)
    found = judge(days, days[::2], empty=days[1::40], before="loaded")
    assert len(found) == 6000


def test_a_day_covered_in_part_is_asked_for_until_a_second_answer_says_the_same() -> None:
    day, other = LAST - ONE_DAY, LAST

    def told(hours: int, reason: str | None, seen_at: datetime | None) -> str:
        wanted = pl.DataFrame(
            {"date": [day, other], "reason": [reason, None], "observed_at": [seen_at, None]},
            schema={"date": pl.Date, "reason": pl.String, "observed_at": INSTANT},
        )
        ((found, said),) = partly_covered({day: hours, other: 24}, wanted, NOW)
        assert found == day
        return said

    earlier = NOW - ONE_DAY
    first = told(16, None, None)
    assert first == f"{SEEN_ONCE} 16 of 24 hours"
    assert told(16, first, NOW) == first  # the same answer is read again
    second = told(16, first, earlier)
    assert second == "two answers cover 16 of 24 hours"
    assert told(16, second, earlier) == second
    assert told(20, second, earlier) == f"{SEEN_ONCE} 20 of 24 hours"  # only this answer says so
    assert told(4, f"{SEEN_ONCE} 14 of 24 hours", earlier) == f"{SEEN_ONCE} 4 of 24 hours"
