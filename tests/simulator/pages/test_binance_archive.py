"""The pages of Binance's archive: one ZIP file a month, with its checksum."""

import csv
import hashlib
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest

from tests.simulator.client import (
    ARCHIVE,
    FUNDING,
    NOVEMBER,
    Client,
    at,
)
from tests.simulator.shapes import recorded, table_shape

pytestmark = pytest.mark.slow


def test_the_archive_holds_the_same_settlements_under_a_true_checksum(world: Client) -> None:
    for symbol, hours in (("BTCUSDT", 8), ("IOUSDT", 4)):
        target = f"{ARCHIVE}/{symbol}/{symbol}-fundingRate-2024-11.zip"
        packed = world.ask(target).content
        assert world.ask(target).content == packed
        checksum = world.ask(f"{target}.CHECKSUM").text
        assert checksum == f"{hashlib.sha256(packed).hexdigest()}  {symbol}-fundingRate-2024-11.zip\n"
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            text = archive.read(f"{symbol}-fundingRate-2024-11.csv").decode()
        header, *rows = csv.reader(io.StringIO(text))
        assert header == ["calc_time", "funding_interval_hours", "last_funding_rate"]
        bounds = {"startTime": at(date(2024, 11, 1)), "endTime": at(date(2024, 12, 1)) - 1}
        rest = world.json(FUNDING, symbol=symbol, limit=1000, **bounds)
        assert rows == [[str(row["fundingTime"]), str(hours), row["fundingRate"]] for row in rest]


@pytest.mark.parametrize("month", ["2024-12", "2024-13", "2019-08"])
def test_the_archive_knows_no_such_key(world: Client, month: str) -> None:
    answer = world.ask(f"{ARCHIVE}/BTCUSDT/BTCUSDT-fundingRate-{month}.zip")
    assert answer.status_code == 404
    assert "<Code>NoSuchKey</Code>" in answer.text


@pytest.mark.parametrize(("pattern", "path"), recorded(["doc-examples/binance-vision/um_fundingRate_BTCUSDT.csv"]))
def test_tables_have_the_shape_of_recorded_ones(world: Client, pattern: str, path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(world.ask(NOVEMBER).content)) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    assert table_shape(text) == table_shape(path.read_text()), pattern
