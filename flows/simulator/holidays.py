"""Which weekdays have no fixing: the ECB's closing days and United States federal holidays."""

from datetime import date, timedelta
from functools import cache

from flows.simulator.instants import day_of, number_of, weekday


@cache
def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian computation."""
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    step = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (golden + 11 * moon + 22 * step) // 451
    month, day = divmod(moon + step - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@cache
def _target_closing_days(year: int) -> frozenset[date]:
    sunday = easter(year)
    return frozenset(
        {
            date(year, 1, 1),
            sunday - timedelta(days=2),
            sunday + timedelta(days=1),
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def has_ecb_fixing(number: int) -> bool:
    """Whether the European Central Bank fixes its reference rates on this day."""
    day = day_of(number)
    return weekday(number) < 5 and day not in _target_closing_days(day.year)


def _nth(year: int, month: int, day_of_week: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(day_of_week - first.weekday()) % 7 + 7 * (nth - 1))


@cache
def _federal_holidays(year: int) -> frozenset[date]:
    last_of_may = date(year, 5, 31)
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))
    # A holiday on a Sunday is kept on Monday; one on a Saturday leaves the Friday open.
    observed = {day + timedelta(days=1) if day.weekday() == 6 else day for day in fixed}
    return frozenset(
        observed
        | {
            _nth(year, 1, 0, 3),
            _nth(year, 2, 0, 3),
            last_of_may - timedelta(days=last_of_may.weekday()),
            _nth(year, 9, 0, 1),
            _nth(year, 10, 0, 2),
            _nth(year, 11, 3, 4),
        }
    )


def is_federal_holiday(number: int) -> bool:
    """Whether United States banks are closed on this weekday."""
    day = day_of(number)
    return day in _federal_holidays(day.year)


def first_monday_after_month(day: date) -> int:
    """The first Monday of the month after the one that holds `day`, as a day number."""
    first = number_of((day.replace(day=1) + timedelta(days=32)).replace(day=1))
    return first + -weekday(first) % 7


def is_office_day(number: int) -> bool:
    """Whether United States offices work: a weekday, no holiday, and not the Friday before one on a Saturday."""
    if weekday(number) >= 5 or is_federal_holiday(number):
        return False
    return not (weekday(number) == 4 and is_federal_holiday(number + 1))


def is_bond_day(number: int) -> bool:
    """Whether United States government bonds are traded: an office day that is not Good Friday."""
    day = day_of(number)
    closed = {easter(day.year) - timedelta(days=2), date(2018, 12, 5)}
    return is_office_day(number) and day not in closed
