"""A five-year backfill by the command, and the same one as a run of `tidemark serve`: what Prefect costs."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from measuring import ROOT, TIDEMARK, Section, environment

from flows.simulator import Simulator

NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
LAST = (NOW - timedelta(days=1)).date()
FIRST = LAST - timedelta(days=1825)
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def asked(address: str, path: str, body: Any = None) -> Any:
    """An answer of Prefect's API."""
    data = None if body is None else json.dumps(body).encode()
    question = Request(f"{address}/api{path}", data, {"content-type": "application/json"})
    with urlopen(question, timeout=60) as answer:
        return json.load(answer)


def by_command(work: Path, gateway: str) -> float:
    """Seconds of the whole command."""
    started = time.perf_counter()
    given = settings(work / "plain", gateway)
    subprocess.run([*TIDEMARK, "backfill", str(FIRST), str(LAST)], cwd=ROOT, env=given, capture_output=True, check=True)
    return time.perf_counter() - started


def settings(home: Path, gateway: str) -> dict[str, str]:
    """The environment of a home on the simulator."""
    more = {"TIDEMARK_HOME": str(home), "TIDEMARK_GATEWAY": gateway, "TIDEMARK_NOW": NOW.isoformat()}
    kept = {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}
    return {
        **{name: value for name, value in environment(**more).items() if name not in kept},
        "TIDEMARK_START": str(FIRST),
    }


def by_run(work: Path, gateway: str) -> dict[str, float]:
    """Seconds from the click, seconds of the run itself, its tasks, and the size of Prefect's database."""
    home = work / "watched"
    command = [*TIDEMARK, "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, env=settings(home, gateway), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stderr is not None  # noqa: S101  for the types
        address = next(line.split()[3] for line in serving.stderr if line.startswith("tidemark is at"))
        deployment = asked(address, "/deployments/name/backfill/backfill")["id"]
        clicked = time.perf_counter()
        parameters = {"start": str(FIRST), "end": str(LAST)}
        run = asked(address, f"/deployments/{deployment}/create_flow_run", {"parameters": parameters})
        while run["state_type"] not in ENDED:
            time.sleep(0.5)
            run = asked(address, f"/flow_runs/{run['id']}")
        seconds = time.perf_counter() - clicked
        tasks = asked(address, "/task_runs/count", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        serving.send_signal(signal.SIGTERM)
        said = serving.stderr.read()
    if run["state_type"] != "COMPLETED":
        raise RuntimeError(f"the run ended as {run['state']}:\n{said[-3000:]}")
    database = home / "prefect" / "prefect.db"
    with sqlite3.connect(database) as opened:
        opened.execute("pragma wal_checkpoint(truncate)")
    opened.close()
    return {
        "click": seconds,
        "run": run["total_run_time"],
        "tasks": tasks,
        "megabytes": database.stat().st_size / 2**20,
        "locked": said.count("database is locked"),
    }


def measure(work: Path) -> Section:
    """Both ways in the same minutes, on homes of their own."""
    section = Section(f"What Prefect costs: a backfill of all feeds, {FIRST} to {LAST}")
    with Simulator(now=NOW) as simulator:
        plain = by_command(work, simulator.url)
        watched = by_run(work, simulator.url)
    rows = [
        ("the command, as a whole", f"{plain:.1f}", ""),
        (
            "a run of `tidemark serve`, from its beginning to its end",
            f"{watched['run']:.1f}",
            share(watched["run"], plain),
        ),
        ("the same, from the click", f"{watched['click']:.1f}", share(watched["click"], plain)),
    ]
    section.table(("way", "seconds", "more than the command"), rows)
    section.say(
        f"{watched['tasks']:.0f} tasks; Prefect's database holds {watched['megabytes']:.1f} MB afterwards and was "
        f"found locked {watched['locked']:.0f} times. The providers' rate limits are kept in both. Aim: under 15 %."
    )
    return section


def share(one: float, other: float) -> str:
    """How much more one is, in percent."""
    return f"{one / other - 1:+.0%}"


if __name__ == "__main__":
    sys.stdout.write(measure(Path(sys.argv[1])).text)
