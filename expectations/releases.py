"""Which days a series has a value for, and when that value is public.

Both are declared once per series: the ledger uses them to know which days are due, a transform stamps
`available_at`, and a missing row counts only if its day was expected.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import polars as pl

from expectations.interval import ONE_DAY, Interval, day_start

READ_WITHIN = timedelta(hours=12)  # after a day's end: the latest that a mart may use a value for that day

MONDAY = 0
TUESDAY = 1
WEDNESDAY = 2
THURSDAY = 3
FRIDAY = 4
SATURDAY = 5
SUNDAY = 6

# Weekdays that are not holidays and on which dealers did not trade government bonds, according to the Treasury yields
# at FRED (DGS10 from 1962 to July 1973, DGS3MO from September 1981 to 2026): days of mourning, storms, terror attacks,
# the first men on the moon, an inauguration, and until 1970 some Fridays before and Mondays after a holiday.
_BONDS_NOT_TRADED = frozenset(
    {
        date(1963, 11, 25),
        date(1964, 2, 21),
        date(1964, 5, 29),
        date(1964, 7, 3),
        date(1965, 5, 31),
        date(1965, 12, 24),
        date(1968, 4, 9),
        date(1969, 3, 31),
        date(1969, 7, 21),
        date(1969, 10, 13),
        date(1970, 2, 23),
        date(1981, 12, 9),
        date(1985, 1, 21),
        date(1985, 9, 27),
        date(1994, 4, 27),
        date(2001, 9, 11),
        date(2001, 9, 12),
        date(2004, 6, 11),
        date(2012, 10, 30),
        date(2018, 12, 5),
    }
)
# Juneteenth became a holiday by the law of 17 June 2021, a Thursday: government offices closed on the next day for the
# holiday on Saturday, while the Federal Reserve and dealers worked.
_BONDS_TRADED = frozenset({date(2021, 6, 18)})
# Further holidays in New York until these years: Lincoln's birthday and election days.
_LINCOLN_UNTIL, _ELECTIONS_UNTIL = 1985, 1984
# Days on which dealers traded without a reverse repo operation, most of them before Good Friday (FRED's RRPONTSYD).
_NO_REVERSE_REPO = frozenset(
    {
        date(2014, 4, 17),
        date(2015, 4, 2),
        date(2016, 3, 24),
        date(2017, 4, 13),
        date(2018, 3, 29),
        date(2018, 12, 4),
        date(2019, 4, 18),
    }
)
# Bank days without an effective rate (FRED's EFFR, 2000 to 2020).
_NO_EFFECTIVE_RATE = frozenset(
    {
        date(2001, 3, 27),
        date(2003, 10, 10),
        date(2003, 10, 30),
        date(2003, 10, 31),
        date(2006, 11, 6),
        date(2006, 11, 14),
    }
)


@dataclass(frozen=True)
class Release:
    """The publication rule of a series.

    Attributes:
        name: The rule's name in messages.
        expects: Whether the series has a value for a day.
        public_at: The instant (UTC) at which the value of a day is public.
        grace: How long after `public_at` a missing newest value counts as late, not as failed.
    """

    name: str
    expects: Callable[[date], bool]
    public_at: Callable[[date], datetime]
    grace: timedelta = timedelta(0)

    def without(self, days: Collection[date]) -> "Release":
        """The same rule, except for days that are known to have no value."""
        expects = self.expects
        return replace(self, expects=lambda day: day not in days and expects(day))

    def days(self, interval: Interval) -> pl.DataFrame:
        """One row per day: date, expected (flag), due_at (when it may be requested)."""
        return _days(self, interval)

    def available_at(self, days: pl.Series) -> pl.Series:
        """The publication instants of a column of days.

        It takes a column, not an expression: Polars would evaluate an expression on its own thread, which then waits
        for Python's lock while other threads hold the lock and wait for Polars.
        """
        instants = {day: self.public_at(day) for day in days.unique().drop_nulls()}
        return pl.Series("available_at", [instants.get(day) for day in days], pl.Datetime("us", "UTC"))


@lru_cache(maxsize=256)
def _days(release: Release, interval: Interval) -> pl.DataFrame:
    days = list(interval)
    return pl.DataFrame(
        {
            "date": days,
            "expected": [release.expects(day) for day in days],
            "due_at": [release.public_at(day) for day in days],
        },
        schema={"date": pl.Date, "expected": pl.Boolean, "due_at": pl.Datetime("us", "UTC")},
    )


def every_day(after: timedelta, grace: timedelta = timedelta(0)) -> Release:
    """A value for each UTC day, public this long after the day has ended, or later within the grace."""
    return Release("every day", lambda _: True, lambda day: day_start(day + ONE_DAY) + after, grace)


SOON_AFTER_DAY = every_day(timedelta(minutes=5))
"""A value for each UTC day, public five minutes after the day has ended.

A venue's candles and payments are final at midnight, and an answer from a minute later contains them; a reading of the
current state still describes the day's end.
"""


def day_of_reading(observed_at: datetime) -> date:
    """The UTC day that had just ended when a reading was taken."""
    return observed_at.astimezone(UTC).date() - ONE_DAY


def _same_day(at: time) -> Callable[[date], datetime]:
    return lambda day: day_start(day) + timedelta(hours=at.hour, minutes=at.minute)


def _next_bank_day(at: time) -> Callable[[date], datetime]:
    return _next_open_day(at, is_bank_day)


def _next_open_day(at: time, is_open: Callable[[date], bool]) -> Callable[[date], datetime]:
    def public_at(day: date) -> datetime:
        following = day + ONE_DAY
        while not is_open(following):
            following += ONE_DAY
        return _same_day(at)(following)

    return public_at


def _working_day_after(day: date, count: int, works: Callable[[date], bool]) -> date:
    """The working day that is this many working days after a day."""
    following, left = day, count
    while left:
        following += ONE_DAY
        left -= works(following)
    return following


def is_weekday(day: date) -> bool:
    """Monday to Friday, holidays included."""
    return day.weekday() < SATURDAY


@lru_cache(maxsize=256)
def _federal_holidays(year: int) -> frozenset[date]:
    """Days on which government offices are closed; a holiday on a weekend closes them on the Friday or Monday too."""
    from holidays import country_holidays  # noqa: PLC0415  slow to load, and most commands need no calendar

    return frozenset(country_holidays("US", years=year))


@lru_cache(maxsize=256)
def _target_closing_days(year: int) -> frozenset[date]:
    from holidays import financial_holidays  # noqa: PLC0415

    return frozenset(financial_holidays("ECB", years=year))


def is_office_day(day: date) -> bool:
    """A day on which government offices are open; a holiday on a Saturday closes them on the Friday before."""
    return is_weekday(day) and day not in _federal_holidays(day.year)


def is_bank_day(day: date) -> bool:
    """A day on which the Federal Reserve is open and publishes, also on a Friday before a holiday on a Saturday."""
    following = day + ONE_DAY
    eve = day.weekday() == FRIDAY and following in _federal_holidays(following.year)
    return is_office_day(day) or eve


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def is_target_day(day: date) -> bool:
    """A TARGET business day, on which the ECB fixes reference rates."""
    return is_weekday(day) and day not in _target_closing_days(day.year)


def target_days(at: time) -> Release:
    """TARGET business days, public the same day at this time (UTC)."""
    return Release("ECB business days", is_target_day, _same_day(at), grace=timedelta(days=1))


def weekdays_same_day(at: time) -> Release:
    """Monday to Friday, public the same day at this time (UTC)."""
    return Release("weekdays", is_weekday, _same_day(at), grace=timedelta(days=4))


def weekdays_next_day(at: time) -> Release:
    """Monday to Friday, public on the next bank day at this time (UTC)."""
    return Release("weekdays", is_weekday, _next_bank_day(at), grace=timedelta(days=4))


def daily_next_weekday(at: time) -> Release:
    """All seven days of the week, public on the next bank day at this time (UTC)."""
    return Release("every day", lambda _: True, _next_bank_day(at), grace=timedelta(days=4))


def wednesdays_next_day(at: time) -> Release:
    """Wednesday levels, public on Thursday at this time (UTC), or on Friday after Thanksgiving."""
    return Release("Wednesdays", lambda day: day.weekday() == WEDNESDAY, _next_bank_day(at), grace=timedelta(days=4))


@lru_cache(maxsize=256)
def _old_holidays(year: int) -> frozenset[date]:
    """Holidays that dealers no longer observe; one on a Sunday was observed on Monday."""
    kept = []
    if year <= _LINCOLN_UNTIL:
        kept.append(date(year, 2, 12))
    if year <= _ELECTIONS_UNTIL:
        kept.append(_nth(year, 11, MONDAY, 1) + ONE_DAY)
    return frozenset(day + ONE_DAY if day.weekday() == SUNDAY else day for day in kept)


def is_market_day(day: date) -> bool:
    """A day on which dealers trade government bonds: an office day, except Good Friday and the days listed above.

    Dealers sometimes trade for half a day on a day that this rule leaves out; a value for such a day is accepted.
    """
    from dateutil.easter import easter  # noqa: PLC0415

    good_friday = easter(day.year) - timedelta(days=2)
    closed = day == good_friday or day in _BONDS_NOT_TRADED or day in _old_holidays(day.year)
    return (is_office_day(day) or day in _BONDS_TRADED) and not closed


def market_days_next_day(at: time) -> Release:
    """Days on which government bonds are traded, public on the next bank day at this time (UTC)."""
    return Release("bond market days", is_market_day, _next_bank_day(at), grace=timedelta(days=4))


def reverse_repo_days(after: timedelta) -> Release:
    """Days on which the New York Fed holds reverse repo operations, public this long after the day's start (UTC)."""
    return market_days(after).without(_NO_REVERSE_REPO)


def effective_rate_days(at: time) -> Release:
    """Bank days with an effective federal funds rate, public on the next bank day at this time (UTC)."""
    return bank_days_next_day(at).without(_NO_EFFECTIVE_RATE)


def bank_days_next_day(at: time) -> Release:
    """Days on which the Federal Reserve is open, public on the next one at this time (UTC)."""
    return Release("bank days", is_bank_day, _next_bank_day(at), grace=timedelta(days=4))


def office_days_next_day(at: time) -> Release:
    """Days on which government offices are open, public on the next one at this time (UTC)."""
    return Release("office days", is_office_day, _next_open_day(at, is_office_day), grace=timedelta(days=4))


def market_days(after: timedelta) -> Release:
    """Days on which government bonds are traded, public this long after the day's start (UTC)."""
    return Release("bond market days", is_market_day, lambda day: day_start(day) + after, grace=timedelta(days=4))


def _is_report_day(day: date) -> bool:
    if day.weekday() == MONDAY:
        return is_office_day(day) and not is_office_day(day + ONE_DAY)
    return day.weekday() == TUESDAY and is_office_day(day)


def tuesdays_third_day(at: time, late: Mapping[date, date] | None = None) -> Release:
    """Tuesday's levels, or Monday's before a holiday, public on the third office day after them at this time (UTC).

    Args:
        at: The time of day.
        late: Levels that were published later than that: the day that they describe to the day on which they were
            public. The days up to the next levels are due with them.
    """
    delayed = sorted((late or {}).items())
    described = [day for day, _ in delayed]

    def public_at(day: date) -> datetime:
        usual = _same_day(at)(_working_day_after(day, 3, is_office_day))
        place = bisect_right(described, day)
        return max(usual, _same_day(at)(delayed[place - 1][1])) if place else usual

    return Release("Tuesdays", _is_report_day, public_at, grace=timedelta(days=4))


def fridays_second_target_day(at: time) -> Release:
    """Friday's levels, public on the second TARGET business day after them at this time (UTC).

    That is Tuesday, or Wednesday after Easter.
    """

    def public_at(day: date) -> datetime:
        return _same_day(at)(_working_day_after(day, 2, is_target_day))

    return Release("Fridays", lambda day: day.weekday() == FRIDAY, public_at, grace=timedelta(days=4))


def month_end(day: date) -> date:
    """The last day of the day's month."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - ONE_DAY


def month_ends(published: Callable[[date], datetime], grace: timedelta) -> Release:
    """One value a month, dated with its last day, whether it is that day's level or the month's mean.

    Every day of the month is due when the month's value is, because only then is the month known to be complete.

    Args:
        published: The instant at which the value of a month, given by its last day, is public.
        grace: How much later it may come.
    """
    return Release("month ends", lambda day: day == month_end(day), lambda day: published(month_end(day)), grace)


def friday_of_month(day: date) -> date:
    """The Friday of the week of a month's last TARGET business day; it may lie in the next month.

    Args:
        day: Any day of the month.
    """
    last = month_end(day)
    while not is_target_day(last):
        last -= ONE_DAY
    return last + timedelta(days=FRIDAY - last.weekday())


def month_fridays(published: Callable[[date], datetime], grace: timedelta) -> Release:
    """One value a month, for the Friday of the week of the month's last TARGET business day.

    Every day is due with the next of these Fridays.

    Args:
        published: The instant at which the value of a month, given by its last day, is public.
        grace: How much later it may come.
    """

    def month_of(day: date) -> date:
        """The last day of the month whose Friday comes next."""
        before = day.replace(day=1) - ONE_DAY
        months = (before, month_end(day), month_end(month_end(day) + ONE_DAY))
        return next(month for month in months if day <= friday_of_month(month))

    return Release(
        "month ends, on a Friday",
        lambda day: day == friday_of_month(month_of(day)),
        lambda day: published(month_of(day)),
        grace,
    )


def days_later(days: int, at: time) -> Callable[[date], datetime]:
    """This many days after the end of a month, at this time (UTC)."""
    return lambda last: _same_day(at)(last + timedelta(days=days))


def target_days_later(count: int, at: time) -> Callable[[date], datetime]:
    """This many TARGET business days after the end of a month, at this time (UTC)."""
    return lambda last: _same_day(at)(_working_day_after(last, count, is_target_day))


def fourth_tuesday_after(at: time) -> Callable[[date], datetime]:
    """The fourth Tuesday after the end of a month, at this time (UTC)."""
    return lambda last: _same_day(at)(_nth((last + ONE_DAY).year, (last + ONE_DAY).month, TUESDAY, 4))
