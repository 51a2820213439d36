"""Sixty assets, five years of daily candles: archived answers to a queryable warehouse, against dlt and the floor."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

from measuring import ROOT, Section, child, ratio

DLT_PYTHON = ROOT / ".venv-bench" / ("Scripts" if os.name == "nt" else "bin") / "python"
ROUNDS = 5
NAMES = {
    "tidemark": "tidemark: archive, checks, versions, ledger, build",
    "default": "dlt, default path (dictionaries): append",
    "arrow": "dlt, Arrow path: append",
    "floor": "the floor: orjson, Polars, Parquet, DuckDB",
}


def load(name: str, work: Path, number: int) -> dict[str, Any]:
    """One way, once, in a process of its own; with the wall time of the process."""
    place = work / f"{name}-{number}"
    started = time.perf_counter()
    if name == "tidemark":
        shutil.copytree(work / "home", place)
        started = time.perf_counter()
        figures = child("load_tidemark.py", place)
    elif name == "floor":
        figures = child("load_floor.py", work / "bodies", place)
    else:
        figures = child("load_dlt.py", name, work / "bodies", place, python=DLT_PYTHON)
    figures["process"] = time.perf_counter() - started
    shutil.rmtree(place)
    return figures


def measure(work: Path) -> Section:
    """Every way in turn, several rounds; the best of each counts. dlt's default path is slow: it runs once."""
    section = Section("From archived raw to a queryable warehouse: 60 assets, 1,826 days")
    collected = child("candles.py", work / "home", work / "bodies")
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
    for number in range(ROUNDS):
        for name in NAMES:
            if name != "default" or number == 0:
                rounds[name].append(load(name, work, number))
    best = {name: min(found, key=lambda one: one["seconds"]) for name, found in rounds.items()}
    require_equal(best)
    section.say(
        f"{collected['answers']} answers, {collected['bytes'] / 1e6:.1f} MB of JSON. Imports apart; the best of "
        f"{ROUNDS} rounds, taken in turn (dlt's default path once). dlt {best['arrow']['versions']['dlt']} with DuckDB "
        f"{best['arrow']['versions']['duckdb']}, telemetry off, in an environment of its own."
    )
    section.table(
        ("way", "seconds", "CPU s", "rows/s", "peak MB", "with imports, s", "tidemark is", "worst round, s"),
        [
            (
                NAMES[name],
                f"{one['seconds']:.2f}",
                f"{min(each['cpu'] for each in rounds[name]):.2f}",
                f"{one['rows'] / one['seconds']:,.0f}",
                f"{max(each['peak_mb'] for each in rounds[name]):.0f}",
                f"{min(each['process'] for each in rounds[name]):.2f}",
                ratio(one["seconds"], best["tidemark"]["seconds"]) + " as fast",
                f"{max(each['seconds'] for each in rounds[name]):.2f}",
            )
            for name, one in best.items()
        ],
    )
    steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in best["tidemark"]["steps"].items())
    section.say(f"tidemark's steps: {steps} (archive: plan, read and verify; publish: from normalize to the ledger).")
    section.say("Aims: at least 25 times dlt's default, no slower than its Arrow path, peak under 600 MB.")
    return section


def require_equal(best: dict[str, dict[str, Any]]) -> None:
    """All ways must have come to the same rows, or the comparison is none."""
    found = {(one["rows"], round(one["closes"], 4)) for one in best.values()}
    if len(found) != 1:
        raise RuntimeError(f"expected the same rows of every way, found {found}")
