"""What an answer is unpacked or decoded to is bounded, whatever size it states; damaged bytes cause no traceback."""

import io
import random
import struct
import zipfile
from typing import Any

import orjson
import polars as pl
import pytest

from expectations.errors import PayloadChanged, PipelineError
from flows.clock import Clock
from transforms import payload
from transforms.payload import NUMBER_OR_TEXT, Kind, column, decode, rows, table

CENTRAL = b"PK\x01\x02"
FORMS: tuple[payload.Form, ...] = ("zip", "sdmx")


def packed(content: bytes, *, members: int = 1, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file of so many members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number in range(members):
            archive.writestr(f"{number}_data.xml", content)
    return out.getvalue()


def said(body: bytes, *, size: int) -> bytes:
    """The same file, which states another size of its member in both places."""
    lying = bytearray(body)
    struct.pack_into("<I", lying, 22, size)
    struct.pack_into("<I", lying, body.index(CENTRAL) + 24, size)
    return bytes(lying)


@pytest.mark.parametrize(("form", "most"), [("zip", "MOST_UNPACKED"), ("sdmx", "MOST_UNPACKED_XML")])
def test_a_zip_file_unpacks_to_no_more_than_its_form_needs(
    form: payload.Form, most: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"a,b\n" + b"1,2\n" * 1000
    monkeypatch.setattr(payload, most, len(lines))
    decode(packed(lines), form)
    with pytest.raises(PayloadChanged, match=f"expected at most {len(lines):,} bytes in the zip file's member"):
        decode(packed(lines + b"1,2\n"), form)


def test_what_a_zip_file_says_of_its_size_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "MOST_UNPACKED", 10_000)
    bomb = packed(bytes(10**7))
    with pytest.raises(PayloadChanged, match="expected at most 10,000 bytes"):
        decode(bomb, "zip")
    for size in (0, 9_999, 10_001):
        with pytest.raises(PayloadChanged):  # it ends before its checksum
            decode(said(bomb, size=size), "zip")


def test_a_real_bomb_is_cut_off_early() -> None:
    """Its header states 10 bytes; it has more than are ever unpacked."""
    bomb = packed(bytes(payload.MOST_UNPACKED + 10**6))
    assert len(bomb) < 10**5
    with pytest.raises(PayloadChanged, match="expected at most 67,108,864 bytes"):
        decode(bomb, "zip")


def test_a_zip_file_of_a_million_members_is_not_listed() -> None:
    many = packed(b"", members=payload.MOST_MEMBERS + 1)
    with pytest.raises(PayloadChanged, match="expected at most 1,000 members in the zip file, found more"):
        decode(many, "zip")


@pytest.mark.parametrize("damage", ["method", "encrypted", "content"])
def test_a_zip_file_that_cannot_be_read_is_one_error(damage: str) -> None:
    body = bytearray(packed(b"a,b\n" + b"1,2\n" * 50))
    central = body.index(CENTRAL)
    if damage == "method":
        body[8:10] = body[central + 10 : central + 12] = b"\x63\x00"
    elif damage == "encrypted":
        body[6] |= 1
        body[central + 8] |= 1
    else:
        begins = 30 + int.from_bytes(body[26:28], "little")
        body[begins : begins + 20] = b"\xff" * 20
    with pytest.raises(PayloadChanged, match="expected a zip file"):
        decode(bytes(body), "zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_flipped_bytes_of_a_zip_file_are_rows_or_one_error(method: int) -> None:
    whole = packed(b"a,b\n" + b"1,2\n" * 20, method=method)
    chance = random.Random(11)
    for _ in range(1500):
        body = bytearray(whole[: chance.choice([len(whole), chance.randrange(len(whole))])])
        for _ in range(chance.randrange(1, 4)):
            if body:
                body[chance.randrange(len(body))] = chance.randrange(256)
        for form in FORMS:
            try:
                decode(bytes(body), form)
            except PipelineError as problem:
                assert len(str(problem)) < 1000  # noqa: PT017  either end is fine, no other one is


def test_a_table_has_no_more_columns_than_any_that_is_known() -> None:
    wide = ",".join(f"c{number}" for number in range(payload.MOST_COLUMNS + 1)).encode() + b"\n"
    with pytest.raises(PayloadChanged, match="expected at most 1,000 columns, found 1,001"):
        decode(wide, "csv")


def nest(depth: int) -> Any:
    return orjson.loads(b"[" * depth + b"]" * depth)


@pytest.mark.parametrize("kind", [pl.Float64, pl.Int64, pl.String, pl.Boolean, NUMBER_OR_TEXT])
@pytest.mark.parametrize("odd", [nest(1000), orjson.loads(b'{"a":' * 1000 + b"1" + b"}" * 1000), [1], {}])
def test_what_is_nested_is_refused_in_no_time(odd: Any, kind: Kind) -> None:
    started = Clock.ticks()
    for values in ([odd], [None, odd], [1, odd], ["1", odd]):
        with pytest.raises(PayloadChanged, match="in x, found"):
            column("x", values, kind)
    with pytest.raises(PayloadChanged, match="in x, found"):
        rows([{"x": odd}], x=kind)
    with pytest.raises(PayloadChanged, match="in x, found"):
        table([[odd]], x=kind)
    for wrong in ([odd], [[odd, odd]], [{"y": odd}]):
        with pytest.raises(PayloadChanged, match="expected"):
            table(wrong, a=kind, b=kind, c=kind)
        with pytest.raises(PayloadChanged, match="expected"):
            rows(wrong, x=kind)
    assert Clock.ticks() - started < 2  # 1,000 nested lists took Polars twenty minutes
