"""The same backfill twice by command: the second makes no request and changes no byte of the lake."""

import hashlib
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from measuring import ROOT, TIDEMARK, Section, environment

from flows.simulator import Simulator

NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
DAYS = ("2024-09-10", "2024-12-09")


def tree(folder: Path) -> str:
    """One hash over the names, sizes, times and bytes of all files of a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        whole.update(path.relative_to(folder).as_posix().encode())
        if path.is_file():
            whole.update(str(path.stat().st_mtime_ns).encode() + path.read_bytes())
    return whole.hexdigest()


def measure(work: Path) -> Section:
    """Backfill three months of all feeds, and again."""
    section = Section(f"An unchanged backfill asked twice: all feeds, {DAYS[0]} to {DAYS[1]}")
    home = work / "twice"
    rows = []
    hashes = []
    with Simulator(now=NOW) as simulator:
        given = environment(
            TIDEMARK_HOME=str(home),
            TIDEMARK_GATEWAY=simulator.url,
            TIDEMARK_NOW=NOW.isoformat(),
            TIDEMARK_START=DAYS[0],
        )
        for name in ("first", "second"):
            asked = len(simulator.requests)
            started = time.perf_counter()
            subprocess.run([*TIDEMARK, "backfill", *DAYS], cwd=ROOT, env=given, capture_output=True, check=True)
            seconds = time.perf_counter() - started
            hashes.append(tree(home / "lake"))
            files = sum(1 for path in (home / "lake").rglob("*") if path.is_file())
            rows.append((name, f"{len(simulator.requests) - asked:,}", f"{files:,}", f"{seconds:.2f}"))
    section.table(("backfill", "requests", "files in lake/", "seconds, whole command"), rows)
    same = "the same" if hashes[0] == hashes[1] else "NOT the same"
    section.say(f"The tree of lake/ (names, times of change, bytes) is {same} after the second: `{hashes[1][:16]}`.")
    return section
