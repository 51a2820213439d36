"""The same bodies into DuckDB by dlt, by its default path or its Arrow path; prints its figures as JSON.

Runs in an environment of its own. Both paths only append: no archive, no versions, no checks, no ledger.
"""

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import orjson
import polars as pl
from bodies import FIELDS, NUMBERS, asset_of
from measuring import peak_mb


def dicts(bodies: Path) -> Iterator[list[dict[str, Any]]]:
    """Pages of candles as dlt's documentation has them: a list of dictionaries."""
    for path in sorted(bodies.iterdir()):
        asset = asset_of(path)
        candles = (dict(zip(FIELDS, row, strict=True)) for row in orjson.loads(path.read_bytes()))
        yield [
            {
                "date": datetime.fromtimestamp(candle["open_time"] / 1000, UTC).date(),
                "asset": asset,
                **{name: float(candle[name]) for name in NUMBERS},
            }
            for candle in candles
        ]


def tables(bodies: Path) -> Iterator[Any]:
    """Pages of candles as Arrow tables."""
    for path in sorted(bodies.iterdir()):
        page = pl.DataFrame(orjson.loads(path.read_bytes()), schema=FIELDS, orient="row")
        day = pl.from_epoch("open_time", time_unit="ms").dt.date().alias("date")
        numbers = pl.col(NUMBERS).cast(pl.Float64)
        yield page.select(day, pl.lit(asset_of(path)).alias("asset"), numbers).to_arrow()


def main(kind: str, bodies: Path, work: Path) -> None:
    """Extract, normalize and load once."""
    work.mkdir()
    file = work / "dlt.duckdb"
    started, before = time.perf_counter(), time.process_time()
    pipeline = dlt.pipeline(
        "candles",
        pipelines_dir=str(work / "pipelines"),
        destination=dlt.destinations.duckdb(str(file)),
        dataset_name="market",
    )
    pages = {"default": dicts, "arrow": tables}[kind]
    pipeline.run(dlt.resource(pages(bodies), name="candles"), write_disposition="append")
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    with duckdb.connect(file, read_only=True) as connection:
        rows, closes = connection.execute("select count(*), sum(close) from market.candles").fetchall()[0]
    figures = {"seconds": seconds, "cpu": cpu, "rows": rows, "closes": closes, "peak_mb": peak_mb()}
    print(json.dumps({**figures, "versions": {"dlt": dlt.__version__, "duckdb": duckdb.__version__}}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
