"""The only way from a provider's bytes to a frame.

Polars silently guesses types from a hundred rows and fills a renamed field with nulls. So every field is requested by
name here, and a missing one is an error.
"""

import csv
import io
import json
import struct
import zipfile
import zlib
from codecs import BOM_UTF8
from typing import Any, Final, Literal

import orjson
import polars as pl

from expectations.errors import FAULTS, PayloadChanged, described, quoted

Form = Literal["json", "csv", "zip", "bare_zip", "sdmx"]
ZIPPED = b"PK\x03\x04"  # how a zip archive begins
# How many bytes a zip file may unpack to, whatever size it states. A month of minute candles has 7 million; the
# Federal Reserve's whole H.4.1, as XML, some hundred million.
MOST_UNPACKED = 2**26
MOST_UNPACKED_XML = 2**28
MOST_MEMBERS = 1_000
MOST_COLUMNS = 1_000
MOST_NAMED = 20  # fields, in a message
MEMBER = b"PK\x01\x02"  # how a member's entry in a zip file's directory begins
# Of a field that is documented as text but sent as a number, or the other way round.
NUMBER_OR_TEXT: Final = "number or text"
NESTED = (list, tuple, dict)
Kind = pl.DataType | type[pl.DataType] | Literal["number or text"]


def decode(body: bytes, form: Form) -> Any:
    """Turn an answer's bytes into what a transform takes.

    A UTF-8 byte-order mark before the text is dropped.

    Args:
        body: The bytes as archived.
        form: `json`: the decoded document; `csv`: a frame of text columns, empty fields null; the file may come as the
            only member `….csv` of a zip archive, as FRED sometimes sends it; `zip`: the same, from the archive's only
            member; `bare_zip`: the same without a header, the columns named by their place, from "0" on; `sdmx`: the
            bytes of the archive's member `…_data.xml`.

    Returns:
        The document, the frame, or the bytes.

    Raises:
        PayloadChanged: The bytes are not of that form.
    """
    try:
        return _decoded(body, form)
    except PayloadChanged:
        raise
    except FAULTS as fault:  # zlib.error, an encrypted or unknown method, a cut-off member, …
        raise PayloadChanged(f"expected {form}, found {body[:20]!r} ({described(fault)})") from fault


def _decoded(body: bytes, form: Form) -> Any:
    if form == "sdmx":
        return _unpacked(body, "_data.xml", most=MOST_UNPACKED_XML)
    if form in {"zip", "bare_zip"}:
        return _csv(_unpacked(body, most=MOST_UNPACKED), headed=form == "zip")
    if form == "csv":
        return _csv(_unpacked(body, ".csv", most=MOST_UNPACKED) if body.startswith(ZIPPED) else body, headed=True)
    return _json(body.removeprefix(BOM_UTF8))


def _json(text: bytes) -> Any:
    """The document. An object that repeats a member must give it the same value both times.

    The fast reader silently keeps the last of two, so its result is written again and the quotation marks are counted:
    each lost member loses two or more. Only then does the slow reader read the document, to find the member.
    """
    try:
        document = orjson.loads(text)
        if text.count(b'"') > orjson.dumps(document).count(b'"'):
            json.loads(text, object_pairs_hook=_each_once)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError) as broken:
        raise PayloadChanged(f"expected JSON, found {text[:40]!r} ({broken})") from broken
    return document


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, value in pairs:
        if document.setdefault(name, value) != value:
            raise PayloadChanged(
                f"expected one value of {name!r}, found {str(document[name])[:80]} and {str(value)[:80]}"
            )
    return document


def _unpacked(body: bytes, ending: str = "", *, most: int) -> bytes:
    """The only member of a zip archive, or the only one with this ending; it may have at most `most` bytes."""
    if body.count(MEMBER) > MOST_MEMBERS:
        raise PayloadChanged(f"expected at most {MOST_MEMBERS:,} members in the zip file, found more")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [entry for entry in archive.infolist() if entry.filename.endswith(ending)]
            if len(members) != 1:
                kind = f"one member {ending}" if ending else "one member"
                raise PayloadChanged(f"expected {kind} in the zip file, found {len(members)}")
            with archive.open(members[0]) as packed:
                content = packed.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError, struct.error) as broken:
        # Damaged bytes, an unknown method (NotImplementedError), a password (RuntimeError), sizes beyond the file.
        raise PayloadChanged(
            f"expected a zip file, found {body[:20]!r} ({str(broken) or type(broken).__name__})"
        ) from broken
    if len(content) > most:
        raise PayloadChanged(f"expected at most {most:,} bytes in the zip file's member, found more")
    return content


def _csv(body: bytes, *, headed: bool) -> pl.DataFrame:
    """Text columns, empty fields null. Polars fills a line that is cut off with nulls; it is refused here."""
    text = body.removeprefix(BOM_UTF8)
    if text.lstrip()[:1] in {b"<", b"{"}:
        raise PayloadChanged(f"expected CSV, found {body[:40]!r}")
    try:
        lines = [line for line in csv.reader(io.StringIO(text.decode("utf-8"), newline=""), strict=True) if line]
    except (UnicodeDecodeError, csv.Error) as broken:
        raise PayloadChanged(f"expected CSV, found {body[:40]!r} ({broken})") from broken
    if not lines:
        raise PayloadChanged(f"expected CSV with {'a header' if headed else 'a line'}, found nothing")
    header, *records = lines if headed else [[str(place) for place in range(len(lines[0]))], *lines]
    odd = next((record for record in records if len(record) != len(header)), None)
    if odd is not None:
        raise PayloadChanged(f"expected lines of {len(header)} fields {quoted(header)}, found {quoted(odd)}")
    if len(header) > MOST_COLUMNS:
        raise PayloadChanged(f"expected at most {MOST_COLUMNS:,} columns, found {len(header):,}")
    if len(set(header)) != len(header):
        raise PayloadChanged(f"expected each column once, found {quoted(header, 400)}")
    columns = {name: [record[place] or None for record in records] for place, name in enumerate(header)}
    return pl.DataFrame(columns, schema=dict.fromkeys(header, pl.String))


def member(payload: Any, name: str) -> Any:
    """One member of a JSON object, which must be there."""
    if not isinstance(payload, dict) or name not in payload:
        found = sorted(payload)[:MOST_NAMED] if isinstance(payload, dict) else type(payload).__name__
        raise PayloadChanged(f"expected an object with {name!r}, found {found}")
    return payload[name]


def members(payload: Any, name: str) -> dict[str, Any]:
    """One member of a JSON object, which must itself be an object."""
    value = member(payload, name)
    if not isinstance(value, dict):
        raise PayloadChanged(f"expected an object as {name!r}, found {type(value).__name__}")
    return value


def rows(payload: Any, **fields: Kind) -> pl.DataFrame:
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
    odd = [row for row in payload if not isinstance(row, dict) or not fields.keys() <= row.keys()]
    if odd:
        found = sorted(odd[0])[:MOST_NAMED] if isinstance(odd[0], dict) else quoted(odd[0], 80)
        raise PayloadChanged(f"expected objects with {sorted(fields)}, found {found}")
    return pl.DataFrame([column(name, [row[name] for row in payload], kind) for name, kind in fields.items()])


def completed(payload: Any, *names: str) -> Any:
    """A JSON list of objects, in which these members are null where an object omits them.

    A member that no object has is not added: it was renamed, and `rows` reports it.
    """
    if not isinstance(payload, list) or not all(isinstance(row, dict) for row in payload):
        return payload
    known = [name for name in names if any(name in row for row in payload)]
    return [dict.fromkeys(known) | row for row in payload]


def with_numbers(payload: Any, name: str) -> Any:
    """A JSON list of objects, in which a member becomes a number where it is the text of a whole number."""
    if not isinstance(payload, list):
        return payload
    return [
        row | {name: int(row[name])}
        if isinstance(row, dict) and isinstance(row.get(name), str) and row[name].isdecimal()
        else row
        for row in payload
    ]


def table(payload: Any, **fields: Kind) -> pl.DataFrame:
    """A JSON list of equally long lists as a frame, fields named in their order."""
    if not isinstance(payload, list):
        raise PayloadChanged(f"expected a list of lists, found {type(payload).__name__}")
    width = len(fields)
    odd = [row for row in payload if not isinstance(row, list) or len(row) != width]
    if odd:
        raise PayloadChanged(f"expected lists of {width} fields {list(fields)}, found {quoted(odd[0], 200)}")
    return pl.DataFrame(
        [column(name, [row[place] for row in payload], kind) for place, (name, kind) in enumerate(fields.items())]
    )


def text_columns(payload: Any, *names: str) -> pl.DataFrame:
    """Columns of a CSV frame by name, which must all be there."""
    if not isinstance(payload, pl.DataFrame) or not set(names) <= set(payload.columns):
        found = payload.columns if isinstance(payload, pl.DataFrame) else type(payload).__name__
        raise PayloadChanged(f"expected CSV columns {list(names)}, found {quoted(found, 400)}")
    return payload.select(names)


def text_fields(payload: Any, *names: str) -> pl.DataFrame:
    """The columns of a CSV frame without a header, named in their order."""
    if not isinstance(payload, pl.DataFrame) or payload.columns != [str(place) for place in range(len(names))]:
        found = payload.columns if isinstance(payload, pl.DataFrame) else type(payload).__name__
        raise PayloadChanged(f"expected lines of {len(names)} fields {list(names)}, found {quoted(found, 400)}")
    return payload.rename(dict(zip(payload.columns, names, strict=True)))


def numbers(name: str, values: list[Any]) -> pl.Series:
    """A column of JSON numbers; null stays unknown, text is refused."""
    return column(name, values, pl.Float64)


def spelled(name: str, values: list[Any]) -> pl.Series:
    """A text column whose values may come as whole numbers, which become text; null stays unknown."""
    return column(name, [f"{value}" if type(value) is int else value for value in values], pl.String)


def column(name: str, values: list[Any], kind: Kind) -> pl.Series:
    """A column of JSON values of one type; null is unknown, and so is empty text where a number may be text.

    A frame built from rows would silently turn 1.5 into the whole number 1, "1.5" into a number and true into 1. A
    strict series refuses the first two, and the third is refused here.
    """
    types = set(map(type, values))
    if kind != pl.Boolean and bool in types:
        raise PayloadChanged(f"expected {kind} in {name}, found true or false")
    if not types.isdisjoint(NESTED):
        # Polars would find this too, but in a time that grows with the cube of the depth.
        odd = next(value for value in values if isinstance(value, NESTED))
        raise PayloadChanged(f"expected {kind} in {name}, found {quoted(odd)}")
    try:
        if isinstance(kind, str):
            return _number_or_text(name, values)
        return pl.Series(name, values, kind, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as broken:
        sentence = str(broken).partition("\n")[0]
        raise PayloadChanged(f"expected {kind} in {name}, found {sentence}") from broken


def _number_or_text(name: str, values: list[Any]) -> pl.Series:
    if str not in set(map(type, values)):
        return pl.Series(name, values, pl.Float64, strict=True)
    texts = [value if value is None or isinstance(value, str) else repr(value) for value in values]
    return pl.Series(name, [None if text == "" else text for text in texts], pl.String).cast(pl.Float64, strict=True)
