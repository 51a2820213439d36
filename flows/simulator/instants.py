"""Time as the simulator counts it: UTC days since 1970, and milliseconds since 1970."""

from datetime import UTC, date, datetime

SECOND_MS = 1_000
HOUR_MS = 3_600 * SECOND_MS
DAY_MS = 24 * HOUR_MS
DAY_S = 86_400

_EPOCH = date(1970, 1, 1).toordinal()


def number_of(day: date) -> int:
    """Count the days from 1970-01-01 to `day`."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    """Name the day that lies `number` days after 1970-01-01."""
    return date.fromordinal(number + _EPOCH)


def midnight_ms(day: date) -> int:
    """Milliseconds since 1970 at the start of the UTC day."""
    return number_of(day) * DAY_MS


def moment(millis: int) -> datetime:
    """Turn milliseconds since 1970 into an aware UTC time."""
    return datetime.fromtimestamp(millis / SECOND_MS, UTC)


def millis_of(instant: datetime) -> int:
    """Turn an aware time into milliseconds since 1970; a naive one is refused."""
    if instant.tzinfo is None:
        raise ValueError(f"expected a time with its zone, found the naive {instant}")
    return round(instant.timestamp() * SECOND_MS)


def parse(text: str) -> int:
    """Read ISO-8601 text, where no zone means UTC, as milliseconds since 1970."""
    instant = datetime.fromisoformat(text.strip())
    return millis_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def weekday(number: int) -> int:
    """Day of the week of a day number; Monday is 0."""
    return (number + 3) % 7


def next_weekday(number: int) -> int:
    """The first Monday-to-Friday day after the given day."""
    following = number + 1
    return following if weekday(following) < 5 else following + 7 - weekday(following)


def month_start(number: int) -> int:
    """The first day of the month that holds the given day."""
    return number_of(day_of(number).replace(day=1))


def next_month(number: int) -> int:
    """The first day of the month after the one that holds the given day."""
    return month_start(month_start(number) + 31)
