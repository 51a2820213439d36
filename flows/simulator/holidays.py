"""The calendars of `expectations.releases`, by day number."""

from collections.abc import Callable
from datetime import date, timedelta

from expectations import releases
from flows.simulator.instants import day_of, number_of, weekday


def has_ecb_fixing(number: int) -> bool:
    """Whether the European Central Bank fixes its reference rates on a day."""
    return releases.is_target_day(day_of(number))


def is_federal_holiday(number: int) -> bool:
    """Whether banks of the United States are closed on a weekday."""
    return weekday(number) < 5 and not is_bank_day(number)


def is_bank_day(number: int) -> bool:
    """Whether banks of the United States are open."""
    return releases.is_bank_day(day_of(number))


def is_office_day(number: int) -> bool:
    """Whether offices of the United States are open."""
    return releases.is_office_day(day_of(number))


def is_bond_day(number: int) -> bool:
    """Whether bonds of the United States are traded."""
    return releases.is_market_day(day_of(number))


def open_day(number: int, is_open: Callable[[int], bool], *, step: int = 1) -> int:
    """The day itself if it is open, or else the next open day; with a step of -1 the last open day before it."""
    while not is_open(number):
        number += step
    return number


def first_monday_after_month(day: date) -> int:
    """The first Monday of the month after the month of a day, as days since 1970."""
    first = number_of((day.replace(day=1) + timedelta(days=32)).replace(day=1))
    return first + -weekday(first) % 7
