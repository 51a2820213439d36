"""orjson, Polars, Parquet, DuckDB, and nothing else: the least that any pipeline could take. Prints its figures."""

import json
import sys
import time
from pathlib import Path

import duckdb
import orjson
import polars as pl
from bodies import FIELDS, asset_of
from measuring import peak_mb


def frame(path: Path) -> pl.DataFrame:
    """One page of candles as a frame."""
    page = pl.DataFrame(orjson.loads(path.read_bytes()), schema=FIELDS, orient="row")
    prices = pl.col("open", "high", "low", "close", "volume", "quote_volume").cast(pl.Float64)
    day = pl.from_epoch("open_time", time_unit="ms").dt.date()
    return page.select(day.alias("date"), pl.lit(asset_of(path)).alias("asset"), prices)


def main(bodies: Path, work: Path) -> None:
    """Read every page, write one Parquet file, load it."""
    work.mkdir()
    started, before = time.perf_counter(), time.process_time()
    pl.concat([frame(path) for path in sorted(bodies.iterdir())]).write_parquet(work / "candles.parquet")
    with duckdb.connect(work / "floor.duckdb") as connection:
        connection.execute("create table candles as from read_parquet(?)", [str(work / "candles.parquet")])
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    with duckdb.connect(work / "floor.duckdb", read_only=True) as connection:
        rows, closes = connection.execute("select count(*), sum(close) from candles").fetchall()[0]
    print(json.dumps({"seconds": seconds, "cpu": cpu, "rows": rows, "closes": closes, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
