"""The shape of an answer (what is left of it without its values), and recorded answers to compare it with."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

import pytest

from tests.tool import SHARED

RECORDINGS = SHARED / "recordings"


def recorded(patterns: Iterable[str]) -> list[Any]:
    """Every recorded file of these patterns, as parameters `pattern` and `path`; one skipped case if there is none."""
    found = [(pattern, path) for pattern in patterns for path in sorted(RECORDINGS.glob(pattern))]
    nothing = pytest.mark.skip(reason="no folder of recorded answers beside this checkout")
    cases = [pytest.param(pattern, path, id=path.name) for pattern, path in found]
    return cases or [pytest.param("", RECORDINGS, marks=nothing, id="none")]


def kind_of(value: Any) -> str:
    """The kind of a scalar; a whole number as large as a present time stamp counts as one."""
    if value is None or isinstance(value, bool):
        return type(value).__name__
    if isinstance(value, int) and 10**9 < value < 10**10:
        return "seconds"
    if isinstance(value, int) and 10**12 < value < 10**13:
        return "milliseconds"
    if isinstance(value, int | float):
        return "number"
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "number as text"
    return re.sub(r"\d", "9", value) if re.match(r"\d{4}-\d\d-\d\d", value) else "text"


def shape(document: Any) -> Any:
    """A document without its values: the keys of objects, the kinds of scalars, the lengths of rows."""
    if isinstance(document, dict):
        merged: dict[str, Any] = {}
        for key, value in document.items():
            name = re.sub(r"^\d{4}-\d\d-\d\d$", "(a day)", re.sub(r"^[A-Z]{3}$", "(a currency)", key))
            merged[name] = joined(merged.get(name), shape(value))
        return merged
    if isinstance(document, list):
        if document and isinstance(document[0], dict | list):
            together = None
            for item in document:
                together = joined(together, shape(item))
            return [together]
        return tuple(kind_of(value) for value in document)
    return kind_of(document)


def joined(one: Any, other: Any) -> Any:
    """The shape of two rows together: each may lack keys of the other, and what both have must agree."""
    if one is None:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: joined(one.get(key), other.get(key, one.get(key))) for key in one | other}
    assert one == other
    return one


def order(document: Any) -> str:
    """The direction in which time runs through the rows."""
    rows = document if isinstance(document, list) else list(document.get("rates", {}))
    stamps = [row[0] if isinstance(row, list) else row for row in rows]
    if stamps and isinstance(stamps[0], dict):
        stamps = [row.get("fundingTime", row.get("candle_date_time_utc", "")) for row in stamps]
    return "oldest first" if stamps == sorted(stamps) else "newest first"


def table_shape(text: str) -> tuple[list[str], list[set[str]]]:
    """The header, and the kinds of value in each column; an empty field is `text`."""
    header, *rows = csv.reader(io.StringIO(text))
    columns: list[set[str]] = [set() for _ in header]
    for row in rows:
        assert len(row) == len(header)
        for column, field in zip(columns, row, strict=True):
            stamp = field.isdigit() and len(field) == 13
            column.add("milliseconds" if stamp else kind_of(field))
    return header, columns
