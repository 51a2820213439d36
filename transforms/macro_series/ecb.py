"""Statistics of the European Central Bank, as rows of `macro_series`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.releases import Release, fridays_second_target_day, month_ends, target_days_later
from transforms.formats.statistics import amounts, observations, require
from transforms.units import friday_of_week, millions_to_units, month_end_of


@dataclass(frozen=True)
class Statistic:
    """What a series of the ECB is; all of these are millions of euro.

    Attributes:
        name: Our name.
        day_of: The day that a period stands for.
        release: Which days have a value, and when it is public.
    """

    name: str
    day_of: Callable[[pl.Expr], pl.Expr]
    release: Release


STATISTICS = {
    # The weekly statement is of Friday, out on Tuesday at 15:00 in Frankfurt: 14:00 UTC in winter, kept all year.
    "ILM.W.U2.C.T000000.Z5.Z01": Statistic("ecb_assets", friday_of_week, fridays_second_target_day(time(14, 0))),
    # Seasonally and calendar adjusted, at the month's end. Out between the 18th and the 22nd business day: we take the
    # latest, because November's figures wait for January.
    "BSI.M.U2.Y.V.M20.X.1.U2.2300.Z01.E": Statistic(
        "euro_m2", month_end_of, month_ends(target_days_later(22, time(9, 0)), grace=timedelta(days=10))
    ),
}


def normalize(payload: Any, *, ecb_key: str) -> pl.DataFrame:
    """Turn one series into one row per period.

    A week (`2024-W49`) stands for its Friday, a month (`2024-11`) for its last day. `OBS_VALUE` is in millions of euro;
    where the table states its multiplier and its key, they are checked against the request.

    Args:
        payload: The CSV as text columns.
        ecb_key: The ECB's name of the series.

    Returns:
        Rows of `macro_series` in euro.
    """
    statistic = STATISTICS[ecb_key]
    listed = observations(payload)
    require(payload, may_be_blank=("UNIT",), KEY=ecb_key, UNIT_MULT=6, UNIT="EUR")
    levels = listed.select(date=statistic.day_of(pl.col("TIME_PERIOD")), amount=millions_to_units(pl.col("value")))
    return amounts(levels, series=statistic.name, currency="EUR", release=statistic.release)
