"""Readers in other processes while the warehouse is rebuilt: they see no error and no half of a build.

DuckDB opens a file in several steps, and refuses it if another one has come into its place between two of them. So a
reader that opens one by itself may have to open it again: once in some thousand times, and only if it was replaced.
"""

import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from expectations.contract import POLARS, entry
from expectations.datasets.krw_prices import KRW_PRICES
from expectations.errors import StorageDamaged
from flows import pipeline
from flows.settings import Settings
from tests.tool import NOW, Tool, series_of
from warehouse.build.database import build
from warehouse.build.disagreements import COLUMNS
from warehouse.reader import open_warehouse
from warehouse.store.home import open_home

pytestmark = pytest.mark.slow

REBUILDS = 100

# A build knows what was known at one instant: nothing before the first write of the home, every row and one run since.
READER = """
import os
import select
import sys

import duckdb

QUESTION = '''
select
    (select value >= getvariable('known') from ops.home where key = 'as-of'),
    (select count(*) from core.krw_prices),
    (select count(*) from core.krw_prices_preferred),
    (select count(*) from ops.runs),
    (select count(*) > 0 from ops.ledger)
'''
path, keeps, known = sys.argv[1:]


def opened():
    while True:
        file = os.stat(path).st_ino, os.stat(path).st_mtime_ns
        try:
            connection = duckdb.connect(path, read_only=True)
            break
        except duckdb.IOException:
            if (os.stat(path).st_ino, os.stat(path).st_mtime_ns) == file:
                raise
    connection.execute("set variable known = ?", [known])
    return connection


seen = set()
asked = 0
connection = opened()
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    if keeps == "reconnects":
        connection.close()
        connection = opened()
    seen.add(connection.execute(QUESTION).fetchone())
    asked += 1
print(asked, sorted(seen), flush=True)
"""
ROWS = 9 * series_of("upbit", "krw_prices")
WHOLE = [(False, 0, 0, 0, True), (True, ROWS, ROWS, 1, True)]


def reader(path: Path, keeps: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", READER, str(path), keeps, NOW.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_readers_never_notice_a_rebuild(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    # Only what tells half a build from a whole one is built, because the swap is what is tested.
    monkeypatch.setattr("warehouse.build.database.datasets", lambda: {KRW_PRICES.name: KRW_PRICES})
    monkeypatch.setattr("warehouse.build.database.models.models", tuple)
    monkeypatch.setattr("warehouse.build.database.describe", lambda *_: None)
    monkeypatch.setattr("warehouse.build.database.view_in_time", lambda: "select 1")
    monkeypatch.setattr("warehouse.build.disagreements.comparisons", tuple)
    none = pl.DataFrame(schema={name: POLARS[entry("ops.disagreements", name).type] for name in COLUMNS})
    monkeypatch.setattr("warehouse.build.database.disagreements", lambda *_, **__: none)
    home = open_home(tool.home)
    facts = pipeline.inputs(home, Settings(home=tool.home, now=NOW, sources=("upbit",)))
    build(home, facts)
    readers = {keeps: reader(home.warehouse, keeps) for keeps in ("holds", "reconnects")}
    for process in readers.values():
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for number in range(REBUILDS):
        known = NOW if number % 2 else NOW - timedelta(seconds=1)
        build(home, facts, as_of=known)
    said = {keeps: process.communicate("enough\n", timeout=30) for keeps, process in readers.items()}
    assert {keeps: err for keeps, (_, err) in said.items()} == dict.fromkeys(readers, "")
    asked, seen = said["holds"][0].split(maxsplit=1)
    assert int(asked) > 10
    assert seen.strip() == str(WHOLE[1:])  # it reads the file that it opened
    asked, seen = said["reconnects"][0].split(maxsplit=1)
    assert int(asked) > 10
    assert seen.strip() == str(WHOLE)
    assert list(home.staging.iterdir()) == []


def test_a_file_that_is_replaced_while_it_is_opened_is_opened_again(
    tool: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, connect, opened = tool.home / "warehouse.duckdb", duckdb.connect, []

    def crossed(*args: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        opened.append(file.stat().st_ino)
        if len(opened) == 1:
            shutil.copyfile(file, file.with_name("another"))
            file.with_name("another").replace(file)
            raise duckdb.IOException("No more data remaining in MetadataReader")
        return connect(*args, **options)

    monkeypatch.setattr("warehouse.reader.duckdb.connect", crossed)
    with open_warehouse(file) as connection:
        assert connection.execute("select count(*) from core.krw_prices").fetchall() == [(ROWS,)]
    assert len(set(opened)) == 2

    def refused(*_: Any, **__: Any) -> None:
        raise duckdb.IOException("No more data remaining in MetadataReader")

    monkeypatch.setattr("warehouse.reader.duckdb.connect", refused)
    with pytest.raises(StorageDamaged, match="No more data remaining"):
        open_warehouse(file)


def test_a_reader_in_the_same_process_does_not_stop_a_build(tool: Tool) -> None:
    with open_warehouse(tool.home / "warehouse.duckdb") as held:
        assert tool("build", "--whole").code == 0
        assert held.execute("select count(*) from core.krw_prices").fetchall() == [(ROWS,)]
