"""Time in the simulator: UTC days since 1970, and milliseconds since 1970."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SECOND_MS = 1_000
HOUR_MS = 3_600 * SECOND_MS
DAY_MS = 24 * HOUR_MS
DAY_S = 86_400

_EPOCH = date(1970, 1, 1).toordinal()
_NEW_YORK = ZoneInfo("America/New_York")


def number_of(day: date) -> int:
    """The number of days from 1970-01-01 to a day."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    """The day that is so many days after 1970-01-01."""
    return date.fromordinal(number + _EPOCH)


def midnight_ms(day: date) -> int:
    """The start of a UTC day, in milliseconds since 1970."""
    return number_of(day) * DAY_MS


def new_york_midnight_s(number: int) -> int:
    """The start of a day in New York, in seconds since 1970."""
    day = day_of(number)
    return int(datetime(day.year, day.month, day.day, tzinfo=_NEW_YORK).timestamp())


def moment(millis: int) -> datetime:
    """Milliseconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(millis / SECOND_MS, UTC)


def millis_of(instant: datetime) -> int:
    """A time as milliseconds since 1970; a time without a zone is refused."""
    if instant.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found the naive {instant}")
    return round(instant.timestamp() * SECOND_MS)


def parse(text: str) -> int:
    """ISO 8601 text as milliseconds since 1970; without a zone it is UTC."""
    instant = datetime.fromisoformat(text.strip())
    return millis_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def steps(step_ms: int, first_ms: int, last_ms: int) -> range:
    """The whole steps between two moments, both included, as numbers of steps since 1970."""
    return range(-(-first_ms // step_ms), last_ms // step_ms + 1)


def weekday(number: int) -> int:
    """The day of the week of a day; Monday is 0."""
    return (number + 3) % 7


def month_start(number: int) -> int:
    """The first day of the month of a day."""
    return number_of(day_of(number).replace(day=1))


def next_month(number: int) -> int:
    """The first day of the month after the month of a day."""
    return month_start(month_start(number) + 31)


def month_ends(first: int, last: int) -> Iterator[int]:
    """The last day of each month, from the month of a day on, up to another day."""
    end = next_month(first) - 1
    while end <= last:
        yield end
        end = next_month(end + 1) - 1
