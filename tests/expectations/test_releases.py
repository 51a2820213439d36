"""Which days have a value, and from when on it is public."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from holidays import financial_holidays
from hypothesis import given
from hypothesis import strategies as st

from expectations.interval import ONE_DAY, Interval, day_start, milliseconds
from expectations.releases import (
    SOON_AFTER_DAY,
    daily_next_weekday,
    days_later,
    every_day,
    fourth_tuesday_after,
    friday_of_month,
    fridays_second_target_day,
    is_bank_day,
    is_market_day,
    is_office_day,
    is_target_day,
    is_weekday,
    month_end,
    month_ends,
    month_fridays,
    target_days,
    target_days_later,
    wednesdays_next_day,
    weekdays_next_day,
    weekdays_same_day,
)
from flows.simulator import holidays, instants
from flows.sources import sources
from tests.tool import SHARED
from transforms.macro_series.fred import STATISTICS
from transforms.open_interest.cftc import LATE
from transforms.open_interest.cftc import RELEASE as CFTC

# Closing days of TARGET as the ECB announced them, those on weekdays.
CLOSED = {
    2002: ["01-01", "03-29", "04-01", "05-01", "12-25", "12-26"],
    2008: ["01-01", "03-21", "03-24", "05-01", "12-25", "12-26"],
    2020: ["01-01", "04-10", "04-13", "05-01", "12-25"],
    2021: ["01-01", "04-02", "04-05"],
    2022: ["04-15", "04-18", "12-26"],
    2023: ["04-07", "04-10", "05-01", "12-25", "12-26"],
    2024: ["01-01", "03-29", "04-01", "05-01", "12-25", "12-26"],
    2025: ["01-01", "04-18", "04-21", "05-01", "12-25", "12-26"],
    2026: ["01-01", "04-03", "04-06", "05-01", "12-25"],
}
# Holidays of the Federal Reserve on weekdays.
BANKS_CLOSED = {
    2021: ["01-01", "01-18", "02-15", "05-31", "07-05", "09-06", "10-11", "11-11", "11-25"],
    2022: ["01-17", "02-21", "05-30", "06-20", "07-04", "09-05", "10-10", "11-11", "11-24", "12-26"],
    2023: ["01-02", "01-16", "02-20", "05-29", "06-19", "07-04", "09-04", "10-09", "11-23", "12-25"],
    2024: [
        "01-01",
        "01-15",
        "02-19",
        "05-27",
        "06-19",
        "07-04",
        "09-02",
        "10-14",
        "11-11",
        "11-28",
        "12-25",
    ],
}
EVENING = time(21, 30)
DAYS = st.dates(date(1999, 1, 1), date(2040, 12, 31))


def weekdays_of(year: int) -> list[date]:
    return [day for day in Interval(date(year, 1, 1), date(year + 1, 1, 1)) if is_weekday(day)]


@pytest.mark.parametrize("year", sorted(CLOSED))
def test_the_euro_system_is_closed_on_its_holidays_and_no_others(year: int) -> None:
    closed = [f"{day:%m-%d}" for day in weekdays_of(year) if not is_target_day(day)]
    assert closed == CLOSED[year]


@pytest.mark.parametrize("year", sorted(BANKS_CLOSED))
def test_american_banks_are_closed_on_their_holidays_and_no_others(year: int) -> None:
    closed = [f"{day:%m-%d}" for day in weekdays_of(year) if not is_bank_day(day)]
    assert closed == BANKS_CLOSED[year]


@pytest.mark.parametrize("year", range(1999, 2041))
def test_banks_are_closed_on_the_days_that_the_federal_reserve_lists(year: int) -> None:
    listed = [day for day in sorted(financial_holidays("FED", years=year)) if is_weekday(day)]
    assert [day for day in weekdays_of(year) if not is_bank_day(day)] == listed


@given(DAYS)
def test_the_simulator_counts_the_same_days(day: date) -> None:
    number = instants.number_of(day)
    assert holidays.has_ecb_fixing(number) == is_target_day(day)
    assert holidays.is_federal_holiday(number) == (is_weekday(day) and not is_bank_day(day))
    assert holidays.is_office_day(number) == is_office_day(day)
    assert holidays.is_bond_day(number) == is_market_day(day)


def test_on_the_first_juneteenth_offices_closed_while_banks_and_dealers_worked() -> None:
    # The law of Thursday, 17 June 2021 made Saturday a holiday. The yields at FRED have 18 June.
    first = date(2021, 6, 18)
    assert [rule(first) for rule in (is_office_day, is_bank_day, is_market_day)] == [False, True, True]
    # A year later, with notice, everyone kept the Monday after the Sunday.
    second = date(2022, 6, 20)
    assert [rule(second) for rule in (is_office_day, is_bank_day, is_market_day)] == [False, False, False]


def test_a_friday_before_a_holiday_on_a_saturday_closes_offices_and_dealers_but_no_bank() -> None:
    for friday in (date(2020, 7, 3), date(2021, 12, 24), date(2021, 12, 31), date(2023, 11, 10), date(2027, 6, 18)):
        assert [rule(friday) for rule in (is_office_day, is_bank_day, is_market_day)] == [False, True, False]


def test_two_days_on_which_the_euro_system_was_closed_once() -> None:
    assert not is_target_day(date(1999, 12, 31))
    assert not is_target_day(date(2001, 12, 31))
    assert is_target_day(date(2002, 12, 31))


def test_at_easter_of_its_first_year_the_euro_system_was_open() -> None:
    # The ECB's own table of reference rates has both days.
    assert is_target_day(date(1999, 4, 2))
    assert is_target_day(date(1999, 4, 5))
    assert not is_target_day(date(2000, 4, 21))
    assert not is_target_day(date(2000, 4, 24))


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (1999, date(1999, 4, 4)),
        (2008, date(2008, 3, 23)),
        (2011, date(2011, 4, 24)),
        (2024, date(2024, 3, 31)),
        (2038, date(2038, 4, 25)),
    ],
)
def test_dealers_do_not_trade_on_good_friday(year: int, sunday: date) -> None:
    friday = sunday - timedelta(days=2)
    assert friday.year == year
    assert not is_market_day(friday)
    assert is_office_day(friday)
    assert is_market_day(friday - ONE_DAY)
    assert is_market_day(sunday + ONE_DAY)


def public(release: object, day: date) -> str:
    return f"{release.public_at(day):%a %d %b %Y %H:%M %Z}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("release", "day", "expected"),
    [
        (SOON_AFTER_DAY, date(2024, 12, 9), "Tue 10 Dec 2024 00:05 UTC"),
        (every_day(timedelta(minutes=15)), date(2024, 12, 31), "Wed 01 Jan 2025 00:15 UTC"),
        (target_days(time(15, 0)), date(2024, 12, 9), "Mon 09 Dec 2024 15:00 UTC"),
        (weekdays_same_day(time(19, 0)), date(2024, 12, 6), "Fri 06 Dec 2024 19:00 UTC"),
        # The next bank day: over a weekend, over a holiday, over a holiday and a weekend.
        (weekdays_next_day(EVENING), date(2024, 12, 5), "Fri 06 Dec 2024 21:30 UTC"),
        (weekdays_next_day(EVENING), date(2024, 12, 6), "Mon 09 Dec 2024 21:30 UTC"),
        (weekdays_next_day(EVENING), date(2024, 12, 24), "Thu 26 Dec 2024 21:30 UTC"),
        (weekdays_next_day(EVENING), date(2024, 8, 30), "Tue 03 Sep 2024 21:30 UTC"),
        (daily_next_weekday(EVENING), date(2024, 12, 7), "Mon 09 Dec 2024 21:30 UTC"),
        (daily_next_weekday(EVENING), date(2024, 12, 8), "Mon 09 Dec 2024 21:30 UTC"),
        # Wednesday's level comes on Thursday, and on Friday where Thursday is Thanksgiving or Independence Day.
        (wednesdays_next_day(EVENING), date(2024, 12, 4), "Thu 05 Dec 2024 21:30 UTC"),
        (wednesdays_next_day(EVENING), date(2024, 11, 27), "Fri 29 Nov 2024 21:30 UTC"),
        (wednesdays_next_day(EVENING), date(2024, 7, 3), "Fri 05 Jul 2024 21:30 UTC"),
    ],
)
def test_when_a_value_is_public(release: object, day: date, expected: str) -> None:
    assert public(release, day) == expected


NEVER_LATE = timedelta(0)
EUROSYSTEM = fridays_second_target_day(time(14, 0))


@pytest.mark.parametrize(
    ("release", "day", "expected"),
    [
        # Friday's statement comes on Tuesday, after Easter on Wednesday, after Christmas when two days were worked.
        (EUROSYSTEM, date(2024, 12, 6), "Tue 10 Dec 2024 14:00 UTC"),
        (EUROSYSTEM, date(2024, 3, 29), "Wed 03 Apr 2024 14:00 UTC"),
        (EUROSYSTEM, date(2024, 12, 20), "Tue 24 Dec 2024 14:00 UTC"),
        (EUROSYSTEM, date(2024, 12, 7), "Tue 10 Dec 2024 14:00 UTC"),
        # H.6 on the fourth Tuesday: January's came on 25 February 2025.
        (month_ends(fourth_tuesday_after(EVENING), NEVER_LATE), date(2024, 10, 31), "Tue 26 Nov 2024 21:30 UTC"),
        (month_ends(fourth_tuesday_after(EVENING), NEVER_LATE), date(2024, 12, 31), "Tue 28 Jan 2025 21:30 UTC"),
        (month_ends(fourth_tuesday_after(EVENING), NEVER_LATE), date(2025, 1, 31), "Tue 25 Feb 2025 21:30 UTC"),
        # The euro area's money of November 2024 came on 3 January.
        (month_ends(target_days_later(22, EVENING), NEVER_LATE), date(2024, 11, 30), "Fri 03 Jan 2025 21:30 UTC"),
        (month_ends(target_days_later(22, EVENING), NEVER_LATE), date(2024, 10, 31), "Mon 02 Dec 2024 21:30 UTC"),
        (month_ends(days_later(10, EVENING), NEVER_LATE), date(2024, 11, 30), "Tue 10 Dec 2024 21:30 UTC"),
        # Every day of a month is due with the month's value.
        (month_ends(days_later(10, EVENING), NEVER_LATE), date(2024, 2, 1), "Sun 10 Mar 2024 21:30 UTC"),
        (month_ends(days_later(10, EVENING), NEVER_LATE), date(2024, 2, 29), "Sun 10 Mar 2024 21:30 UTC"),
    ],
)
def test_when_weekly_and_monthly_statistics_are_public(release: object, day: date, expected: str) -> None:
    assert public(release, day) == expected


def test_reports_that_came_late_are_public_when_they_came() -> None:
    published = {
        date(2018, 12, 18): date(2018, 12, 21),
        date(2018, 12, 24): date(2019, 2, 1),
        date(2019, 2, 26): date(2019, 3, 5),
        date(2019, 3, 5): date(2019, 3, 8),
        date(2021, 6, 15): date(2021, 6, 21),  # after the first Juneteenth, on Monday
        date(2023, 1, 31): date(2023, 2, 24),
        date(2025, 9, 23): date(2025, 9, 26),
        date(2025, 9, 30): date(2025, 11, 19),
        date(2025, 10, 7): date(2025, 11, 21),
        date(2025, 11, 10): date(2025, 12, 12),
        date(2026, 1, 13): date(2026, 1, 20),
        date(2026, 1, 20): date(2026, 1, 23),
    }
    assert all(CFTC.expects(day) for day in [*published, *LATE])
    found = {day: CFTC.public_at(day) for day in published}
    assert found == {day: day_start(out) + timedelta(hours=20, minutes=30) for day, out in published.items()}
    # What is due between two reports waits for the earlier one, as it always does.
    assert CFTC.public_at(date(2025, 10, 9)) == CFTC.public_at(date(2025, 10, 7))


@pytest.mark.parametrize(
    ("month", "friday"),
    [
        (date(2024, 8, 31), date(2024, 8, 30)),  # a Saturday
        (date(2024, 11, 1), date(2024, 11, 29)),
        (date(2024, 12, 31), date(2025, 1, 3)),  # a Tuesday: its Friday is of the next month
        (date(2024, 3, 31), date(2024, 3, 29)),  # Easter Sunday: Thursday was the last business day
        (date(2025, 4, 30), date(2025, 5, 2)),
    ],
)
def test_a_month_may_stand_for_the_friday_of_its_last_business_week(month: date, friday: date) -> None:
    assert friday_of_month(month) == friday
    release = month_fridays(days_later(95, EVENING), NEVER_LATE)
    assert release.expects(friday)
    assert not release.expects(friday - ONE_DAY)
    assert not release.expects(friday - timedelta(days=7))
    due = day_start(month_end(month)) + timedelta(days=95, hours=21, minutes=30)
    assert release.public_at(friday) == release.public_at(friday - ONE_DAY) == due
    assert release.public_at(friday + ONE_DAY) > due


def test_a_month_has_one_value_dated_with_its_last_day() -> None:
    release = month_ends(days_later(10, EVENING), NEVER_LATE)
    days = [day for day in Interval(date(2023, 12, 1), date(2024, 4, 1)) if release.expects(day)]
    assert days == [date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)]


def test_which_days_are_expected() -> None:
    week = list(Interval(date(2024, 12, 2), date(2024, 12, 9)))
    every, some = every_day(timedelta(0)), weekdays_next_day(EVENING)
    assert [every.expects(day) for day in week] == [True] * 7
    assert [daily_next_weekday(EVENING).expects(day) for day in week] == [True] * 7
    assert [some.expects(day) for day in week] == [True] * 5 + [False] * 2
    assert [wednesdays_next_day(EVENING).expects(day) for day in week] == [False] * 2 + [True] + [False] * 4


@given(DAYS)
def test_nothing_is_public_before_its_day_begins_and_all_within_a_week_or_some_months(day: date) -> None:
    for source in sources().values():
        for feed in source.feeds:
            for release in {series.release for series in feed.series}:
                due = release.public_at(day)
                longest = timedelta(days=150 if release.name.startswith("month ends") else 8)
                if source.name == "cftc" and day.year in {2018, 2019, 2023, 2025, 2026}:
                    longest = timedelta(days=60)  # after a shutdown
                assert day_start(day) <= due <= day_start(day) + longest
                assert due.tzinfo is UTC
                assert due <= release.public_at(day + ONE_DAY)


def test_days_and_instants_of_a_release_agree() -> None:
    days = Interval(date(2024, 11, 20), date(2024, 12, 10))
    for release in {statistic.release for statistic in STATISTICS.values()}:
        table = release.days(days)
        assert table["date"].to_list() == list(days)
        assert table["expected"].to_list() == [release.expects(day) for day in days]
        assert table["due_at"].to_list() == [release.public_at(day) for day in days]
        assert release.available_at(table["date"]).to_list() == table["due_at"].to_list()
        assert table.schema["due_at"] == pl.Datetime("us", "UTC")


def test_a_release_of_no_days_gives_no_instants() -> None:
    release = target_days(time(15, 0))
    assert release.available_at(pl.Series("date", [], pl.Date)).dtype == pl.Datetime("us", "UTC")
    assert release.available_at(pl.Series("date", [None], pl.Date)).to_list() == [None]
    assert release.days(Interval(date(2024, 1, 1), date(2024, 1, 1))).height == 0


NO_BONDS = ["2001-09-11", "2001-09-12", "2004-06-11", "2012-10-30", "1994-04-27", "2018-12-05"]
NO_REPO = ["2014-04-17", "2015-04-02", "2016-03-24", "2017-04-13", "2018-03-29", "2018-12-04", "2019-04-18"]
NO_RATE = ["2001-03-27", "2003-10-10", "2003-10-30", "2003-10-31", "2006-11-06", "2006-11-14"]


@pytest.mark.parametrize(
    ("source", "series", "without"),
    [
        *((source, name, NO_BONDS) for source in ("fred", "treasury") for name in ("yield_3m", "yield_1y")),
        ("yahoo", "fed_funds_futures", NO_BONDS),
        *((source, "rrp", NO_REPO) for source in ("fred", "fred_api", "nyfed")),
        *(("nyfed", series, NO_RATE) for series in ("effective_rate", "target_low", "target_high")),
    ],
)
def test_days_that_are_known_to_have_no_value_are_not_expected(source: str, series: str, without: list[str]) -> None:
    feed = next(feed for feed in sources()[source].feeds if feed.dataset.name == "macro_series")
    release = next(one.release for one in feed.series if one.name == series)
    days = [date.fromisoformat(text) for text in without]
    assert [day for day in days if release.expects(day)] == []
    # The other working days of the same week are expected as ever.
    others = [day + timedelta(days=step) for day in days for step in (-7, 7)]
    assert all(release.expects(day) or not is_market_day(day) or day in days for day in others)
    assert any(release.expects(day) for day in others)


@pytest.mark.parametrize(
    "text", ["1962-02-12", "1962-02-22", "1967-05-30", "1965-10-12", "1966-11-08", "1982-11-02", "1984-02-13"]
)
def test_dealers_once_kept_other_holidays(text: str) -> None:
    day = date.fromisoformat(text)
    assert not is_market_day(day)
    assert is_market_day(date(1986, 2, 12))
    assert is_market_day(date(1988, 11, 8))


# Weekdays without a yield of ten years at FRED (DGS10), up to July 1973.
WITHOUT_YIELD = {
    1962: ["02-12", "02-22", "04-20", "05-30", "07-04", "09-03", "10-12", "11-06", "11-12", "11-22", "12-25"],
    1963: ["01-01", "02-12", "02-22", "04-12", "05-30", "07-04", "09-02", "11-05", "11-11", "11-25", "11-28", "12-25"],
    1964: ["01-01", "02-12", "02-21", "03-27", "05-29", "07-03", "09-07", "10-12", "11-03", "11-11", "11-26", "12-25"],
    1965: ["01-01", "02-12", "02-22", "04-16", "05-31", "07-05", "09-06", "10-12", "11-02", "11-11", "11-25", "12-24"],
    1966: ["02-22", "04-08", "05-30", "07-04", "09-05", "10-12", "11-08", "11-11", "11-24", "12-26"],
    1967: ["01-02", "02-13", "02-22", "03-24", "05-30", "07-04", "09-04", "10-12", "11-07", "11-23", "12-25"],
    1968: ["01-01", "02-12", "02-22", "04-09", "04-12", "05-30", "07-04", "09-02", "11-05", "11-11", "11-28", "12-25"],
    1969: [
        "01-01",
        "02-12",
        "03-31",
        "04-04",
        "05-30",
        "07-04",
        "07-21",
        "09-01",
        "10-13",
        "11-04",
        "11-11",
        "11-27",
        "12-25",
    ],
    1970: ["01-01", "02-12", "02-23", "03-27", "07-03", "09-07", "10-12", "11-03", "11-11", "11-26", "12-25"],
    1971: ["01-01", "02-12", "02-15", "04-09", "05-31", "07-05", "09-06", "10-11", "10-25", "11-02", "11-25", "12-24"],
    1972: ["02-21", "03-31", "05-29", "07-04", "09-04", "10-09", "10-23", "11-07", "11-23", "12-25"],
    1973: ["01-01", "02-12", "02-19", "04-20", "05-28", "07-04"],
}
# New Year's Day of 1962 lies before the first yield; on the others dealers traded before a holiday on a Saturday.
TAKEN_AS_THEY_COME = {"1962-01-01", "1967-11-10", "1971-12-31"}


def test_in_the_first_years_of_the_yields_dealers_traded_on_all_other_days() -> None:
    days = Interval(date(1962, 1, 1), date(1973, 8, 1))
    closed = {f"{day}" for day in days if is_weekday(day) and not is_market_day(day)}
    assert closed == {f"{year}-{day}" for year, listed in WITHOUT_YIELD.items() for day in listed} | TAKEN_AS_THEY_COME


RECORDED = SHARED / "recordings" / "fred" / "fredgraph_DGS3MO_seho4080.csv"


@pytest.mark.skipif(not RECORDED.exists(), reason="no ../shared/recordings")
def test_there_is_a_yield_on_every_day_on_which_dealers_trade() -> None:
    recorded = pl.read_csv(RECORDED, try_parse_dates=True).drop_nulls("DGS3MO")["observation_date"]
    yields = set(recorded)
    days = Interval.of_days(min(yields), max(yields))
    assert [day for day in days if is_market_day(day) and day not in yields] == []
    # On some Good Fridays, and before some holidays on a Saturday, dealers traded; what comes is taken.
    extra = [day for day in days if day in yields and not is_market_day(day)]
    assert len(extra) == 21
    assert all(day.weekday() == 4 for day in extra)


# intervals -----------------------------------------------------------------------------------------------------------


def test_an_interval_is_half_open_and_says_its_last_day() -> None:
    days = Interval.of_days(date(2024, 2, 28), date(2024, 3, 1))
    assert list(days) == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]
    assert (len(days), days.last, days.end) == (3, date(2024, 3, 1), date(2024, 3, 2))
    assert date(2024, 3, 1) in days
    assert date(2024, 3, 2) not in days
    assert days.starts_at == datetime(2024, 2, 28, tzinfo=UTC)
    assert days.ends_at == datetime(2024, 3, 2, tzinfo=UTC)
    assert milliseconds(days.starts_at) == 1_709_078_400_000


def test_an_interval_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an end not before 2024-03-01, found 2024-02-28"):
        Interval(date(2024, 3, 1), date(2024, 2, 28))
    assert len(Interval(date(2024, 3, 1), date(2024, 3, 1))) == 0


@given(DAYS, st.integers(0, 700), st.integers(1, 400))
def test_pieces_are_the_whole_in_order_and_none_is_too_long(start: date, length: int, most: int) -> None:
    whole = Interval(start, start + timedelta(days=length))
    pieces = list(whole.split(most))
    assert [day for piece in pieces for day in piece] == list(whole)
    assert all(0 < len(piece) <= most for piece in pieces)
    assert len(pieces) == -(-length // most)
