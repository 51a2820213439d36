"""Sources one after another and side by side, under the providers' rate limits: the slowest one sets the pace."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from measuring import Section, ratio

from expectations.interval import Interval
from flows import pipeline
from flows.jobs import fill_job
from flows.settings import Settings
from flows.simulator import Simulator
from flows.source import Limit, Source
from flows.sources import sources
from flows.steps.estimate import forecast
from flows.steps.plan import Mode

NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
LAST = date(2024, 12, 9)
DAYS = 120
HASTE = 20  # times as fast as the clock, the providers' limits and ours alike
# One dataset each, of hosts of their own, that takes many requests for its limit.
ASKED = {
    "bitfinex": "open_interest",
    "coingecko": "market_values",
    "hyperliquid": "funding_rates",
    "okx": "borrow_rates",
    "ethereum": "liquidation_events",
}
REFUSED = 429


class Way(NamedTuple):
    """What one run took: seconds of all batches, requests, how many were refused, and what the plan said."""

    seconds: float
    requests: int
    refused: int
    planned: float


def hasty(source: Source) -> Source:
    """A source whose limits are kept in hasty seconds, with only the feed that is measured."""
    limits = {
        bound: Limit(limit.requests, limit.seconds / HASTE, limit.burst) for bound, limit in source.limits.items()
    }
    feeds = tuple(feed for feed in source.feeds if feed.dataset.name == ASKED[source.name])
    return replace(source, limits=limits, feeds=feeds)


def backfill(home: Path, gateway: str, chosen: Sequence[Source]) -> Way:
    """A backfill of some sources into a home of its own."""
    first = LAST - timedelta(days=DAYS - 1)
    settings = Settings(home=home, now=NOW, gateway=gateway, start=first)
    job = fill_job(settings, chosen, Interval.of_days(first, LAST), Mode.missing)
    with pipeline.begin(settings, job) as run:
        planned = forecast(run.batches, job.mode).seconds
        started = time.perf_counter()
        pipeline.ingest_all(run, lambda _: None)
        seconds = time.perf_counter() - started
        run.recorder.close()
        if any(outcome.problems for outcome in run.outcomes):
            raise RuntimeError(f"days are missing: {[outcome.problems for outcome in run.outcomes]}")
        refused = sum(answer.status == REFUSED for _, answer in run.archive.scan(run.run_id))
        return Way(seconds, run.traffic.requests, refused, planned)


def measure(work: Path) -> Section:
    """Each source alone, then all at once, against the same simulator."""
    chosen = [hasty(sources()[name]) for name in ASKED]
    section = Section(f"Sources side by side: {len(chosen)} of them, {DAYS} days, limits kept {HASTE} times as fast")
    with Simulator(now=NOW, limits=True, haste=HASTE) as simulator:
        backfill(work / "warm", simulator.url, chosen[:1])  # what is imported once
        alone = {one.name: backfill(work / one.name, simulator.url, [one]) for one in chosen}
        together = backfill(work / "together", simulator.url, chosen)
    rows = [
        (name, f"{way.planned:.1f}", f"{way.seconds:.1f}", way.requests, way.refused) for name, way in alone.items()
    ]
    slowest, after = max(way.seconds for way in alone.values()), sum(way.seconds for way in alone.values())
    planned = sum(way.planned for way in alone.values())
    requests, refused = (sum(getattr(way, what) for way in alone.values()) for what in ("requests", "refused"))
    rows.append(("one after another", f"{planned:.1f}", f"{after:.1f}", requests, refused))
    rows.append(
        ("side by side", f"{together.planned:.1f}", f"{together.seconds:.1f}", together.requests, together.refused)
    )
    section.table(("source", "planned s", "took s", "requests", "refused (429)"), rows)
    section.say(
        f"Side by side takes {ratio(together.seconds, slowest)} of the slowest source alone, and "
        f"{ratio(together.seconds, after)} of one after another. Planned: what `--plan` says in advance, at least."
    )
    return section


if __name__ == "__main__":
    sys.stdout.write(measure(Path(sys.argv[1])).text)
