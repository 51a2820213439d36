"""The demo: the whole pipeline on a simulated market, in its own home."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import PIPE, Popen

from expectations.errors import PipelineError
from flows.jobs import Job, backfill_job
from flows.settings import Settings
from warehouse.reports.brief import LATEST

LAST_DAY = date(2024, 12, 9)
DAYS = 540
NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
HOME = Path("data") / "demo"

QUERIES = {
    "How far did each sector fall on 9 December 2024?": """
select sector, members, round(return_1d, 3) as return_1d, worst_asset, round(worst_return_1d, 3) as worst
from sector_daily where date = '2024-12-09' order by return_1d""",
    "What did depositors earn on Aave in the week before?": """
select date, asset, round(supply_apr, 3) as mean, round(supply_apr_max, 3) as highest from lending_rates_daily
where protocol = 'aave-v3' and date between '2024-12-02' and '2024-12-09' order by asset, date""",
    "Was the fuel running out? Weekly issuance of stablecoins against its peak of the year": """
select date, round(net_issuance_7d_usd / 1e9, 2) as issued_bn, round(share_of_peak, 2) as share_of_peak
from stablecoin_flows_total where date >= '2024-11-18' and isodow(date) in (1, 7) order by date""",
}


def demo_settings(settings: Settings) -> Settings:
    """The home and the instant of the demo; it ignores all other settings."""
    home = settings.home if "home" in settings.model_fields_set else HOME
    start = LAST_DAY - timedelta(days=DAYS - 1)
    return Settings(
        home=home,
        now=NOW,
        gateway=None,
        start=start,
        sources=None,
        unofficial=False,
        webhook=None,
        provider_keys={},
    )


@contextmanager
def market(settings: Settings, seed: int) -> Iterator[Settings]:
    """Run the simulated market on loopback, and yield the settings that reach it.

    It runs in its own process, so that it prepares answers while others are read.

    Raises:
        PipelineError: It does not start.
    """
    command = [sys.executable, "-m", "flows.simulator", "--attached", "--now", NOW.isoformat(), "--seed", str(seed)]
    # It has its own session: an interrupt reaches only us. The market ends when its stdin closes.
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, start_new_session=True) as serving:
        ready = serving.stdout.readline() if serving.stdout else ""
        match = re.search(r"ready on (\S+)", ready)
        if match is None:
            raise PipelineError(f"expected the simulated market to start, found {ready!r}")
        yield settings.model_copy(update={"gateway": match.group(1)})


def demo_job(settings: Settings) -> Job:
    """A job that fills the demo's days."""
    return replace(backfill_job(settings, LAST_DAY - timedelta(days=DAYS - 1), LAST_DAY), kind="demo")


def what_next(settings: Settings, command: str) -> str:
    """Three example queries on the new warehouse, as commands for this shell."""
    place = "" if settings.home == Path("data") else f"TIDEMARK_HOME={settings.home} "
    page = settings.home / "reports" / LATEST
    lines = [f"SIMULATED data are in {settings.home}, the brief of {LAST_DAY} is {page}. Try:"]
    for title, query in QUERIES.items():
        indented = query.strip().replace("\n", "\n    ")
        lines += ["", f"# {title}", f'{place}{command} sql "{indented}"']
    return "\n".join(lines)
