"""A new home under the providers' real rate limits: how soon there is a page, and what it knows by then."""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import duckdb
from measuring import ROOT, TIDEMARK, Section, environment
from side_by_side import NOW

from flows import pipeline
from flows.jobs import daily_job
from flows.settings import Settings
from flows.simulator import Simulator
from flows.steps.estimate import forecast

AIM = 180
PATIENCE = 600
LOOK_EVERY = 0.2


def measure(work: Path) -> Section:
    """Start `tidemark run`, wait for its first page, stop it, and ask the warehouse that stays."""
    home = work / "home"
    with Simulator(NOW, limits=True) as market:
        settings = Settings(home=home, now=NOW, gateway=market.url)
        job = daily_job(settings)
        planned = forecast(pipeline.plan(settings, job), job.mode)
        given = environment(TIDEMARK_HOME=str(home), TIDEMARK_NOW=NOW.isoformat(), TIDEMARK_GATEWAY=market.url)
        started = time.perf_counter()
        run = subprocess.Popen((*TIDEMARK, "run"), cwd=ROOT, env=given, stderr=subprocess.DEVNULL)
        try:
            while not (home / "reports" / "latest.html").exists():
                if run.poll() is not None or time.perf_counter() - started > PATIENCE:
                    raise RuntimeError("the run ended or went on without a page")
                with suppress(subprocess.TimeoutExpired):
                    run.wait(LOOK_EVERY)
            seconds = time.perf_counter() - started
        finally:
            run.kill()
            run.wait()
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        known = connection.execute("select count(*) filter (state = 'loaded'), count(*) from ops.ledger").fetchall()
        parts = connection.execute(
            "select components_present, heat, fuel from leverage_gauge order by date desc limit 1"
        ).fetchall()
    ((loaded, every),), ((present, heat, fuel),) = known, parts
    section = Section("The first page of a new home: 400 days, all keyless sources, limits kept")
    section.say(
        "The simulator refuses what the providers' limits refuse; time passes as it does. The run is killed then."
    )
    section.table(
        ("what", "figure", "aim"),
        [
            ("the whole plan, by its forecast, s", f"{planned.seconds:,.0f}", ""),
            ("until the first page, s", f"{seconds:,.0f}", AIM),
            ("series-days loaded by then", f"{loaded:,} of {every:,}", ""),
            ("parts of the gauge that are known on its newest day", present, ""),
            ("heat and fuel on it", f"{heat:.2f} and {fuel:.2f}", ""),
        ],
    )
    return section
