"""Archived answers to a queryable warehouse, with everything that tidemark does: prints its figures as JSON.

A replay of all answers into a home that has raw answers and no lake: read from the archive with their hashes checked,
normalised, conformed, judged by great-expectations, versioned, published, entered into the ledger, built and judged.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from unittest import mock

import candles
import duckdb
from measuring import peak_mb

from flows import pipeline
from flows.jobs import fill_job
from flows.steps.plan import Mode


def main(home: Path) -> None:
    """Import what a run imports lazily, then start the clock."""
    importlib.import_module("great_expectations")
    importlib.import_module("transforms.spot_prices.binance")
    given = candles.settings(home)
    chosen = [candles.source()]
    job = fill_job(given, chosen, candles.WINDOW, Mode.replay)
    started, before = time.perf_counter(), time.process_time()
    # The warehouse is told of these sixty series, not of the sources that come with tidemark.
    with mock.patch.object(pipeline, "enabled", return_value={chosen[0].name: chosen[0]}):
        with pipeline.begin(given, job, simulated=True) as run:
            begun = time.perf_counter()
            pipeline.ingest_all(run, lambda _: None)
            published = time.perf_counter()
            built = pipeline.finish(run)
        ended, cpu = time.perf_counter(), time.process_time() - before
    states: dict[str, int] = {}
    for outcome in run.outcomes:
        for state, count in outcome.states.items():
            states[state] = states.get(state, 0) + count
    if states != {"loaded": candles.ASSETS * candles.DAYS}:
        raise RuntimeError(f"expected every day loaded, found {states}")
    with duckdb.connect(built.path, read_only=True) as connection:
        rows, closes = connection.execute("select count(*), sum(close_usd) from core.spot_prices").fetchall()[0]
    figures = {"seconds": ended - started, "cpu": cpu, "rows": rows, "closes": closes, "peak_mb": peak_mb()}
    steps = {"archive": begun - started, "publish": published - begun, "build": ended - published}
    print(json.dumps({**figures, "steps": steps}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
