"""The calendars of `expectations.releases`, by day number."""

from datetime import date, timedelta

from expectations import releases
from flows.simulator.instants import day_of, number_of, weekday


def has_ecb_fixing(number: int) -> bool:
    """Whether the European Central Bank fixes its reference rates on this day."""
    return releases.is_target_day(day_of(number))


def is_federal_holiday(number: int) -> bool:
    """Whether United States banks are closed on this weekday."""
    return weekday(number) < 5 and not releases.is_bank_day(day_of(number))


def first_monday_after_month(day: date) -> int:
    """The first Monday of the month after the one that holds `day`, as a day number."""
    first = number_of((day.replace(day=1) + timedelta(days=32)).replace(day=1))
    return first + -weekday(first) % 7


def is_office_day(number: int) -> bool:
    """Whether United States offices work: a weekday, no holiday, and not the Friday before one on a Saturday."""
    return releases.is_office_day(day_of(number))


def is_bond_day(number: int) -> bool:
    """Whether United States government bonds are traded."""
    return releases.is_market_day(day_of(number))
