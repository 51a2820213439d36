"""What was reported of famous days, as curated in `famous_days.toml`. No number of ours is made from it."""

import tomllib
from functools import cache
from importlib.resources import files

import polars as pl

from expectations.contract import polars_schema

COLUMNS = ("date", "metric", "value", "unit", "statement", "source_url")


@cache
def famous_days() -> pl.DataFrame:
    """One row per reported figure of a day: date, metric, value, unit, statement, source_url."""
    text = (files("expectations") / "famous_days.toml").read_text(encoding="utf-8")
    figures = tomllib.loads(text)["figure"]
    odd = [figure for figure in figures if tuple(figure) != COLUMNS]
    if odd:
        raise ValueError(f"expected figures with {list(COLUMNS)}, found {odd[0]}")
    numbers = [{**figure, "value": float(figure["value"])} for figure in figures]
    return pl.DataFrame(numbers, schema=polars_schema(COLUMNS), strict=True).sort("date", "metric")
