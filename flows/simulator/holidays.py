"""Working days: those of the ECB, and those of banks, offices and the bond market of the United States."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from flows.simulator.instants import day_of, number_of, weekday


@cache
def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm."""
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    step = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    shift = (golden + 11 * moon + 22 * step) // 451
    month, day = divmod(moon + step - 7 * shift + 114, 31)
    return date(year, month, day + 1)


@cache
def _target_closing_days(year: int) -> frozenset[date]:
    fixed = {date(year, 1, 1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)}
    return frozenset(fixed | {easter(year) - timedelta(days=2), easter(year) + timedelta(days=1)})


def has_ecb_fixing(number: int) -> bool:
    """Whether the European Central Bank fixes its reference rates on a day."""
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
    # A holiday on a Sunday is observed on Monday; for one on a Saturday the Friday stays open.
    observed = {day + timedelta(days=1) if day.weekday() == 6 else day for day in fixed}
    memorial_day = last_of_may - timedelta(days=last_of_may.weekday())
    others = {_nth(year, *rule) for rule in ((1, 0, 3), (2, 0, 3), (9, 0, 1), (10, 0, 2), (11, 3, 4))}
    return frozenset(observed | others | {memorial_day})


def is_federal_holiday(number: int) -> bool:
    """Whether banks of the United States are closed on a weekday."""
    day = day_of(number)
    return day in _federal_holidays(day.year)


def is_bank_day(number: int) -> bool:
    """Whether banks of the United States are open."""
    return weekday(number) < 5 and not is_federal_holiday(number)


def is_office_day(number: int) -> bool:
    """Whether offices of the United States are open: on bank days, but not on the Friday before a Saturday holiday."""
    return is_bank_day(number) and not (weekday(number) == 4 and is_federal_holiday(number + 1))


def is_bond_day(number: int) -> bool:
    """Whether bonds of the United States are traded: on office days except Good Friday and a day of mourning."""
    day = day_of(number)
    closed = {easter(day.year) - timedelta(days=2), date(2018, 12, 5)}
    return is_office_day(number) and day not in closed


def open_day(number: int, is_open: Callable[[int], bool], *, step: int = 1) -> int:
    """The day itself if it is open, or else the next open day; with a step of -1 the last open day before it."""
    while not is_open(number):
        number += step
    return number


def first_monday_after_month(day: date) -> int:
    """The first Monday of the month after the month of a day, as days since 1970."""
    first = number_of((day.replace(day=1) + timedelta(days=32)).replace(day=1))
    return first + -weekday(first) % 7
