"""China's money supply as the OECD republishes it, as rows of `macro_series`."""

from datetime import time, timedelta
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import days_later, month_ends
from transforms.formats.statistics import amounts, observations, require
from transforms.units import millions_to_units, month_end_of

# The People's Bank publishes within two weeks; the OECD republishes later, about two months after the month. We take 75
# days, so that no value is used before it was available here.
RELEASE = month_ends(days_later(75, time(12, 0)), grace=timedelta(days=45))


def normalize(payload: Any) -> pl.DataFrame:
    """Turn the OECD's table into one row per month.

    The OECD calls the aggregate broad money (`MABM`) and labels it M3; for China it is what the People's Bank calls
    M2, at the end of the month and not adjusted. Values are in millions of yuan. A month is dated with its last day.

    Args:
        payload: The CSV as text columns.

    Returns:
        Rows of `macro_series` in yuan.
    """
    listed = observations(payload, "REF_AREA", "MEASURE", "UNIT_MEASURE", "ADJUSTMENT")
    require(payload, REF_AREA="CHN", FREQ="M", MEASURE="MABM", UNIT_MEASURE="XDC", UNIT_MULT=6)
    kept = listed.filter(pl.col("ADJUSTMENT") == "N")
    if kept.is_empty() and not listed.is_empty():
        raise PayloadChanged(f"expected values that are not adjusted, found ADJUSTMENT {listed['ADJUSTMENT'][0]}")
    levels = kept.select(date=month_end_of(pl.col("TIME_PERIOD")), amount=millions_to_units(pl.col("value")))
    return amounts(levels, series="china_m2", currency="CNY", release=RELEASE)
