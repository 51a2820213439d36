"""Statistics of the Bank of Japan, as rows of `macro_series`."""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, brief
from expectations.releases import Release, days_later, month_ends
from transforms.formats.statistics import amounts
from transforms.payload import NUMBER_OR_TEXT, column, member, spelled
from transforms.units import hundred_millions_to_units, month_end_of

UNIT = "100 million yen"


@dataclass(frozen=True)
class Statistic:
    """What a series of the Bank of Japan is.

    Attributes:
        name: Our name.
        database: Where the bank keeps it.
        release: Which days have a value, and when it is public.
    """

    name: str
    database: str
    release: Release


STATISTICS = {
    # The bank's own accounts at the month's end. They are out within a few business days; we take the 10th.
    "MABJMTA": Statistic("boj_assets", "BS01", month_ends(days_later(10, time(12, 0)), grace=timedelta(days=14))),
    # The mean of the month, not adjusted. Out between the 9th and the 16th.
    "MAM1NAM2M2MO": Statistic("japan_m2", "MD02", month_ends(days_later(16, time(12, 0)), grace=timedelta(days=14))),
}


def normalize(payload: Any, *, code: str) -> pl.DataFrame:
    """Turn one series into one row per month.

    `SURVEY_DATES` are months written 202411, each dated here with its last day. Values are in hundreds of millions of
    yen; the answer says so, and another unit is refused. Months and values may be numbers or text.

    Args:
        payload: The decoded answer.
        code: The bank's name of the series.

    Returns:
        Rows of `macro_series` in yen; none where the bank says that it has no data.
    """
    statistic = STATISTICS[code]
    series = member(payload, "RESULTSET")
    if not isinstance(series, list) or len(series) > 1:
        raise PayloadChanged(f"expected one series, found {brief(series, 80)}")
    months: list[Any] = []
    values: list[Any] = []
    for entry in series:
        stated = (
            member(entry, "SERIES_CODE"),
            str(member(entry, "FREQUENCY")).upper(),
            str(member(entry, "UNIT")).lower(),
        )
        if stated != (code, "MONTHLY", UNIT):
            raise PayloadChanged(f"expected {code}, MONTHLY, {UNIT}, found {stated}")
        points = member(entry, "VALUES")
        months, values = member(points, "SURVEY_DATES"), member(points, "VALUES")
    if len(months) != len(values):
        raise PayloadChanged(f"expected a value for each month, found {len(values)} for {len(months)}")
    month = pl.col("month")
    levels = pl.DataFrame([spelled("month", months), column("value", values, NUMBER_OR_TEXT)]).select(
        date=month_end_of(month.str.slice(0, 4) + "-" + month.str.slice(4)),
        amount=hundred_millions_to_units(pl.col("value")),
    )
    return amounts(levels, series=statistic.name, currency="JPY", release=statistic.release)
