"""FRED's observations, as rows of `macro_series`."""

from typing import Any

import polars as pl

from expectations.errors import PayloadChanged, quoted
from transforms.macro_series.fred import observed
from transforms.payload import member, rows


def normalize(payload: Any, *, fred_id: str) -> pl.DataFrame:
    """Turn one page into one row per observation, as FRED's files give them.

    `date` is the day that a value describes; `realtime_start` beside it is the vintage, which is today's. A listed day
    with "." has no value.

    Args:
        payload: The decoded answer: objects under `observations`, how many there are in all under `count`, and where
            the page begins and what it holds at most under `offset` and `limit`.
        fred_id: FRED's name of the series; the answer does not say.

    Returns:
        Rows of `macro_series`: amounts in USD, rates as fractions per year.
    """
    if member(payload, "units") != "lin":
        raise PayloadChanged(f"expected values in their own unit, found {quoted(member(payload, 'units'))}")
    page = rows(member(payload, "observations"), date=pl.String, value=pl.String)
    count = whole(payload, "count")
    expected = count
    if "limit" in payload and "offset" in payload:
        expected = min(whole(payload, "limit"), count - whole(payload, "offset"))
    if page.height != expected:
        raise PayloadChanged(f"expected {expected} of {count} observations, found {page.height}")
    return observed(page.select(day="date", value="value"), fred_id)


def whole(payload: Any, name: str) -> int:
    """A whole number that a page states about itself."""
    value = member(payload, name)
    if type(value) is not int:
        raise PayloadChanged(f"expected a whole number as {name}, found {quoted(value, 40)}")
    return value
