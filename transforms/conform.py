"""A transform's rows, made to fit the promise of their dataset, or refused."""

import polars as pl
import polars.selectors as cs

from expectations.contract import Dataset
from expectations.errors import PayloadChanged


def conform(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Enforce names, types, known keys and order; drop exact repetitions of a row.

    Shape is judged here, values are judged by the checks.

    Args:
        frame: What a transform returned, columns in any order.
        dataset: The promise.

    Returns:
        The rows in the dataset's schema, sorted by key.

    Raises:
        PayloadChanged: A column is missing or too many, of another type, or not a number;
            or a row does not say what it is about.
    """
    schema = dataset.schema()
    if set(frame.columns) != set(schema):
        missing, extra = sorted(set(schema) - set(frame.columns)), sorted(set(frame.columns) - set(schema))
        raise PayloadChanged(f"expected the columns of {dataset.name}, found missing {missing}, extra {extra}")
    try:
        fitted = frame.select(pl.col(name).cast(kind, strict=True) for name, kind in schema.items())
    except pl.exceptions.PolarsError as broken:
        sentence = str(broken).partition("\n")[0]
        raise PayloadChanged(f"expected the types of {dataset.name}, found {sentence}") from broken
    not_numbers = fitted.select((~cs.float().is_finite()).any()).row(0) if fitted.height else ()
    if any(not_numbers):
        raise PayloadChanged(f"expected finite numbers in {dataset.name}, found NaN or infinity")
    addressed = dict.fromkeys((*dataset.key, "date", "available_at"))
    unknown = [name for name in addressed if fitted[name].null_count()]
    if unknown:
        raise PayloadChanged(f"expected known {unknown} in {dataset.name}, found nulls")
    # Many answers are one row.
    return fitted.unique(maintain_order=True).sort(dataset.key) if fitted.height > 1 else fitted


def said_empty(dataset: Dataset) -> pl.Expr:
    """True for rows in which the provider lists the day without a value."""
    return pl.all_horizontal(pl.col(dataset.measures).is_null())
