"""Each dataset's promise, declared once: schemas, comments, checks and the catalog derive from it."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import polars as pl
import pyarrow as pa

Type = Literal["date", "instant", "text", "number", "count", "flag", "names"]
Measure = Literal["key", "stock", "flow", "rate", "price", "label"]
Severity = Literal["blocking", "warning"]

POLARS: dict[Type, Any] = {
    "date": pl.Date(),
    "instant": pl.Datetime("us", "UTC"),
    "text": pl.String(),
    "number": pl.Float64(),
    "count": pl.Int64(),
    "flag": pl.Boolean(),
    "names": pl.List(pl.String()),
}
ARROW: dict[Type, Any] = {
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "text": pa.string(),
    "number": pa.float64(),
    "count": pa.int64(),
    "flag": pa.bool_(),
    "names": pa.list_(pa.string()),
}
DUCKDB: dict[Type, str] = {
    "date": "DATE",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "text": "VARCHAR",
    "number": "DOUBLE",
    "count": "BIGINT",
    "flag": "BOOLEAN",
    "names": "VARCHAR[]",
}


@dataclass(frozen=True)
class Column:
    """A column name with one meaning across all tables.

    Attributes:
        type: The type of its values.
        unit: The unit, or the set of allowed values.
        measure: How it may be rolled up: sum a flow, take the last of a stock, never sum a rate.
        meaning: One sentence for a new reader.
    """

    type: Type
    unit: str
    measure: Measure
    meaning: str

    @property
    def comment(self) -> str:
        """The column's comment in DuckDB."""
        return f"{self.meaning} Unit: {self.unit}. Measure: {self.measure}."

    def noted(self, note: str | None) -> "Column":
        """The same column, with what one table adds to its meaning."""
        return self if note is None else replace(self, meaning=f"{self.meaning} {note}")


@cache
def glossary() -> dict[str, Column]:
    """Every column name of every table, read from the modules of `expectations.columns`."""
    import expectations.columns as themes  # noqa: PLC0415  the themes import Column from here

    names: dict[str, Column] = {}
    for module in pkgutil.iter_modules(themes.__path__):
        theme = importlib.import_module(f"{themes.__name__}.{module.name}")
        for name, column in theme.COLUMNS.items():
            if name in names:
                raise ValueError(f"expected one meaning for column {name}, found a second in {module.name}")
            names[name] = column
    return names


def entry(table: str, name: str) -> Column:
    """The glossary's entry for a column of a table: `table.name` if the name holds another kind of value there."""
    names = glossary()
    return names.get(f"{table}.{name}") or names[name]


@dataclass(frozen=True, eq=False)
class Range:
    """A number measured on each row that must lie between two bounds; unknown, and 0 over 0, passes.

    Attributes:
        name: The rule in words; it goes into quarantine and reports.
        value: What is measured, as an expression over the rows of a batch.
        low: Smallest allowed number.
        high: Largest allowed number.
        above: A bound that the number must exceed.
        severity: `blocking` holds the series-day back, `warning` only reports.
    """

    name: str
    value: pl.Expr
    low: float | None = None
    high: float | None = None
    above: float | None = None
    severity: Severity = "blocking"

    @property
    def measured(self) -> pl.Expr:
        """The number of each row; NaN is unknown, because engines disagree on whether it lies between two bounds."""
        return self.value.cast(pl.Float64).fill_nan(None)

    def failing(self) -> pl.Expr:
        """True for the rows that break the rule."""
        return self.beyond(self.measured)

    def beyond(self, measured: pl.Expr) -> pl.Expr:
        """True where the measured number lies outside the bounds."""
        broken = pl.lit(value=False)
        if self.low is not None:
            broken = broken | (measured < self.low)
        if self.high is not None:
            broken = broken | (measured > self.high)
        if self.above is not None:
            broken = broken | (measured <= self.above)
        return broken.fill_null(value=False)


@dataclass(frozen=True, eq=False)
class OneOf:
    """A label that must be one of a closed list, because it decides how a number is counted."""

    name: str
    column: str
    values: tuple[str, ...]
    severity: Severity = "blocking"

    def failing(self) -> pl.Expr:
        """True for the rows that break the rule."""
        return (~pl.col(self.column).is_in(self.values)).fill_null(value=False)


Check = Range | OneOf

# The columns about a row's origin, which follow the columns that its dataset promises.
STAMPS = ("stamped_at", "available_at")
VERSION = ("source", "series", *STAMPS, "observed_at", "recorded_at", "run_id", "snapshot", "cause", "withdrawn")


@dataclass(frozen=True, eq=False)
class Dataset:
    """The promise of one provider-neutral table of `core`.

    Attributes:
        name: The table's name.
        meaning: One sentence for a new reader.
        grain: What one row is.
        key: The columns that identify a row of one source.
        columns: All columns in order, from the glossary; `VERSION` follows them in the lake.
        nullable: The columns that may be unknown.
        checks: What must be true of the values, beyond key and nulls.
        one_per: The columns by which `core.<name>_preferred` picks one source.
        caveats: What a careful reader must know.
        sparse: Whether a partition is a year instead of a month.
        quiet: Whether rows are events, so that a day may have none. A day that an answer lists without a value is
            empty; if several answers report an event, its earliest stamp counts.
        notes: Column name to what it means in this table in particular.
        looks_back: How many days of published rows before a batch its checks read; 0 if they check each row by itself.
        hours: How many hours of their day the rows of a series cover, as an aggregate; none if one row is a day, or if
            rows are events.
    """

    name: str
    meaning: str
    grain: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    nullable: frozenset[str] = frozenset()
    checks: tuple[Check, ...] = ()
    one_per: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    sparse: bool = False
    quiet: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    looks_back: int = 0
    hours: pl.Expr | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """The columns that hold values; a row in which all of them are unknown means that there is no value."""
        kinds = glossary()
        return tuple(name for name in self.columns if name not in self.key and kinds[name].type == "number")

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns whose change makes a new version of a row."""
        return tuple(name for name in (*self.columns, "available_at") if name not in self.key)

    @property
    def preferred_key(self) -> tuple[str, ...]:
        """The columns by which the preferred view picks one source."""
        return self.one_per or self.key

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that may never be unknown."""
        return tuple(name for name in self.columns if name not in self.nullable)

    @property
    def lake_columns(self) -> tuple[str, ...]:
        """The promised columns, then those about the row's origin; each name once."""
        return tuple(dict.fromkeys((*self.columns, *VERSION)))

    def column(self, name: str) -> Column:
        """The glossary's entry, with what this table adds to its meaning."""
        return glossary()[name].noted(self.notes.get(name))

    def schema(self) -> pl.Schema:
        """Polars types of the rows that a transform returns and that conform enforces."""
        return polars_schema((*self.columns, *STAMPS))

    def lake_schema(self) -> pl.Schema:
        """Polars types of a partition: the promised columns and the version columns."""
        return polars_schema(self.lake_columns)

    def arrow_schema(self) -> pa.Schema:
        """Arrow types of a partition, with unit and meaning in the field metadata."""
        return pa.schema(
            [
                pa.field(
                    name,
                    ARROW[column.type],
                    metadata={"unit": column.unit, "measure": column.measure, "meaning": column.meaning},
                )
                for name in self.lake_columns
                for column in (self.column(name),)
            ],
            metadata={"dataset": self.name, "grain": self.grain, "meaning": self.meaning},
        )


def polars_schema(names: Iterable[str]) -> pl.Schema:
    """Polars types of glossary columns."""
    kinds = glossary()
    return pl.Schema({name: POLARS[kinds[name].type] for name in names})


@cache
def datasets() -> dict[str, Dataset]:
    """All datasets by name, read from the modules of `expectations.datasets`."""
    return {dataset.name: dataset for dataset in _declared()}


def _declared() -> Iterator[Dataset]:
    import expectations.datasets as promises  # noqa: PLC0415  the promises import Dataset from here

    for module in pkgutil.iter_modules(promises.__path__):
        loaded = importlib.import_module(f"{promises.__name__}.{module.name}")
        yield from (value for value in vars(loaded).values() if isinstance(value, Dataset))
