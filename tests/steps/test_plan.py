"""Plans: which days are wanted, and the asks that cover them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from unittest.mock import Mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.contract import Dataset
from expectations.datasets.funding_rates import FUNDING_RATES
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.datasets.spot_prices import SPOT_PRICES
from expectations.errors import BadRequest
from expectations.interval import ONE_DAY, Interval
from expectations.releases import READ_WITHIN, day_of_reading, every_day, weekdays_next_day
from flows.source import FOR_EVER, Ask, Feed, Limit, Plan, Request, Series, Source
from flows.sources import sources
from flows.steps.estimate import forecast
from flows.steps.plan import (
    DAYS_PER_BATCH,
    Batch,
    Mode,
    backfill_days,
    batches,
    choose,
    daily_days,
    date_of,
    due_days,
    expected_days,
)
from warehouse.store.ledger import EXPECTED, SEEN_ONCE, Books, DayRange, State, days_event

NEAR = timedelta(days=30)  # the default of a feed
FIRST = date(2024, 1, 1)
DAILY = every_day(timedelta(minutes=5))
WEEKDAYS = weekdays_next_day(time(22))
WINDOW = 3


def plan(_: Ask) -> Plan:
    yield Request("https://example.org/days")


def source(*series: Series, days_per_ask: int = 300, whole_history: bool = False, name: str = "here") -> Source:
    feed = Feed(
        SPOT_PRICES,
        plan,
        series,
        days_per_ask=days_per_ask,
        restates_for=timedelta(days=WINDOW),
        whole_history=whole_history,
    )
    return Source(name, (feed,), {"example.org": Limit(10, 1)}, "docs", "terms", "attribution", "documented", "nothing")


def series(name: str = "BTC", since: date = FIRST, until: date | None = None) -> Series:
    return Series(name, name, since, DAILY, until)


def after(day: date, minutes: int = 10) -> datetime:
    """An instant at which a day has just fallen due."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, minutes=minutes)


def books(*known: tuple[str, Iterable[date], State, datetime]) -> Books:
    events = []
    for name, days, state, at in known:
        ranges = [DayRange(name, day, day + ONE_DAY, state, 1, None, at) for day in days]
        event = days_event(run_id="000001", at=at, dataset="spot_prices", source="here", ranges=ranges)
        events.append(event | {"at": at.isoformat(), "ranges": [_written(one) for one in ranges]})
    return Books(events)


def _written(one: DayRange) -> list[object]:
    observed = one.observed_at.isoformat() if one.observed_at else None
    return [one.series, str(one.start), str(one.end), one.state, one.rows, one.reason, observed]


def wanted(frame: pl.DataFrame) -> list[tuple[str, date]]:
    return sorted(frame.select("series", "date").iter_rows())


def january(*days: int) -> list[date]:
    return [date(2024, 1, day) for day in days]


# Which days ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.integers(0, 40),
    st.dictionaries(st.integers(0, 29), st.sampled_from(["loaded", "verified_empty", "failed", "not_yet"])),
    st.integers(0, 10),
    st.integers(15, 35),
)
def test_missing_wants_exactly_the_due_unsettled_days(
    due: int, recorded: dict[int, State], since: int, until: int
) -> None:
    here = source(series(since=FIRST + since * ONE_DAY, until=FIRST + until * ONE_DAY))
    now = after(FIRST + (due - 1) * ONE_DAY)
    known = books(*(("BTC", [FIRST + day * ONE_DAY], state, now) for day, state in recorded.items()))
    found = backfill_days(due_days([here], Interval(FIRST, FIRST + 40 * ONE_DAY), known, now), Mode.missing)
    settled = {day for day, state in recorded.items() if state in {"loaded", "verified_empty"}}
    expected = [day for day in range(since, until + 1) if day < due and day not in settled]
    assert wanted(found) == [("BTC", FIRST + day * ONE_DAY) for day in expected]


def test_when_everything_is_loaded_the_plan_is_empty_and_refetch_wants_it_again() -> None:
    here = source(series(), series("ETH"))
    days, now = Interval(FIRST, FIRST + 10 * ONE_DAY), after(FIRST + 9 * ONE_DAY)
    known = books(("BTC", days, "loaded", now), ("ETH", days, "verified_empty", now))
    due = due_days([here], days, known, now)
    assert batches([here], backfill_days(due, Mode.missing), now) == []
    assert batches([here], daily_days(due, [here]), now) == []
    assert len(wanted(backfill_days(due, Mode.refetch))) == 20
    assert len(wanted(backfill_days(due, Mode.replay))) == 20


def test_a_day_of_which_one_answer_had_some_hours_is_asked_for_once_more() -> None:
    here, now = source(series()), after(FIRST + 29 * ONE_DAY)
    due = due_days(
        [here], Interval(FIRST, FIRST + 20 * ONE_DAY), books(("BTC", january(*range(1, 21)), "loaded", now)), now
    )
    said = {2: f"{SEEN_ONCE} 16 of 24 hours", 3: "two answers cover 16 of 24 hours"}
    reason = pl.col("date").dt.day().replace_strict(said, default=None, return_dtype=pl.String)
    partly = due.with_columns(reason=reason)
    assert wanted(backfill_days(partly, Mode.missing)) == [("BTC", date(2024, 1, 2))]
    assert wanted(daily_days(partly, [here])) == [("BTC", date(2024, 1, 2))]


def test_a_day_is_due_when_it_is_public() -> None:
    here = source(series())
    days = Interval(FIRST, FIRST + 2 * ONE_DAY)
    for minutes, count in ((0, 0), (4, 0), (5, 1)):
        assert due_days([here], days, Books([]), after(FIRST, minutes)).height == count


def test_expected_days_say_when_there_is_no_value() -> None:
    quiet = source(Series("BTC", "BTC", FIRST, WEEKDAYS))
    frame = expected_days([quiet], Interval(FIRST, FIRST + 7 * ONE_DAY))
    assert frame["expected"].to_list() == [True] * 5 + [False] * 2
    assert expected_days([], Interval(FIRST, FIRST)).is_empty()
    assert expected_days([quiet], Interval(FIRST - 9 * ONE_DAY, FIRST)).is_empty()


def test_the_daily_job_catches_up_after_a_week_of_sleep() -> None:
    here = source(series())
    before = after(date(2024, 1, 10))
    known = books(("BTC", january(*range(1, 11)), "loaded", before))
    now = after(date(2024, 1, 17))
    due = due_days([here], Interval(FIRST, date(2024, 1, 18)), known, now)
    assert wanted(daily_days(due, [here])) == [("BTC", day) for day in january(*range(11, 18))]
    (batch,) = batches([here], daily_days(due, [here]), now)
    assert [ask.days for ask in batch.asks] == [Interval(date(2024, 1, 11), date(2024, 1, 18))]


def test_the_restating_window_is_asked_for_when_a_new_day_fell_due_and_only_then() -> None:
    here = source(series())
    morning = after(date(2024, 1, 10))
    known = books(("BTC", january(*range(1, 11)), "loaded", morning))
    days = Interval(FIRST, date(2024, 2, 1))
    for now in (morning, morning + timedelta(hours=20)):
        assert daily_days(due_days([here], days, known, now), [here]).is_empty()
    now = after(date(2024, 1, 11))
    found = wanted(daily_days(due_days([here], days, known, now), [here]))
    assert found == [("BTC", day) for day in january(9, 10, 11)]
    at_once = books(("BTC", january(*range(1, 11)), "loaded", DAILY.public_at(date(2024, 1, 10))))
    assert daily_days(due_days([here], days, at_once, morning), [here]).is_empty()
    # The new day was loaded and the days before it failed, so these are asked for again.
    known = books(
        ("BTC", january(*range(1, 11)), "loaded", morning),
        ("BTC", january(11), "loaded", now),
        ("BTC", january(9, 10), "failed", now),
    )
    assert wanted(daily_days(due_days([here], days, known, now), [here])) == [("BTC", day) for day in january(9, 10)]


def test_a_series_may_be_restated_for_longer_than_its_feed_says() -> None:
    always = replace(series("M2"), restates_for=FOR_EVER)
    never = replace(series("WALCL"), restates_for=timedelta(0))
    here = source(always, never, series())
    morning, now = after(date(2024, 6, 30)), after(date(2024, 7, 1))
    days = Interval(FIRST, date(2024, 7, 2))
    known = books(*((name, Interval(FIRST, date(2024, 7, 1)), "loaded", morning) for name in ("M2", "WALCL", "BTC")))
    found = wanted(daily_days(due_days([here], days, known, now), [here]))
    newest = date(2024, 7, 1)
    assert [day for name, day in found if name == "BTC"] == [
        newest - ONE_DAY * back for back in range(WINDOW - 1, -1, -1)
    ]
    assert [day for name, day in found if name == "WALCL"] == [newest]
    assert [day for name, day in found if name == "M2"] == list(days)
    assert here.feeds[0].window(always) == FOR_EVER
    assert here.feeds[0].window(series()) == timedelta(days=WINDOW)


@pytest.mark.parametrize(
    ("source", "series", "first"),
    [
        ("fred", "us_m2", "cosd=2019-10-23"),
        ("fred_api", "us_m2", "observation_start=2019-10-23"),
        ("fred", "boj_assets", "cosd=2019-10-23"),
        ("fred", "fed_assets", "cosd=2019-12-22"),  # its answer is compared whole, and begins ten days early
        ("boj", "japan_m2", "startDate=201910"),
        ("ecb", "euro_m2", "startPeriod=2019-10-01"),
        ("oecd", "china_m2", "startPeriod=2019-10"),
    ],
)
def test_a_series_is_asked_for_again_as_far_back_as_it_is_restated(source: str, series: str, first: str) -> None:
    """Five years are loaded: the request for one new value begins with the first day that may have changed."""
    here = choose({source: sources()[source]}, series=[series])
    days = Interval(date(2020, 1, 1), date(2024, 12, 6))
    now = datetime(2024, 12, 6, 12, tzinfo=UTC)
    held = pl.DataFrame({"date": list(days)}).select(
        pl.lit("macro_series").alias("dataset"),
        pl.lit(source).alias("source"),
        pl.lit(series).alias("series"),
        "date",
        state=pl.lit("loaded"),
        reason=pl.lit(None, pl.String),
        observed_at=pl.lit(datetime(2024, 3, 1, tzinfo=UTC)),
    )
    (batch,) = batches(here, daily_days(due_days(here, days, Mock(days=held), now), here), now)
    (ask,) = batch.asks
    asked = next(batch.feed.plan(ask)).address
    assert first in asked


def test_days_that_failed_long_ago_are_asked_for_again() -> None:
    here = source(series())
    now = after(date(2024, 1, 20))
    known = books(("BTC", january(*range(1, 21)), "loaded", now), ("ETH", january(3), "failed", now))
    both = source(series(), series("ETH", until=date(2024, 1, 3)))
    due = due_days([both], Interval(FIRST, date(2024, 1, 21)), known, now)
    assert wanted(daily_days(due, [both])) == [("ETH", day) for day in january(1, 2, 3)]
    assert daily_days(due_days([here], Interval(FIRST, date(2024, 1, 21)), known, now), [here]).is_empty()


# Which asks ----------------------------------------------------------------------------------------------------------


def frame_of(days: Iterable[tuple[str, date]], dataset: Dataset = SPOT_PRICES) -> pl.DataFrame:
    rows = [(dataset.name, "here", name, day, True, after(day), None, None) for name, day in sorted(set(days))]
    return pl.DataFrame(rows, schema=pl.Schema({**EXPECTED, "state": pl.String()}), orient="row")


def covered(made: Sequence[Batch]) -> list[tuple[str, date]]:
    """The wanted days, each as often as asks of its batch cover it."""
    return sorted(
        (name, day)
        for batch in made
        for name, day in batch.wanted.select("series", "date").iter_rows()
        for ask in batch.asks
        if ask.series.name == name and day in ask.days
    )


@settings(max_examples=150)
@given(
    st.sets(st.tuples(st.sampled_from(["BTC", "ETH"]), st.integers(0, 400)), min_size=1, max_size=80),
    st.integers(1, 120),
    st.booleans(),
    st.sampled_from([SPOT_PRICES, FUNDING_RATES]),
    st.sampled_from([10, 0.01]),
)
def test_the_asks_cover_every_wanted_day_exactly_once(
    days: set[tuple[str, int]], days_per_ask: int, whole_history: bool, dataset: Dataset, per_second: float
) -> None:
    names = {"BTC": (0, 400), "ETH": (0, 400)}
    for name in names:
        mine = [day for one, day in days if one == name]
        names[name] = (min(mine, default=0), max(mine, default=0))
    listed = [series(name, FIRST + low * ONE_DAY, FIRST + high * ONE_DAY) for name, (low, high) in names.items()]
    here = source(*listed, days_per_ask=days_per_ask, whole_history=whole_history)
    feeds = tuple(replace(feed, dataset=dataset) for feed in here.feeds)
    here = replace(here, feeds=feeds, limits={"example.org": Limit(2, 1 / per_second)})
    asked = [(name, FIRST + day * ONE_DAY) for name, day in days]
    now = after(FIRST + 400 * ONE_DAY)
    made = batches([here], frame_of(asked, dataset), now)
    assert covered(made) == sorted(asked)
    for batch in made:
        for ask in batch.asks:
            assert 1 <= len(ask.days) <= days_per_ask
            assert ask.days == ask.series.valid(ask.days)
            assert (ask.series.name, ask.days.start) in asked
            assert (ask.series.name, ask.days.last) in asked
            assert ask.now == now
        starts = [ask.days.start for ask in batch.asks]
        assert max(starts) - min(starts) < timedelta(days=max(DAYS_PER_BATCH, days_per_ask))


def test_days_far_apart_are_asked_for_apart_unless_every_answer_is_everything() -> None:
    far = [("BTC", FIRST), ("BTC", FIRST + NEAR), ("BTC", FIRST + 2 * NEAR + ONE_DAY)]
    now = after(date(2024, 12, 31))
    (batch,) = batches([source(series())], frame_of(far), now)
    assert [len(ask.days) for ask in batch.asks] == [NEAR.days + 1, 1]
    assert (batch.requests, batch.requests_by_host) == (2, {"example.org": 2})
    (batch,) = batches([source(series(), whole_history=True)], frame_of(far), now)
    assert [len(ask.days) for ask in batch.asks] == [2 * NEAR.days + 2]
    assert batch.name == f"spot_prices from here, {FIRST} to {FIRST + 2 * NEAR + ONE_DAY}"


@settings(max_examples=60)
@given(st.sets(st.integers(0, 120), min_size=1), st.integers(1, 120), st.integers(0, 130))
def test_no_ask_holds_days_of_two_places(days: set[int], days_per_ask: int, age: int) -> None:
    now = after(FIRST + 120 * ONE_DAY)
    seam = FIRST + age * ONE_DAY
    here = source(series(), days_per_ask=days_per_ask)
    parted = replace(here, feeds=(replace(here.feeds[0], seam=lambda _: seam),))
    asked = [("BTC", FIRST + day * ONE_DAY) for day in days]
    made = batches([parted], frame_of(asked), now)
    assert covered(made) == sorted(asked)
    assert not [ask for batch in made for ask in batch.asks if ask.days.start < seam <= ask.days.last]


def two_feeds(per_second: float) -> Source:
    """A source whose first dataset is judged row by row, and whose second one compares with the days before."""
    here = source(series(), days_per_ask=1)
    feeds = tuple(replace(here.feeds[0], dataset=dataset) for dataset in (FUNDING_RATES, SPOT_PRICES))
    return replace(here, feeds=feeds, limits={"example.org": Limit(2, 1 / per_second)})


def planned_for(here: Source, days: int) -> list[tuple[str, int, int]]:
    """Dataset, first and last day (counted from the first of all) of each batch for some days, in order."""
    asked = [("BTC", FIRST + day * ONE_DAY) for day in range(days)]
    frames = [frame_of(asked, feed.dataset) for feed in here.feeds]
    return [
        (batch.feed.dataset.name, (min(dates) - FIRST).days, (max(dates) - FIRST).days)
        for batch in batches([here], pl.concat(frames), after(date(2024, 12, 31)))
        for dates in [date_of(batch.wanted)]
    ]


def test_the_newest_days_come_first_unless_a_check_compares_them_with_the_days_before() -> None:
    assert planned_for(two_feeds(per_second=10), 250) == [
        ("funding_rates", 184, 249),
        ("spot_prices", 0, 91),
        ("spot_prices", 92, 183),
        ("spot_prices", 184, 249),
        ("funding_rates", 92, 183),
        ("funding_rates", 0, 91),
    ]


def test_a_feed_that_fits_one_batch_has_its_newest_days_at_once() -> None:
    assert planned_for(two_feeds(per_second=10), 80) == [("funding_rates", 0, 79), ("spot_prices", 0, 79)]


@pytest.mark.parametrize(("per_second", "days"), [(0.5, 15), (0.1, 3), (0.001, 2)])
def test_the_newest_days_of_a_slow_source_are_as_many_as_fit_into_half_a_minute(per_second: float, days: int) -> None:
    first, *_ = planned_for(two_feeds(per_second), 250)
    assert first == ("funding_rates", 250 - days, 249)


def test_what_one_request_brings_is_not_parted_however_slow_it_is() -> None:
    here = two_feeds(0.001)
    whole = replace(here, feeds=tuple(replace(feed, days_per_ask=300) for feed in here.feeds))
    assert planned_for(whole, 250) == [("funding_rates", 0, 249), ("spot_prices", 0, 249)]


def test_batches_of_a_feed_follow_in_time() -> None:
    here = source(series(), series("ETH"), days_per_ask=100)
    days = [(name, FIRST + day * ONE_DAY) for name in ("BTC", "ETH") for day in range(250)]
    made = batches([here], frame_of(days), after(date(2024, 12, 31)))
    assert [(min(date_of(one.wanted)), one.wanted.height) for one in made] == [
        (FIRST, 200),
        (FIRST + 100 * ONE_DAY, 200),
        (FIRST + 200 * ONE_DAY, 100),
    ]


def test_small_asks_are_judged_together_and_a_series_follows_in_time() -> None:
    here = source(series(), series("ETH"), days_per_ask=30)
    days = [(name, FIRST + day * ONE_DAY) for name in ("BTC", "ETH") for day in range(100)]
    first, second = batches([here], frame_of(days), after(date(2024, 12, 31)))
    months = [(30 * number, 30) for number in range(3)]
    assert [(ask.series.name, (ask.days.start - FIRST).days, len(ask.days)) for ask in first.asks] == [
        (name, *month) for name in ("BTC", "ETH") for month in months
    ]
    assert [len(ask.days) for ask in second.asks] == [10, 10]
    assert (first.wanted.height, second.wanted.height) == (180, 20)


def test_a_source_that_is_not_wanted_makes_no_batch() -> None:
    other = source(series(), name="there")
    assert batches([other], frame_of([("BTC", FIRST)]), after(FIRST)) == []


# Which sources -------------------------------------------------------------------------------------------------------


def everything() -> dict[str, Source]:
    here = source(series(), series("ETH"))
    won = replace(here.feeds[0], dataset=KRW_PRICES, series=(series(),))
    return {"here": replace(here, feeds=(*here.feeds, won)), "there": source(series("SOL"), name="there")}


def chosen(**names: Sequence[str]) -> list[tuple[str, str, str]]:
    found = choose(everything(), **names)
    return [(one.name, feed.dataset.name, each.name) for one in found for feed in one.feeds for each in feed.series]


def test_sources_are_chosen_by_what_was_named() -> None:
    assert len(chosen()) == 4
    assert chosen(names=["there"]) == [("there", "spot_prices", "SOL")]
    assert chosen(datasets=["krw_prices"]) == [("here", "krw_prices", "BTC")]
    assert chosen(series=["BTC"]) == [("here", "spot_prices", "BTC"), ("here", "krw_prices", "BTC")]


@pytest.mark.parametrize("what", ["names", "datasets", "series"])
def test_an_unknown_name_is_answered_with_those_that_exist(what: str) -> None:
    with pytest.raises(BadRequest, match=r"unknown \w+ 'nobody': there are \w+"):
        chosen(**{what: ["nobody"]})


def test_a_combination_that_nobody_supplies_is_refused() -> None:
    with pytest.raises(BadRequest, match="nothing is supplied"):
        chosen(names=["there"], series=["BTC"])


def test_a_reading_can_be_had_in_the_twelve_hours_after_its_day() -> None:
    once = Series("USDT", "USDT", FIRST)
    reading = replace(source().feeds[0], series=(once,), reading=True)
    here = replace(source(), feeds=(reading,))
    midnight = datetime(2024, 3, 2, tzinfo=UTC)
    days = Interval.of_days(date(2024, 2, 28), date(2024, 3, 2))
    for hours, had in ((0, []), (1, [date(2024, 3, 1)]), (11.9, [date(2024, 3, 1)]), (12, []), (23, [])):
        now = midnight + timedelta(hours=hours)
        due = due_days([here], days, Books([]), now)
        assert backfill_days(due, Mode.missing)["date"].to_list() == had, hours
        for day in had:
            assert day_of_reading(now) == day
    assert timedelta(hours=12) == READ_WITHIN


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"example.org": Limit(2, 1)}, 3),
        ({"example.org": Limit(2, 1), "example.org/other": Limit(2, 100)}, 3),
        ({"example.org": Limit(11, 1), "example.org/days": Limit(2, 4)}, 12),
        ({"example.org/days": Limit(2, 4)}, 12),
        ({"example.org": Limit(5, 1, burst=3)}, 0.5),
    ],
)
def test_the_time_that_a_plan_takes_is_that_of_the_limit_that_binds_most(
    limits: dict[str, Limit], seconds: float
) -> None:
    here = replace(source(*(series(name) for name in "ABCD")), limits=limits)
    now = after(FIRST)
    wanted = backfill_days(due_days([here], Interval.of_days(FIRST, FIRST), Books([]), now), Mode.missing)
    planned = batches([here], wanted, now)
    assert forecast(planned, Mode.missing).seconds == pytest.approx(seconds)
    assert forecast(planned, Mode.replay).seconds == 0


def test_of_a_whole_history_every_settled_day_is_wanted_once_a_newer_one_has_fallen_due() -> None:
    here, windowed = source(series(), whole_history=True), source(series())
    known = books(("BTC", january(*range(1, 21)), "loaded", after(date(2024, 1, 20))))
    days = Interval(FIRST, date(2024, 1, 22))

    same_day = after(date(2024, 1, 20), minutes=600)
    due = due_days([here], days, known, same_day)
    assert wanted(daily_days(due, [here])) == []

    next_day = after(date(2024, 1, 21))
    due = due_days([here], days, known, next_day)
    assert wanted(daily_days(due, [here])) == [("BTC", day) for day in january(*range(1, 22))]
    assert wanted(daily_days(due, [windowed])) == [("BTC", day) for day in january(19, 20, 21)]
    (batch,) = batches([here], daily_days(due, [here]), next_day)
    assert batch.requests == 1


def test_a_whole_history_that_is_asked_for_one_day_is_compared_over_all_of_them() -> None:
    here = source(series(), series("ETH"), whole_history=True)
    now = after(date(2024, 1, 20), minutes=600)
    seen = after(date(2024, 1, 20))
    known = books(
        ("BTC", january(*range(1, 10)), "loaded", seen),
        ("BTC", january(10), "failed", seen),
        ("BTC", january(*range(11, 21)), "loaded", seen),
        ("ETH", january(*range(1, 21)), "loaded", seen),
    )
    due = due_days([here], Interval(FIRST, date(2024, 1, 21)), known, now)
    assert wanted(daily_days(due, [here])) == [("BTC", day) for day in january(*range(1, 21))]
