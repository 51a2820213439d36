"""A column that a dataset gets after partitions were written is unknown in their rows, in lake and warehouse."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.datasets.lending_rates import LENDING_RATES
from expectations.errors import StorageDamaged
from warehouse.build.database import _versions
from warehouse.store.lake import Lake

LATER = "supply_apr_last"
INSTANT = datetime(2024, 12, 10, tzinfo=UTC)
BEFORE = replace(
    LENDING_RATES,
    columns=tuple(name for name in LENDING_RATES.columns if name != LATER),
    nullable=LENDING_RATES.nullable - {LATER},
)


def partition(tmp_path: Path, name: str, row: dict[str, object], promise: object = BEFORE) -> tuple[Lake, Path, str]:
    dataset = BEFORE if promise is BEFORE else LENDING_RATES
    lake = Lake(tmp_path / "lake", tmp_path / "staging")
    known = {"date": date(2024, 12, 9), "supply_apr": 0.19, "recorded_at": INSTANT, "withdrawn": False} | row
    rows = pl.DataFrame([known], schema_overrides={"recorded_at": pl.Datetime("us", "UTC")})
    blank = {column: pl.lit(None, kind) for column, kind in dataset.lake_schema().items() if column not in known}
    path, digest = lake.stage(
        rows.with_columns(**blank).select(dataset.lake_columns).cast(dataset.lake_schema()), dataset
    )
    place = lake.place(dataset, name, "2024")
    place.parent.mkdir(parents=True)
    lake.move_in(path, place)
    return lake, place, digest


def test_a_partition_from_before_reads_with_the_column_unknown(tmp_path: Path) -> None:
    lake, place, digest = partition(tmp_path, "first", {})
    read = lake.read(place, LENDING_RATES, {lake.name(place): frozenset({digest})})
    assert read.columns == list(LENDING_RATES.lake_columns)
    assert read.select("supply_apr", LATER).rows() == [(0.19, None)]


def test_a_column_that_must_be_known_is_not_made_up(tmp_path: Path) -> None:
    lake, place, digest = partition(tmp_path, "first", {})
    stricter = replace(LENDING_RATES, nullable=LENDING_RATES.nullable - {LATER})
    with pytest.raises(StorageDamaged):
        lake.read(place, stricter, {lake.name(place): frozenset({digest})})


def test_the_warehouse_reads_old_and_new_partitions_together(tmp_path: Path) -> None:
    _, old, _ = partition(tmp_path, "first", {"asset": "USDC"})
    query = f"select asset, {LATER} from ({_versions(LENDING_RATES, [old], INSTANT)}) order by asset"
    assert duckdb.connect().execute(query).fetchall() == [("USDC", None)]
    _, new, _ = partition(tmp_path, "second", {"asset": "USDT", LATER: 0.2}, LENDING_RATES)
    both = f"select asset, {LATER} from ({_versions(LENDING_RATES, [old, new], INSTANT)}) order by asset"
    assert duckdb.connect().execute(both).fetchall() == [("USDC", None), ("USDT", 0.2)]
