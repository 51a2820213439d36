"""Total assets of central banks as the Bank for International Settlements collects them, as rows of `macro_series`."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any, NamedTuple

import polars as pl

from expectations.releases import Release, days_later, friday_of_month, month_end, month_ends, month_fridays
from transforms.formats.statistics import amounts, observations, require
from transforms.units import billions_to_units, month_end_of

_PUBLISHED, _GRACE = days_later(95, time(12, 0)), timedelta(days=60)
# Months were seen to come after about three months; we take 95 days, so that no value is used before it was public.
RELEASE = month_ends(_PUBLISHED, _GRACE)
FRIDAYS = month_fridays(_PUBLISHED, _GRACE)


class Bank(NamedTuple):
    """A central bank as the BIS names it.

    Attributes:
        series: Our name of its total assets.
        currency: What they are stated in.
        day_of: The day that a month's value describes, given any day of the month.
        release: Which days have a value, and when it is public.
    """

    series: str
    currency: str
    day_of: Callable[[date], date] = month_end
    release: Release = RELEASE


BANKS = {
    "CN": Bank("pboc_assets", "CNY"),
    "JP": Bank("boj_assets", "JPY"),
    # These two banks also publish by the week: another day, another statistic. For the Eurosystem the BIS takes the
    # Friday of the week in which the month's last business day lies.
    "US": Bank("fed_assets_monthly", "USD"),
    "XM": Bank("ecb_assets_monthly", "EUR", friday_of_month, FRIDAYS),
}


def normalize(payload: Any, *, area: str) -> pl.DataFrame:
    """Turn one area's answer into one row per month.

    The answer holds the same assets several times: in domestic currency (`XDC`), in dollars and as a share of output,
    as reported (`TRANSFORMATION` N) and adjusted for breaks (B). We keep the domestic currency, which is in billions;
    as reported where available, else adjusted. A month is dated with its last day, or, for a bank with a weekly
    statement, with the Friday that the BIS takes.

    Args:
        payload: The CSV as text columns.
        area: The BIS' name of the area.

    Returns:
        Rows of `macro_series` in the bank's own currency.
    """
    bank = BANKS[area]
    listed = observations(payload, "FREQ", "REF_AREA", "UNIT_MEASURE", "TRANSFORMATION")
    domestic = (pl.col("FREQ") == "M") & (pl.col("UNIT_MEASURE") == "XDC")
    require(payload, REF_AREA=area)
    require(payload.filter(domestic), UNIT_MULT=9, CURRENCY=bank.currency)
    kept = listed.filter(domestic, pl.col("TRANSFORMATION").is_in(["N", "B"]))
    preferred = kept.with_columns(adjusted=pl.col("TRANSFORMATION") == "B").filter(
        pl.col("adjusted") == pl.col("adjusted").min().over("TIME_PERIOD")
    )
    months = preferred.select(last=month_end_of(pl.col("TIME_PERIOD")), amount=billions_to_units(pl.col("value")))
    days = pl.Series("date", [bank.day_of(last) for last in months["last"]], pl.Date)
    return amounts(months.with_columns(days), series=bank.series, currency=bank.currency, release=bank.release)
