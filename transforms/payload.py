"""The one door from a provider's bytes to a frame.

Polars guesses types from a hundred rows and fills a renamed field with nulls, both without a word.
So every field is asked for by name here, and a missing one is an error.
"""

import io
import zipfile
from typing import Any, Literal

import orjson
import polars as pl

from expectations.errors import PayloadChanged

Form = Literal["json", "csv", "zip"]


def decode(body: bytes, form: Form) -> Any:
    """Turn an answer's bytes into what a transform takes.

    Args:
        body: The bytes as archived.
        form: `json`: the decoded document; `csv`: a frame of text columns, empty fields null;
            `zip`: the same, of the archive's only member.

    Returns:
        The document, or the frame.

    Raises:
        PayloadChanged: The bytes are not of that form.
    """
    if form == "zip":
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                names = archive.namelist()
                if len(names) != 1:
                    raise PayloadChanged(f"expected one member in the zip file, found {len(names)}")
                body = archive.read(names[0])
        except zipfile.BadZipFile as broken:
            raise PayloadChanged(f"expected a zip file, found {body[:20]!r} ({broken})") from broken
        form = "csv"
    if form == "csv":
        if body.lstrip()[:1] in {b"<", b"{"}:
            raise PayloadChanged(f"expected CSV, found {body[:40]!r}")
        try:
            return pl.read_csv(io.BytesIO(body), infer_schema=False)
        except pl.exceptions.PolarsError as broken:
            raise PayloadChanged(f"expected CSV, found {body[:40]!r} ({broken})") from broken
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise PayloadChanged(f"expected JSON, found {body[:40]!r} ({broken})") from broken


def member(payload: Any, name: str) -> Any:
    """One member of a JSON object, which must be there."""
    if not isinstance(payload, dict) or name not in payload:
        found = sorted(payload)[:8] if isinstance(payload, dict) else type(payload).__name__
        raise PayloadChanged(f"expected an object with {name!r}, found {found}")
    return payload[name]


def rows(payload: Any, **fields: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    """A JSON list of objects as a frame of exactly these fields.

    Args:
        payload: The list.
        **fields: Field name to the type that its values have in the JSON; null is allowed.

    Returns:
        One row per object, one column per field.

    Raises:
        PayloadChanged: Not a list of objects, a field is missing, or a value has another type.
    """
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of objects, found {type(payload).__name__}")
    try:
        columns = {name: [row[name] for row in payload] for name in fields}
    except (KeyError, TypeError, IndexError) as missing:
        found = sorted(payload[0]) if payload and isinstance(payload[0], dict) else payload[:1]
        raise PayloadChanged(f"expected objects with {sorted(fields)}, found {found} ({missing!r})") from missing
    return _frame(columns, fields, orient="col")


def table(payload: Any, **fields: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    """A JSON list of equally long lists as a frame, fields named in their order."""
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of lists, found {type(payload).__name__}")
    width = len(fields)
    if any(not isinstance(row, list) or len(row) != width for row in payload):
        odd = next(row for row in payload if not isinstance(row, list) or len(row) != width)
        raise PayloadChanged(f"expected lists of {width} fields {list(fields)}, found {odd!r}")
    return _frame(payload, fields, orient="row")


def _frame(data: Any, fields: dict[str, Any], *, orient: Literal["row", "col"]) -> pl.DataFrame:
    try:
        if orient == "row":
            return pl.DataFrame(data, schema=fields, orient="row", strict=True)
        return pl.DataFrame(data, schema=fields, strict=True)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as broken:
        raise PayloadChanged(f"expected fields {fields}, found {broken}") from broken


def text_columns(payload: Any, *names: str) -> pl.DataFrame:
    """Columns of a CSV frame by name, which must all be there."""
    if not isinstance(payload, pl.DataFrame) or not set(names) <= set(payload.columns):
        found = payload.columns if isinstance(payload, pl.DataFrame) else type(payload).__name__
        raise PayloadChanged(f"expected CSV columns {list(names)}, found {found}")
    return payload.select(names)


def numbers(name: str, values: list[Any]) -> pl.Series:
    """A column of JSON numbers; null stays unknown, text is refused."""
    try:
        return pl.Series(name, values, pl.Float64, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as broken:
        raise PayloadChanged(f"expected numbers in {name}, found {broken}") from broken
