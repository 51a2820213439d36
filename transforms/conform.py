"""A transform's rows, made to fit the promise of their dataset, or refused."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import polars as pl
import polars.selectors as cs

from expectations.contract import Dataset
from expectations.errors import PayloadChanged
from transforms.refused import REFUSED


class Conformed(NamedTuple):
    """The rows that fit, and the days that have a row that cannot be read.

    Attributes:
        rows: In the dataset's schema, sorted by key; none of a refused day.
        refused: Day to the reason why it cannot be read.
    """

    rows: pl.DataFrame
    refused: Mapping[date, str]


def conform(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """As `conform_by_day`, but every row or none.

    Raises:
        PayloadChanged: A row cannot be read; or as `conform_by_day`.
    """
    rows, refused = conform_by_day(frame, dataset)
    for day, reason in refused.items():
        raise PayloadChanged(f"{reason} ({day})")
    return rows


def conform_by_day(frame: pl.DataFrame, dataset: Dataset, *, beside: Sequence[str] = ()) -> Conformed:
    """Enforce names, types, known keys and order; drop exact repetitions of a row.

    This judges the shape; the checks judge the values. A row that `transforms.refused` has marked, or that holds NaN or
    infinity, costs its day; so do two rows that differ under one key.

    Args:
        frame: What a transform returned, columns in any order.
        dataset: The promise.
        beside: Further columns, which stay beside a row as they are; of rows that repeat one, the first stays.

    Returns:
        The rows of the days that can be read, and why the others cannot.

    Raises:
        PayloadChanged: A column is missing, unexpected, or of another type; a row lacks a part of its key, its day or
            when it was public; or a row that cannot be read lacks its day.
    """
    schema = dataset.schema()
    if set(frame.columns) - {REFUSED, *beside} != set(schema):
        missing = sorted(set(schema) - set(frame.columns))
        extra = sorted(set(frame.columns) - set(schema) - {REFUSED, *beside})
        raise PayloadChanged(f"expected the columns of {dataset.name}, found missing {missing}, extra {extra}")
    try:
        fitted = frame.select(*(pl.col(name).cast(kind, strict=True) for name, kind in schema.items()), *beside)
    except pl.exceptions.PolarsError as broken:
        sentence = str(broken).partition("\n")[0]
        raise PayloadChanged(f"expected the types of {dataset.name}, found {sentence}") from broken
    fitted, refused = _readable(fitted, _reasons(frame, fitted, dataset))
    addressed = dict.fromkeys((*dataset.key, "date", "available_at"))
    unknown = [name for name in addressed if fitted[name].null_count()]
    if unknown:
        raise PayloadChanged(f"expected known {unknown} in {dataset.name}, found nulls")
    # Many answers hold one row.
    rows = fitted
    if fitted.height > 1:
        rows = fitted.unique([*schema], keep="first", maintain_order=True).sort(dataset.key, maintain_order=True)
    return without_contradictions(dataset, rows, refused)


def without_contradictions(dataset: Dataset, rows: pl.DataFrame, refused: Mapping[date, str]) -> Conformed:
    """Take out the days that have two rows under one key: nothing says which of them is true.

    An event may come with another stamp each time it is reported, so only events with one stamp contradict each other.

    Args:
        dataset: The promise.
        rows: Rows that fit it, exact repetitions dropped.
        refused: The days that are refused already, and why.
    """
    key = (*dataset.key, "stamped_at") if dataset.quiet else dataset.key
    twice = rows.filter(pl.struct(key).is_duplicated()) if rows.height > 1 else rows.clear()
    if twice.is_empty():
        return Conformed(rows, refused)
    reason = f"expected one row of {dataset.name} for each {', '.join(dataset.key)}, found several that differ"
    days = dict.fromkeys(twice["date"].unique().sort().to_list(), reason)
    return Conformed(rows.filter(~pl.col("date").is_in([*days])), days | dict(refused))


def _reasons(frame: pl.DataFrame, fitted: pl.DataFrame, dataset: Dataset) -> pl.Series | None:
    """Why each row cannot be read; none where all can."""
    marked = frame[REFUSED] if REFUSED in frame.columns else None
    finite = fitted.select(pl.all_horizontal(cs.float().is_finite().fill_null(value=True), pl.lit(value=True)))
    if finite.to_series().all():
        return marked if marked is not None and marked.null_count() < marked.len() else None
    words = pl.lit(f"expected finite numbers in {dataset.name}, found NaN or infinity")
    not_finite = fitted.select(pl.when(~finite.to_series()).then(words)).to_series()
    return not_finite if marked is None else pl.select(pl.coalesce(marked, not_finite)).to_series()


def _readable(fitted: pl.DataFrame, reasons: pl.Series | None) -> Conformed:
    """The rows of days on which every row can be read, and the other days."""
    if reasons is None:
        return Conformed(fitted, {})
    odd = fitted.select("date", reason=reasons).filter(pl.col("reason").is_not_null())
    undated = odd.filter(pl.col("date").is_null())
    if undated.height:
        raise PayloadChanged(undated["reason"][0])
    refused = dict(odd.unique("date", keep="first", maintain_order=True).sort("date").iter_rows())
    return Conformed(fitted.filter(~pl.col("date").is_in([*refused]).fill_null(value=False)), refused)


def said_empty(dataset: Dataset) -> pl.Expr:
    """True for rows in which the provider lists the day without a value."""
    return pl.all_horizontal(pl.col(dataset.measures).is_null())
