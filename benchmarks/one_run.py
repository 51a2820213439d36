"""One backfill or daily run of all feeds in a process of its own: prints what it did and how long each verb took.

The counts are those that the pipeline itself gives; rows normalised are counted where the transforms hand them over,
because an answer may hold more days than were wanted.
"""

import importlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import duckdb
from candles import unlimited
from measuring import peak_mb

from expectations.interval import Interval
from flows import pipeline
from flows.jobs import daily_job, enabled, fill_job
from flows.settings import Settings
from flows.steps import collect, normalize, publish, settle
from flows.steps.plan import Mode
from flows.steps.run import Run
from warehouse.build import database

Result = TypeVar("Result")


class Meter:
    """Adds up the seconds that functions take, in whatever thread."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.normalised: Counter[str] = Counter()
        self._lock = threading.Lock()

    def timed(self, name: str, function: Callable[..., Result]) -> Callable[..., Result]:
        """The function, with its seconds added up under a name."""

        def wrapped(*arguments: Any, **named: Any) -> Result:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                with self._lock:
                    self.seconds[name] += time.perf_counter() - started  # type: ignore[assignment]

        return wrapped

    def counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`normalize`, with its rows added up by feed."""

        def wrapped(dataset: Any, source: str, gathered: Any) -> Any:
            normalized = function(dataset, source, gathered)
            with self._lock:
                self.normalised[f"{dataset.name} {source}"] += normalized.rows.height
            return normalized

        return wrapped


def run_timed(run: Run, meter: Meter) -> None:
    """Collect, publish and build, each verb timed."""
    with (
        mock.patch.object(pipeline, "collect", meter.timed("collect", collect.collect)),
        mock.patch.object(pipeline, "publish", meter.timed("publish", publish.publish)),
        mock.patch.object(pipeline, "build", meter.timed("build", database.build)),
        mock.patch.object(settle, "normalize_by_day", meter.counting(normalize.normalize_by_day)),
    ):
        meter.timed("ingest", pipeline.ingest_all)(run, lambda _: None)
        meter.timed("finish", pipeline.finish)(run)


def plain_seconds(home: Path, work: Path) -> dict[str, float]:
    """DuckDB loading the same rows from the lake's files, and nothing else."""
    datasets = sorted(folder.name for folder in (home / "lake").iterdir())
    started = time.perf_counter()
    with duckdb.connect(work) as connection:
        for name in datasets:
            files = [str(path) for path in sorted((home / "lake" / name).rglob("*.parquet"))]
            connection.execute(f"create table {name} as from read_parquet(?)", [files])
    seconds = time.perf_counter() - started
    with duckdb.connect(work, read_only=True) as connection:
        rows = sum(
            connection.execute(f"select count(*) from {name}").fetchall()[0][0]  # noqa: S608  our own names
            for name in datasets
        )
    work.unlink()
    return {"seconds": seconds, "rows": rows}


def main(home: Path, gateway: str, now: str, first: str, last: str) -> None:
    """Backfill the days first to last, or do the daily job where no last day is given."""
    importlib.import_module("great_expectations")
    given = Settings(
        home=home,
        gateway=gateway,
        now=datetime.fromisoformat(now),
        start=date.fromisoformat(first),
        sources=None,
    )
    chosen = [unlimited(source) for source in enabled(given).values()]
    job = (
        fill_job(given, chosen, Interval.of_days(given.start or date.min, date.fromisoformat(last)), Mode.missing)
        if last
        else daily_job(given, among=chosen)
    )
    meter = Meter()
    started = time.perf_counter()
    with pipeline.begin(given, job, simulated=True) as run:
        meter.seconds["plan"] += time.perf_counter() - started  # type: ignore[assignment]
        run_timed(run, meter)
    wall = time.perf_counter() - started
    figures = {
        "wall": wall,
        "seconds": dict(meter.seconds),
        "normalised": dict(meter.normalised),
        "hosts": run.traffic.per_host,
        "batches": [asdict(outcome) for outcome in run.outcomes],
        "plain": plain_seconds(home, home / "plain.duckdb"),
        "peak_mb": peak_mb(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:6])
