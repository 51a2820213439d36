"""The euro area, Japan and China: balance sheets of their central banks, their money and their currencies."""

from datetime import date

from flows.simulator.curve import Character, Curve
from flows.simulator.holidays import has_ecb_fixing
from flows.simulator.instants import DAY_MS, HOUR_MS, next_month, weekday

_EUROSYSTEM_MILLIONS = {
    date(2009, 1, 2): 2.08e6, date(2012, 6, 29): 3.10e6, date(2014, 9, 26): 2.05e6, date(2019, 1, 4): 4.70e6,
    date(2022, 6, 24): 8.84e6, date(2023, 6, 30): 7.22e6, date(2024, 6, 7): 6.56e6, date(2024, 11, 29): 6.345e6,
    date(2024, 12, 6): 6.352e6, date(2024, 12, 27): 6.357e6,
}  # fmt: skip
_JAPAN_HUNDRED_MILLIONS = {
    date(2009, 1, 31): 1.22e6, date(2013, 3, 31): 1.64e6, date(2019, 1, 31): 5.57e6, date(2022, 3, 31): 7.36e6,
    date(2024, 9, 30): 7.533e6, date(2024, 10, 31): 7.569e6, date(2024, 11, 30): 7.600e6, date(2024, 12, 31): 7.480e6,
}  # fmt: skip
_CHINA_BILLIONS = {
    date(2009, 1, 31): 2.08e4, date(2014, 12, 31): 3.38e4, date(2019, 12, 31): 3.71e4, date(2023, 12, 31): 4.57e4,
    date(2024, 8, 31): 4.38e4, date(2024, 12, 31): 4.41e4,
}  # fmt: skip
_EURO_MONEY_MILLIONS = {
    date(2009, 1, 31): 8.0e6, date(2018, 12, 31): 11.7e6, date(2022, 10, 31): 15.2e6, date(2023, 10, 31): 14.9e6,
    date(2024, 10, 31): 15.4e6, date(2024, 12, 31): 15.56e6,
}  # fmt: skip
_JAPAN_MONEY_HUNDRED_MILLIONS = {
    date(2009, 1, 31): 7.38e6, date(2018, 12, 31): 1.013e7, date(2022, 12, 31): 1.212e7, date(2024, 12, 31): 1.257e7,
}  # fmt: skip
_CHINA_MONEY_MILLIONS = {
    date(2009, 1, 31): 4.96e7, date(2018, 12, 31): 1.827e8, date(2023, 12, 31): 2.923e8, date(2024, 12, 31): 3.135e8,
}  # fmt: skip
_DOLLARS_PER_EURO = {
    date(2009, 1, 2): 1.39, date(2015, 3, 13): 1.06, date(2022, 9, 27): 0.96, date(2023, 6, 1): 1.07,
    date(2023, 12, 29): 1.105, date(2024, 4, 16): 1.0637, date(2024, 9, 30): 1.1196, date(2024, 12, 9): 1.0568,
    date(2024, 12, 31): 1.0389,
}  # fmt: skip
_YEN_PER_DOLLAR = {
    date(2009, 1, 2): 92.0, date(2012, 2, 1): 76.2, date(2023, 6, 1): 139.0, date(2023, 12, 29): 141.5,
    date(2024, 7, 10): 161.6, date(2024, 9, 30): 143.3, date(2024, 12, 9): 150.9, date(2024, 12, 31): 156.9,
}  # fmt: skip
_YUAN_PER_DOLLAR = {
    date(2009, 1, 2): 6.82, date(2014, 1, 14): 6.04, date(2023, 6, 1): 7.1, date(2023, 12, 29): 7.105,
    date(2024, 9, 30): 7.018, date(2024, 12, 9): 7.264, date(2024, 12, 31): 7.299,
}  # fmt: skip


def following_month(day: int, day_of_month: int, hour: int) -> int:
    """An hour of a day of the month after the month of a day, in milliseconds since 1970."""
    return (next_month(day) + day_of_month - 1) * DAY_MS + hour * HOUR_MS


def business_day_after(day: int, count: int) -> int:
    """The day that is so many working days of the European Central Bank later."""
    while count:
        day += 1
        count -= has_ecb_fixing(day)
    return day


def is_statement(day: int) -> bool:
    """Whether a day is one of the Eurosystem's weekly statements: a Friday."""
    return weekday(day) == 4


def statement_public_ms(day: int) -> int:
    """When the statement of a day is public: on the second working day after it, at 14:00 UTC."""
    return business_day_after(day, 2) * DAY_MS + 14 * HOUR_MS


class ForeignMacro:
    """Levels on any day.

    Attributes:
        eurosystem: Total assets of the Eurosystem, in millions of euro.
        japan: Total assets of the Bank of Japan, in hundreds of millions of yen.
        china: Total assets of the People's Bank of China, in billions of yuan.
        euro_money: M2 in millions of euro.
        japan_money: M2 in hundreds of millions of yen.
        china_money: M2 in millions of yuan.
        dollars_per_euro: A price.
        yen_per_dollar: A price.
        yuan_per_dollar: A price.
    """

    def __init__(self, seed: int) -> None:
        slow, steady = Character(wobble=0.0008, drift=0.02), Character(wobble=0.0002, drift=0.02)
        prices = Character(wobble=0.003, drift=0.04)
        self.eurosystem = Curve("eurosystem", _EUROSYSTEM_MILLIONS, slow, seed=seed)
        self.japan = Curve("bank of japan", _JAPAN_HUNDRED_MILLIONS, slow, seed=seed)
        self.china = Curve("people's bank", _CHINA_BILLIONS, slow, seed=seed)
        self.euro_money = Curve("euro m2", _EURO_MONEY_MILLIONS, steady, seed=seed)
        self.japan_money = Curve("japan m2", _JAPAN_MONEY_HUNDRED_MILLIONS, steady, seed=seed)
        self.china_money = Curve("china m2", _CHINA_MONEY_MILLIONS, steady, seed=seed)
        self.dollars_per_euro = Curve("eurusd", _DOLLARS_PER_EURO, prices, seed=seed)
        self.yen_per_dollar = Curve("usdjpy", _YEN_PER_DOLLAR, prices, seed=seed)
        self.yuan_per_dollar = Curve("usdcny", _YUAN_PER_DOLLAR, Character(wobble=0.001, drift=0.03), seed=seed)
