"""Total assets of central banks as the Bank for International Settlements collects them, as rows of `macro_series`."""

from datetime import time, timedelta
from typing import Any, NamedTuple

import polars as pl

from expectations.calendar import days_later, month_ends
from transforms.statistics import amounts, observations, require
from transforms.units import billions_to_units, month_end_of


class Bank(NamedTuple):
    """A central bank as the BIS names it.

    Attributes:
        series: Our name of its total assets.
        currency: What they are stated in.
    """

    series: str
    currency: str


BANKS = {
    "CN": Bank("pboc_assets", "CNY"),
    "JP": Bank("boj_assets", "JPY"),
    # The same banks state these two by the week: another day, another statistic.
    "US": Bank("fed_assets_monthly", "USD"),
    "XM": Bank("ecb_assets_monthly", "EUR"),
}

# A month was seen to come after about three; we take 95 days, so that no value is used before it was public.
RELEASE = month_ends(days_later(95, time(12, 0)), grace=timedelta(days=60))


def normalize(payload: Any, *, area: str) -> pl.DataFrame:
    """Turn one area's answer into one row per month.

    The answer holds the same assets several times: in domestic currency (`XDC`), in dollars and as a share of output,
    as reported (`TRANSFORMATION` N) and adjusted for breaks (B). Kept is the domestic currency, which is in billions;
    as reported where there is that, else adjusted. A month is dated with its last day.

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
    require(payload.filter(domestic), UNIT_MULT="9", CURRENCY=bank.currency)
    kept = listed.filter(domestic, pl.col("TRANSFORMATION").is_in(["N", "B"]))
    told = kept.with_columns(adjusted=pl.col("TRANSFORMATION") == "B").filter(
        pl.col("adjusted") == pl.col("adjusted").min().over("TIME_PERIOD")
    )
    levels = told.select(date=month_end_of(pl.col("TIME_PERIOD")), amount=billions_to_units(pl.col("value")))
    return amounts(levels, series=bank.series, currency=bank.currency, release=RELEASE)
