"""FRED's CSV files, as rows of `macro_series`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Literal

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import (
    Release,
    daily_next_weekday,
    days_later,
    fourth_tuesday_after,
    fridays_second_target_day,
    market_days_next_day,
    month_ends,
    reverse_repo_days,
    wednesdays_next_day,
)
from transforms.payload import text_columns
from transforms.units import (
    billions_to_units,
    hundred_millions_to_units,
    millions_to_units,
    percent_to_fraction,
    start_of,
)


@dataclass(frozen=True)
class Statistic:
    """What a FRED series is.

    Attributes:
        name: Our name.
        kind: Whether it is money or a rate.
        to_unit: The conversion from FRED's unit.
        release: Which days have a value, and when FRED has it (UTC).
        announced: Whether the value is known before its day begins, however late FRED lists it.
        currency: What an amount is stated in.
        monthly: Whether FRED's stamp is the first day of a month; the value is then dated with the last.
    """

    name: str
    kind: Literal["amount", "rate"]
    to_unit: Callable[[pl.Expr], pl.Expr]
    release: Release
    announced: bool = False
    currency: str = "USD"
    monthly: bool = False


# H.4.1 is out on Thursdays at 16:30 in New York, 21:30 UTC in winter; we keep the later hour all year.
_H41 = wednesdays_next_day(time(21, 30))
_NEXT_EVENING = time(21, 0)

STATISTICS = {
    "WALCL": Statistic("fed_assets", "amount", millions_to_units, _H41),
    # The Wednesday level, to go with WALCL; WTREGEN would be the week's average.
    "WDTGAL": Statistic("tga", "amount", millions_to_units, _H41),
    "RRPONTSYD": Statistic("rrp", "amount", billions_to_units, reverse_repo_days(timedelta(hours=19))),
    "DFF": Statistic("effective_rate", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING)),
    # The range is announced at the meeting, and in force from the day after it.
    "DFEDTARL": Statistic("target_low", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING), announced=True),
    "DFEDTARU": Statistic(
        "target_high", "rate", percent_to_fraction, daily_next_weekday(_NEXT_EVENING), announced=True
    ),
    "DGS3MO": Statistic("yield_3m", "rate", percent_to_fraction, market_days_next_day(_NEXT_EVENING)),
    "DGS1": Statistic("yield_1y", "rate", percent_to_fraction, market_days_next_day(_NEXT_EVENING)),
    # The mean of the month, seasonally adjusted. H.6 is out on the fourth Tuesday at 13:00 in New York, 18:00 UTC in
    # winter.
    "M2SL": Statistic(
        "us_m2",
        "amount",
        billions_to_units,
        month_ends(fourth_tuesday_after(time(18, 0)), grace=timedelta(days=10)),
        monthly=True,
    ),
    # The Eurosystem's statement of Friday, in euro; out on Tuesday at 15:00 in Frankfurt.
    "ECBASSETSW": Statistic(
        "ecb_assets", "amount", millions_to_units, fridays_second_target_day(time(14, 0)), currency="EUR"
    ),
    # The Bank of Japan at the month's end, in yen.
    "JPNASSETS": Statistic(
        "boj_assets",
        "amount",
        hundred_millions_to_units,
        month_ends(days_later(10, time(12, 0)), grace=timedelta(days=14)),
        currency="JPY",
        monthly=True,
    ),
}


def normalize(payload: Any, *, fred_id: str) -> pl.DataFrame:
    """Turn one CSV file into one row per observation.

    A value is stamped with the day that it describes. One of a whole month is stamped with its first day, and is dated
    with its last, because only then is the month over. A listed day without a value (empty, or `.` in older files) is
    kept, because it shows that nothing was published for it.

    Args:
        payload: The CSV as text columns: the day, then a column named like the series.
        fred_id: FRED's name of the series.

    Returns:
        Rows of `macro_series`: amounts in the currency of the statistic, rates as fractions per year.
    """
    columns = payload.columns if isinstance(payload, pl.DataFrame) else []
    if columns not in (["observation_date", fred_id], ["DATE", fred_id]):
        raise PayloadChanged(f"expected the columns observation_date and {fred_id}, found {columns}")
    return observed(text_columns(payload, *columns).rename(dict(zip(columns, ("day", "value"), strict=True))), fred_id)


def observed(listed: pl.DataFrame, fred_id: str) -> pl.DataFrame:
    """Rows of `macro_series` from days and values as text, in FRED's unit.

    Args:
        listed: day, value; a value that is null or `.` is missing.
        fred_id: FRED's name of the series.
    """
    statistic = STATISTICS[fred_id]
    value = statistic.to_unit(pl.col("value").replace(".", None).cast(pl.Float64, strict=True))
    unknown = pl.lit(None, pl.Float64)
    is_amount = statistic.kind == "amount"
    day = pl.col("date")
    stamp = pl.col("day").str.to_date("%Y-%m-%d")
    dated = listed.with_columns(date=stamp.dt.month_end() if statistic.monthly else stamp)
    return dated.select(
        date=day,
        series=pl.lit(statistic.name),
        currency=pl.lit(statistic.currency if is_amount else None, pl.String),
        amount=value if is_amount else unknown,
        rate_apr=unknown if is_amount else value,
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=start_of(day) if statistic.announced else statistic.release.available_at(dated["date"]),
    )
