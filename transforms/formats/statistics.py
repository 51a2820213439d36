"""What every provider of `macro_series` has in common: SDMX tables, and amounts of money as rows."""

from collections.abc import Collection
from typing import Any

import polars as pl

from expectations.errors import PayloadChanged
from expectations.releases import Release
from transforms.payload import text_columns
from transforms.units import decimal_text

NO_VALUE = ("NaN",)  # an empty field is unknown already


def observations(payload: Any, *dimensions: str) -> pl.DataFrame:
    """An SDMX table in CSV: its period, its value as a number, and the requested dimensions.

    Args:
        payload: The CSV as text columns.
        *dimensions: Further columns that must be there.

    Returns:
        TIME_PERIOD and the dimensions as text, value as a number, unknown where the table gives none.

    Raises:
        PayloadChanged: A column is missing, or a value is no number.
    """
    listed = text_columns(payload, "TIME_PERIOD", "OBS_VALUE", *dimensions)
    stated = pl.col("OBS_VALUE")
    value = decimal_text(pl.when(stated.is_in(NO_VALUE)).then(None).otherwise(stated))
    return listed.select("TIME_PERIOD", *dimensions, value=value)


def require(payload: pl.DataFrame, *, may_be_blank: Collection[str] = (), **expected: str | int) -> None:
    """Refuse a table whose columns state other values than expected.

    A missing column is no reason to refuse, and neither is an empty field of those that `may_be_blank`. An expected
    number is compared as a number, however it is written: 6, 6.0 and 6e+00 are the same.
    """
    for name, wanted in expected.items():
        if name not in payload.columns:
            continue
        stated = pl.col(name)
        same = stated.cast(pl.Float64, strict=False) == wanted if isinstance(wanted, int) else stated == wanted
        known = pl.lit(value=True) if name not in may_be_blank else stated.is_not_null()
        others = payload.filter(known & ~same.fill_null(value=False))
        if others.height:
            raise PayloadChanged(f"expected {name} {wanted}, found {others[name][0]}")


def amounts(levels: pl.DataFrame, *, series: str, currency: str, release: Release) -> pl.DataFrame:
    """Rows of `macro_series` from days and amounts.

    Args:
        levels: date, amount (in units of the currency; unknown where the day is listed without one).
        series: Our name of the statistic.
        currency: What it is stated in. It is converted where it is used, never here: a rate of another day, or of
            another source, would hide in the amount.
        release: When a value is public.
    """
    return levels.select(
        "date",
        "amount",
        series=pl.lit(series),
        currency=pl.lit(currency),
        rate_apr=pl.lit(None, pl.Float64),
        stamped_at=pl.lit(None, pl.Datetime("us", "UTC")),
        available_at=release.available_at(levels["date"]),
    )
