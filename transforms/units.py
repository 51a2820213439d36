"""Every conversion of a unit, by name. No other code multiplies by 100 or divides by 1,000."""

import polars as pl

from expectations.errors import PayloadChanged
from transforms.refused import refuse

FIRST_MICROSECOND, LAST_MICROSECOND = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999
MICROSECONDS_FROM = 100_000_000_000_000  # 1e14: later than the year 5138 in milliseconds


def percent_to_fraction(percent: pl.Expr) -> pl.Expr:
    """5.0 percent is 0.05."""
    return percent / 100


def millions_to_units(millions: pl.Expr) -> pl.Expr:
    """Amounts stated in millions of a currency."""
    return millions * 1e6


def hundred_millions_to_units(hundred_millions: pl.Expr) -> pl.Expr:
    """Amounts stated in hundreds of millions of a currency, as Japan counts."""
    return hundred_millions * 1e8


def billions_to_units(billions: pl.Expr) -> pl.Expr:
    """Amounts stated in billions of a currency."""
    return billions * 1e9


def per_hour_to_apr(rate: pl.Expr) -> pl.Expr:
    """A fraction per hour, as a simple fraction per year of 8,760 hours."""
    return rate * 8760


def per_day_to_apr(rate: pl.Expr) -> pl.Expr:
    """A fraction per day, as a simple fraction per year of 365 days."""
    return rate * 365


def per_second_to_apr(rate: pl.Expr) -> pl.Expr:
    """A fraction per second, as a simple fraction per year of 365 days."""
    return rate * 31_536_000


def both_sides_to_one(contracts: pl.Expr) -> pl.Expr:
    """Open contracts that were counted once for the long side and once for the short side."""
    return contracts / 2


def contracts_to_coins(contracts: pl.Expr, coins: float) -> pl.Expr:
    """Futures contracts of a size in coins, as coins."""
    return contracts * coins


def unless_empty(text: pl.Expr) -> pl.Expr:
    """Text, unknown where it is empty."""
    return pl.when(text != "").then(text)


def decimal_text(text: pl.Expr) -> pl.Expr:
    """Numbers that the provider sends as text; any other text raises."""
    return text.cast(pl.Float64, strict=True)


def epoch_to_instant(stamp: pl.Expr) -> pl.Expr:
    """Milliseconds since 1970, or microseconds where the number is too large for them.

    A stamp that no date can hold, such as nanoseconds, is unknown, and `conform` refuses a row without its day.
    """
    whole = _held_by_a_date(stamp)
    microseconds = pl.when(whole >= MICROSECONDS_FROM).then(whole).otherwise(whole * 1000)
    return (
        pl.when(microseconds.is_between(FIRST_MICROSECOND, LAST_MICROSECOND))
        .then(microseconds)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
    )


def seconds_to_instant(stamp: pl.Expr) -> pl.Expr:
    """Seconds since 1970; a stamp that no date can hold is unknown."""
    return epoch_to_instant(_held_by_a_date(stamp) * 1000)


def _held_by_a_date(stamp: pl.Expr) -> pl.Expr:
    """A stamp in 64 bits, with room for a thousand times as much: a bare literal would wrap around in 32 bits."""
    whole = stamp.cast(pl.Int64, strict=False)
    return pl.when(whole.is_between(-LAST_MICROSECOND, LAST_MICROSECOND)).then(whole)


def iso_to_instant(text: pl.Expr) -> pl.Expr:
    """ISO 8601 text that ends in Z, with or without fractions of a second; any other text raises."""
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.replace_time_zone("UTC")


def spaced_to_instant(text: pl.Expr) -> pl.Expr:
    """Text such as 2024-12-09 23:55:00, which states no zone and means UTC; any other text raises."""
    return text.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us").dt.replace_time_zone("UTC")


def minutes_to_instant(text: pl.Expr) -> pl.Expr:
    """Text such as 202412092355, which states no zone and is taken as UTC; any other text raises."""
    return text.str.to_datetime("%Y%m%d%H%M", time_unit="us").dt.replace_time_zone("UTC")


def day_of(instant: pl.Expr) -> pl.Expr:
    """The UTC day of an instant."""
    return instant.dt.date()


def start_of(day: pl.Expr) -> pl.Expr:
    """The first instant of a UTC day."""
    return day.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def end_of(day: pl.Expr) -> pl.Expr:
    """The first instant after a UTC day."""
    return start_of(day.dt.offset_by("1d"))


def month_end_of(month: pl.Expr) -> pl.Expr:
    """The last day of a month that is written 2024-11; any other text raises."""
    return (month + "-01").str.to_date("%Y-%m-%d").dt.month_end()


def friday_of_week(week: pl.Expr) -> pl.Expr:
    """The Friday of an ISO week that is written 2024-W49; any other text raises."""
    return (week + "-5").str.to_date("%G-W%V-%u")


def require_midnights(frame: pl.DataFrame, stamp: str) -> pl.DataFrame:
    """Require daily rows to start at 00:00 UTC: another day boundary is another number.

    Args:
        frame: Rows of days.
        stamp: The column of instants at which they start.

    Returns:
        The rows; an odd one among others that start at 00:00 UTC is marked as refused.

    Raises:
        PayloadChanged: Half of them or more start at another time.
    """
    return _require_starts(frame, stamp, pl.col(stamp), "1d", "days that start at 00:00 UTC")


def _require_starts(frame: pl.DataFrame, stamp: str, clock: pl.Expr, period: str, what: str) -> pl.DataFrame:
    """Require rows to start with a period; a few others are marked, half of them or more are refused."""
    return refuse_some(frame, clock != clock.dt.truncate(period), what, stamp)


def refuse_some(frame: pl.DataFrame, odd: pl.Expr, what: str, found: str) -> pl.DataFrame:
    """Mark odd rows among others; where half of the rows or more are odd, refuse the whole answer.

    Args:
        frame: Rows.
        odd: True for those that are not as expected; unknown counts as false.
        what: What was expected of each.
        found: The column that the reason quotes.

    Returns:
        The rows, with the odd ones marked as refused.

    Raises:
        PayloadChanged: Half of them or more are odd.
    """
    others = frame.filter(odd)
    if not others.height:
        return frame
    if others.height * 2 >= frame.height:
        raise PayloadChanged(f"expected {what}, found {others[found][0]}")
    return refuse(
        frame, odd, pl.format(f"expected {what}, found {{}}", pl.col(found).cast(pl.String).fill_null("nothing"))
    )


def end_of_hour(opened_at: pl.Expr) -> pl.Expr:
    """The first instant after an hour that is named by its start."""
    return opened_at.dt.offset_by("1h")


def require_hours(frame: pl.DataFrame, stamp: str) -> pl.DataFrame:
    """Require hourly rows to start at a full hour; an odd one is marked, as in `require_midnights`."""
    return _require_starts(frame, stamp, pl.col(stamp), "1h", "hours that start at a full hour")


def korean_day_of(instant: pl.Expr) -> pl.Expr:
    """The Seoul day of an instant; Seoul is nine hours ahead of UTC and has no summer time."""
    return day_of(instant.dt.offset_by("9h"))


def end_of_korean_day(day: pl.Expr) -> pl.Expr:
    """The first instant after a day in Seoul: 15:00 UTC of the same date."""
    return end_of(day).dt.offset_by("-9h")


def require_korean_midnights(frame: pl.DataFrame, stamp: str) -> pl.DataFrame:
    """Require days to start at 00:00 in Seoul, 15:00 UTC of the day before; marks as `require_midnights` does."""
    seoul = pl.col(stamp).dt.offset_by("9h")
    return _require_starts(frame, stamp, seoul, "1d", "days that start at 15:00 UTC")
