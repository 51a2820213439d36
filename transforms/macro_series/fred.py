"""FRED's CSV files, as rows of `macro_series`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Any, Literal

import polars as pl

from expectations.calendar import (
    Release,
    daily_next_weekday,
    wednesdays_next_day,
    weekdays_next_day,
    weekdays_same_day,
)
from expectations.errors import PayloadChanged
from transforms.payload import text_columns
from transforms.units import billions_to_units, millions_to_units, percent_to_fraction, start_of


@dataclass(frozen=True)
class Statistic:
    """What a FRED series is.

    Attributes:
        name: Our name.
        kind: Whether it is money or a rate.
        to_unit: The conversion from FRED's unit.
        release: Which days have a value, and when FRED has it (UTC).
        announced: Whether the value is known before its day begins, however late FRED lists it.
    """

    name: str
    kind: Literal["amount", "rate"]
    to_unit: Callable[[pl.Expr], pl.Expr]
    release: Release
    announced: bool = False


# H.4.1 is out on Thursdays at 16:30 in New York, 21:30 UTC in winter; we keep the later hour all year.
_H41 = wednesdays_next_day(time(21, 30))
_NEXT_EVENING = time(21, 0)

STATISTICS = {
    "WALCL": Statistic("fed_assets", "amount", millions_to_units, _H41),
    # The Wednesday level, to go with WALCL; WTREGEN would be the week's average.
    "WDTGAL": Statistic("tga", "amount", millions_to_units, _H41),
    "RRPONTSYD": Statistic("rrp", "amount", billions_to_units, weekdays_same_day(time(19, 0))),
    "DFF": Statistic("effective_rate", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING)),
    # The range is announced at the meeting, and in force from the day after it.
    "DFEDTARL": Statistic("target_low", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING), announced=True),
    "DFEDTARU": Statistic(
        "target_high", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING), announced=True
    ),
    "DGS3MO": Statistic("yield_3m", "rate", percent_to_fraction, weekdays_next_day(_NEXT_EVENING)),
    "DGS1": Statistic("yield_1y", "rate", percent_to_fraction, weekdays_next_day(_NEXT_EVENING)),
}


def normalize(payload: Any, *, fred_id: str) -> pl.DataFrame:
    """Turn one CSV file into one row per observation.

    A value is stamped with the day that it describes; a listed day without a value (empty, or `.` in older files)
    is kept as such, because it tells that nothing was published for it.

    Args:
        payload: The CSV as text columns: the day, then a column named like the series.
        fred_id: FRED's name of the series.

    Returns:
        Rows of `macro_series`: amounts in USD, rates as fractions per year.
    """
    columns = payload.columns if isinstance(payload, pl.DataFrame) else []
    if columns not in (["observation_date", fred_id], ["DATE", fred_id]):
        raise PayloadChanged(f"expected the columns observation_date and {fred_id}, found {columns}")
    return observed(text_columns(payload, *columns).rename(dict(zip(columns, ("day", "value"), strict=True))), fred_id)


def observed(listed: pl.DataFrame, fred_id: str) -> pl.DataFrame:
    """Rows of `macro_series` from days and values as text, in FRED's unit.

    Args:
        listed: day, value; a value that is null or `.` is not there.
        fred_id: FRED's name of the series.
    """
    statistic = STATISTICS[fred_id]
    value = statistic.to_unit(pl.col("value").replace(".", None).cast(pl.Float64, strict=True))
    unknown = pl.lit(None, pl.Float64)
    is_amount = statistic.kind == "amount"
    day = pl.col("date")
    return listed.with_columns(date=pl.col("day").str.to_date("%Y-%m-%d")).select(
        date=day,
        series=pl.lit(statistic.name),
        currency=pl.lit("USD" if is_amount else None, pl.String),
        amount=value if is_amount else unknown,
        rate_apr=unknown if is_amount else value,
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=start_of(day) if statistic.announced else statistic.release.available_at(day),
    )
