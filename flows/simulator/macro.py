"""Macroeconomic series of the United States: the Federal Reserve's balance sheet, money, policy rates and yields."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from flows.simulator.curve import Character, Curve
from flows.simulator.foreign_macro import ForeignMacro, following_month, is_statement, statement_public_ms
from flows.simulator.holidays import is_federal_holiday, open_day
from flows.simulator.instants import DAY_MS, HOUR_MS, day_of, next_month, number_of, weekday

FIRST_DAY = number_of(date(2009, 1, 1))

# Lower end of the target range in percent, from its effective date; the range is 0.25 wide.
_TARGET = {
    date(2008, 12, 16): 0.00, date(2015, 12, 17): 0.25, date(2016, 12, 15): 0.50, date(2017, 3, 16): 0.75,
    date(2017, 6, 15): 1.00, date(2017, 12, 14): 1.25, date(2018, 3, 22): 1.50, date(2018, 6, 14): 1.75,
    date(2018, 9, 27): 2.00, date(2018, 12, 20): 2.25, date(2019, 8, 1): 2.00, date(2019, 9, 19): 1.75,
    date(2019, 10, 31): 1.50, date(2020, 3, 4): 1.00, date(2020, 3, 16): 0.00, date(2022, 3, 17): 0.25,
    date(2022, 5, 5): 0.75, date(2022, 6, 16): 1.50, date(2022, 7, 28): 2.25, date(2022, 9, 22): 3.00,
    date(2022, 11, 3): 3.75, date(2022, 12, 15): 4.25, date(2023, 2, 2): 4.50, date(2023, 3, 23): 4.75,
    date(2023, 5, 4): 5.00, date(2023, 7, 27): 5.25, date(2024, 9, 19): 4.75, date(2024, 11, 8): 4.50,
    date(2024, 12, 19): 4.25,
}  # fmt: skip
_TARGET_DAYS = [number_of(day) for day in sorted(_TARGET)]
_TARGET_LOWS = [_TARGET[day] for day in sorted(_TARGET)]
_EFFECTIVE_ABOVE_LOW = 0.08  # percentage points

_ASSETS_MILLIONS = {
    date(2009, 1, 7): 2.1e6, date(2014, 12, 31): 4.5e6, date(2019, 8, 28): 3.76e6, date(2020, 6, 3): 7.17e6,
    date(2022, 4, 13): 8.96e6, date(2023, 6, 7): 8.39e6, date(2024, 1, 3): 7.68e6, date(2024, 6, 5): 7.26e6,
    date(2024, 11, 6): 6.994e6, date(2024, 12, 4): 6.896e6, date(2024, 12, 25): 6.886e6,
}  # fmt: skip
_TREASURY_MILLIONS = {
    date(2009, 1, 7): 2.0e5, date(2019, 1, 2): 3.6e5, date(2020, 7, 22): 1.8e6, date(2022, 1, 5): 4.5e5,
    date(2023, 6, 1): 4.8e4, date(2023, 7, 5): 4.6e5, date(2023, 11, 1): 7.5e5, date(2024, 6, 5): 7.2e5,
    date(2024, 10, 30): 8.3e5, date(2024, 12, 4): 7.6e5, date(2024, 12, 25): 7.6e5,
}  # fmt: skip
_REVERSE_REPO_BILLIONS = {
    date(2014, 1, 2): 100.0, date(2021, 3, 1): 5.0, date(2021, 12, 31): 1_905.0, date(2022, 12, 30): 2_554.0,
    date(2023, 6, 1): 2_160.0, date(2023, 12, 1): 770.0, date(2024, 3, 1): 440.0, date(2024, 9, 3): 310.0,
    date(2024, 11, 1): 175.0, date(2024, 12, 9): 150.0, date(2024, 12, 26): 190.0,
}  # fmt: skip
_YIELDS_PERCENT = {
    "DGS3MO": {
        date(2009, 1, 2): 0.1, date(2019, 1, 2): 2.4, date(2020, 4, 1): 0.1, date(2022, 1, 3): 0.08,
        date(2023, 6, 1): 5.5, date(2024, 7, 1): 5.47, date(2024, 9, 18): 4.84, date(2024, 11, 7): 4.63,
        date(2024, 12, 9): 4.42, date(2024, 12, 31): 4.37,
    },
    "DGS1": {
        date(2009, 1, 2): 0.4, date(2019, 1, 2): 2.6, date(2020, 4, 1): 0.16, date(2022, 1, 3): 0.4,
        date(2023, 6, 1): 5.15, date(2023, 10, 18): 5.46, date(2024, 1, 12): 4.65, date(2024, 4, 30): 5.25,
        date(2024, 9, 24): 3.88, date(2024, 11, 14): 4.34, date(2024, 12, 9): 4.20, date(2024, 12, 31): 4.16,
    },
}  # fmt: skip
_M2_BILLIONS = {
    date(2009, 1, 31): 8_270.0, date(2018, 12, 31): 14_380.0, date(2022, 3, 31): 21_700.0, date(2023, 10, 31): 20_700.0,
    date(2024, 9, 30): 21_275.5, date(2024, 10, 31): 21_336.7, date(2024, 11, 30): 21_454.8,
    date(2024, 12, 31): 21_487.6,
}  # fmt: skip


class MacroSeries(NamedTuple):
    """A published series.

    Attributes:
        has_row: Whether a day, given as days since 1970, has a row.
        published_ms: When the row of a day became public, in milliseconds since 1970.
        value: The text of the row's value; empty if the day has none.
    """

    has_row: Callable[[int], bool]
    published_ms: Callable[[int], int]
    value: Callable[[int], str]

    def rows(self, first: int, last: int, now_ms: int) -> list[tuple[date, str]]:
        """The day and the value of each public row between two days, both included."""
        days = range(max(first, FIRST_DAY), last + 1)
        public = (day for day in days if self.has_row(day) and self.published_ms(day) <= now_ms)
        return [(day_of(day), self.value(day)) for day in public]


def _every_day(_: int) -> bool:
    return True


def _is_weekday(day: int) -> bool:
    return weekday(day) < 5


def _is_wednesday(day: int) -> bool:
    return weekday(day) == 2


def _is_first(day: int) -> bool:
    return day_of(day).day == 1


def _same_evening(day: int) -> int:
    return day * DAY_MS + 19 * HOUR_MS


def _thursday_evening(day: int) -> int:
    return (day + 1) * DAY_MS + 21 * HOUR_MS + HOUR_MS // 2


def _next_weekday_evening(day: int) -> int:
    return open_day(day + 1, _is_weekday) * DAY_MS + 21 * HOUR_MS


def _fourth_tuesday(day: int) -> int:
    """18:00 UTC on the fourth Tuesday of the month after the one that begins on the day."""
    first = next_month(day)
    return (first + (1 - weekday(first)) % 7 + 21) * DAY_MS + 18 * HOUR_MS


def _target(offset: float) -> Callable[[int], str]:
    """A rate that is so many percentage points above the lower end of the target range."""
    return lambda day: f"{_TARGET_LOWS[bisect_right(_TARGET_DAYS, day) - 1] + offset:.2f}"


class Macro:
    """Every series of FRED that is simulated, by its identifier."""

    def __init__(self, foreign: ForeignMacro, seed: int) -> None:
        def curve(name: str, pillars: dict[date, float], wobble: float, drift: float) -> Callable[[int], float]:
            return Curve(name, pillars, Character(wobble=wobble, drift=drift), seed=seed).at

        assets = curve("WALCL", _ASSETS_MILLIONS, 0.0006, 0.02)
        cash = curve("WDTGAL", _TREASURY_MILLIONS, 0.012, 0.1)
        repo = curve("RRPONTSYD", _REVERSE_REPO_BILLIONS, 0.06, 0.3)
        money = curve("M2SL", _M2_BILLIONS, 0.0002, 0.03)
        yields = {name: curve(name, pillars, 0.006, 0.05) for name, pillars in _YIELDS_PERCENT.items()}

        def yen(day: int) -> str:
            return str(round(foreign.japan.at(next_month(day) - 1)))

        weekly, daily = (_is_wednesday, _thursday_evening), (_every_day, _next_weekday_evening)
        self.series = {
            "WALCL": MacroSeries(*weekly, lambda day: str(round(assets(day)))),
            "WDTGAL": MacroSeries(*weekly, lambda day: str(round(cash(day)))),
            "RRPONTSYD": MacroSeries(_is_weekday, _same_evening, _except_holidays(repo, 3)),
            "DFF": MacroSeries(*daily, _target(_EFFECTIVE_ABOVE_LOW)),
            "DFEDTARL": MacroSeries(*daily, _target(0.0)),
            "DFEDTARU": MacroSeries(*daily, _target(0.25)),
            "M2SL": MacroSeries(_is_first, _fourth_tuesday, lambda day: f"{money(next_month(day) - 1):.1f}"),
            "ECBASSETSW": MacroSeries(
                is_statement, statement_public_ms, lambda day: str(round(foreign.eurosystem.at(day)))
            ),
            "JPNASSETS": MacroSeries(_is_first, lambda day: following_month(day, 10, 12), yen),
        }
        for name, level in yields.items():
            self.series[name] = MacroSeries(_is_weekday, _next_weekday_evening, _except_holidays(level, 2))


def _except_holidays(level: Callable[[int], float], digits: int) -> Callable[[int], str]:
    return lambda day: "" if is_federal_holiday(day) else f"{level(day):.{digits}f}"
