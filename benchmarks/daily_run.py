"""A daily run on top of 30 days and of 5 years: the work must be equal. And the requests of a backfill."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from measuring import Section, child, ratio

from expectations.interval import Interval
from flows.simulator import Simulator
from flows.source import Source
from flows.sources import sources

TODAY = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
DEPTHS = {"30 days": 30, "1 year": 365, "5 years": 1826}
DAILY = ("30 days", "5 years")
VERBS = ("plan", "collect", "publish", "build")
COUNTS = ("snapshots", "rows", "checked", "versions", "partitions")
WHOLE_HISTORY = "defillama"

# What one answer of each feed holds at most (days, hours or payments), and how many of them a day has.
PAGES = {
    ("spot_prices", "binance"): (1000, 1),
    ("spot_prices", "coinbase"): (300, 1),
    ("hourly_prices", "binance"): (1000, 24),
    ("hourly_prices", "coinbase"): (300, 24),
    ("krw_prices", "upbit"): (200, 1),
    ("funding_rates", "binance"): (1000, 3),
}


def measure(work: Path) -> tuple[Section, Section]:
    """Backfill three homes, then do the daily job on two of them."""
    backfills: dict[str, dict[str, Any]] = {}
    dailies: dict[str, dict[str, Any]] = {}
    with Simulator(now=TODAY) as simulator:
        for name, days in DEPTHS.items():
            simulator.now = TODAY - timedelta(days=1)
            home = work / name.replace(" ", "-")
            last = simulator.now.date() - timedelta(days=1)
            first = last - timedelta(days=days - 1)
            asked = (home, simulator.url, simulator.now.isoformat(), first)
            backfills[name] = child("one_run.py", *asked, last)
            if name in DAILY:
                simulator.now = TODAY
                dailies[name] = child("one_run.py", home, simulator.url, TODAY.isoformat(), first, "")
    return daily(dailies), asked_for(backfills)


def counted(figures: dict[str, Any], *, whole_history: bool) -> Counter[str]:
    """What a run did, for the feeds that answer with their whole history, or for all others."""
    counts: Counter[str] = Counter()
    for host, requests in figures["hosts"].items():
        if ("llama.fi" in host) is whole_history:
            counts["requests"] += requests
    for feed, rows in figures["normalised"].items():
        if feed.endswith(WHOLE_HISTORY) is whole_history:
            counts["normalised"] += rows
    for outcome in figures["batches"]:
        if (outcome["source"] == WHOLE_HISTORY) is whole_history:
            counts.update({name: outcome[name] for name in COUNTS})
    return counts


def daily(runs: dict[str, dict[str, Any]]) -> Section:
    """Counts that must be equal, then seconds."""
    section = Section("A daily run on top of 30 days and of 5 years: all feeds")
    short, long = (runs[name] for name in DAILY)
    rows = []
    for whole_history in (False, True):
        few, many = counted(short, whole_history=whole_history), counted(long, whole_history=whole_history)
        about = " (DefiLlama: whole histories)" if whole_history else ""
        rows += [
            (f"{words}{about}", f"{few[name]:,}", f"{many[name]:,}", "equal" if few[name] == many[name] else "differs")
            for name, words in WORDS.items()
        ]
    section.table(("count", *(f"on {name}" for name in DAILY), ""), rows)
    section.table(
        ("seconds", *(f"on {name}" for name in DAILY), "ratio"),
        [
            (words, f"{few:.2f}", f"{many:.2f}", ratio(many, few))
            for words, few, many in [
                *((verb, short["seconds"][verb], long["seconds"][verb]) for verb in VERBS),
                ("whole run, imports apart", short["wall"], long["wall"]),
                ("DuckDB loading the same rows", short["plain"]["seconds"], long["plain"]["seconds"]),
            ]
        ],
    )
    section.say(
        "Sources work side by side: the seconds of collect and publish are summed over them, waiting for each other "
        "included. The simulator sets no rate limits, so ours are lifted here."
    )
    millions = [run["plain"]["rows"] / 1e6 for run in (short, long)]
    section.table(
        ("seconds per million rows of the lake", *(f"on {name}" for name in DAILY)),
        [
            ("build", *per_million((short["seconds"]["build"], long["seconds"]["build"]), millions)),
            ("DuckDB alone", *per_million((short["plain"]["seconds"], long["plain"]["seconds"]), millions)),
        ],
    )
    section.say(f"Rows of the lake: {short['plain']['rows']:,} and {long['plain']['rows']:,}.")
    return section


def per_million(seconds: Sequence[float], millions: Sequence[float]) -> list[str]:
    """Seconds by a million rows."""
    return [f"{taken / rows:.2f}" for taken, rows in zip(seconds, millions, strict=True)]


WORDS = {
    "requests": "requests",
    "snapshots": "snapshots parsed",
    "normalised": "rows normalised",
    "rows": "of them on wanted days",
    "checked": "rows checked",
    "versions": "new versions",
    "partitions": "partitions written",
}


def asked_for(runs: dict[str, dict[str, Any]]) -> Section:
    """Requests of a backfill by host, and the fewest that the providers' pages allow."""
    section = Section("Requests of a backfill against the fewest that the pages allow")
    rows = []
    for name in ("1 year", "5 years"):
        last = (TODAY - timedelta(days=2)).date()
        days = Interval.of_days(last - timedelta(days=DEPTHS[name] - 1), last)
        hosts = runs[name]["hosts"]
        for source in sources().values():
            made = sum(hosts.get(host, 0) for host in source.limits)
            fewest = least(source, days)
            rows.append((f"{source.name}, {name}", f"{made:,}", f"{fewest:,}", ratio(made, fewest)))
    section.table(("provider", "requests", "fewest", "ratio"), rows)
    section.say(
        "Fewest: full pages for each series from its first day, one answer where a provider gives any span at once. "
        "Binance's funding of past months comes from the monthly archive, a file and its checksum for each perpetual "
        "and month, because only the archive states the interval of a payment. So do its hours, and its days where "
        "they lie beyond the first page, because a file has a checksum. The fewest are those of the REST pages."
    )
    return section


def least(source: Source, days: Interval) -> int:
    """The fewest answers that hold all days of a source's series."""
    total = 0
    for feed in source.feeds:
        page, a_day = PAGES.get((feed.dataset.name, source.name), (10**6, 1))
        spans = (series.valid(days) for series in feed.series)
        total += sum(-(-len(span) * a_day // page) for span in spans if span is not None)
    return total
