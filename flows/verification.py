"""The verification of a source: its own declaration, and the findings of the doctor in a home."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import orjson
import polars as pl

from expectations.contract import polars_schema
from expectations.errors import StorageDamaged
from expectations.interval import Interval, day_start
from expectations.releases import Release
from flows.source import FOR_EVER, Feed, Source
from warehouse.build.database import OPS
from warehouse.text import counted

FOLDER = "doctor"
LATEST = "latest.json"
# The year used to compute the usual delay between a day and its value; any year would do.
SOME_YEAR = Interval(date(2024, 1, 1), date(2025, 1, 1))
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


class Standing(NamedTuple):
    """The last verification of a source.

    Attributes:
        verified: `recorded`, `documented` or `live`.
        at: When.
        against: What it was verified against, and what is only assumed.
    """

    verified: str
    at: datetime
    against: str


def latest(home: Path, *, known_by: datetime | None = None) -> dict[str, Any]:
    """The doctor's newest findings about every source of a home; empty if it never ran.

    Args:
        home: The home's folder.
        known_by: Leave out findings after this instant.

    Raises:
        StorageDamaged: The file cannot be read.
    """
    path = home / FOLDER / LATEST
    try:
        findings: dict[str, Any] = orjson.loads(path.read_bytes())
        newest = {
            name: entry
            for name, entry in findings["sources"].items()
            if known_by is None or datetime.fromisoformat(entry["examined_at"]) <= known_by
        }
        return {"origin": findings["origin"], "sources": newest}
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError, LookupError, TypeError, ValueError) as broken:
        raise StorageDamaged(
            f"expected the doctor's findings in {path}, found {broken!r}: remove it and run `tidemark doctor` again"
        ) from broken


def declared_standing(source: Source) -> Standing:
    """The verification that the code declares: at best recorded answers."""
    return Standing(source.verified, day_start(source.verified_on), source.verified_against)


def standing(source: Source, findings: Mapping[str, Any]) -> Standing:
    """The verification of a source in a home: live if the doctor asked the provider itself and found it as known."""
    mine = findings.get("sources", {}).get(source.name, {})
    at = mine.get("verified_live_at")
    if findings.get("origin") != "live" or at is None:
        return declared_standing(source)
    checked = f"{counted(len(mine['feeds']), 'feed')} and {counted(len(mine['invariants']), 'invariant')}"
    return Standing("live", datetime.fromisoformat(at), f"live answers: {checked} were as known")


def declarations(known: Iterable[Source], findings: Mapping[str, Any]) -> pl.DataFrame:
    """The declarations and the verification of every source, as in `ops.sources`."""
    columns = OPS["sources"][2]
    rows = []
    for source in known:
        verification = standing(source, findings)
        rows.append(
            {
                "source": source.name,
                "datasets": sorted({feed.dataset.name for feed in source.feeds}),
                "verified": verification.verified,
                "verified_at": verification.at,
                "verified_against": verification.against,
                "history_start": min(series.since for feed in source.feeds for series in feed.series),
                "settles": per_feed(source, _settles),
                "restates": per_feed(source, _restates),
                "kept": per_feed(source, lambda feed: in_time(feed.lasts) if feed.lasts else "for ever"),
                "rate_limit": "; ".join(
                    f"{bound}: {limit.requests:,} in {in_time(timedelta(seconds=limit.seconds))}"
                    for bound, limit in source.limits.items()
                ),
                "keyed": source.key is not None and source.key.required,
                "unofficial": source.unofficial,
                "attribution": source.attribution,
                "terms": source.terms,
                "docs": source.docs,
            }
        )
    return pl.DataFrame(rows, schema=polars_schema(columns), orient="row").sort("source")


def per_feed(source: Source, told: Any) -> str:
    """One fact about each feed; stated once if it is the same for all."""
    facts = {feed.dataset.name: told(feed) for feed in source.feeds}
    if len(set(facts.values())) == 1:
        return str(next(iter(facts.values())))
    return "; ".join(f"{name}: {fact}" for name, fact in sorted(facts.items()))


def _settles(feed: Feed) -> str:
    """How long after the end of a day its value is usually public."""
    waits = {_usual_wait(series.release) for series in feed.series}
    shortest, longest = min(waits), max(waits)
    if longest <= timedelta(0):
        return "within the day"
    if shortest == longest:
        return in_time(longest)
    first = in_time(shortest) if shortest > timedelta(0) else "within the day"
    return f"{first} to {in_time(longest)}"


def _restates(feed: Feed) -> str:
    """How long after its end a day is fetched again."""
    windows = {feed.window(series) for series in feed.series}
    shortest, longest = min(windows), max(windows)
    upper = "for ever" if longest >= FOR_EVER else in_time(longest)
    return upper if shortest == longest else f"{in_time(shortest)} to {upper}"


@cache
def _usual_wait(release: Release) -> timedelta:
    waits = [
        (release.public_at(day) - day_start(day + timedelta(days=1))).total_seconds()
        for day in SOME_YEAR
        if release.expects(day)
    ]
    return timedelta(seconds=median(waits)) if waits else timedelta(0)


def in_time(span: timedelta) -> str:
    """A span of time as text."""
    seconds = span.total_seconds()
    for unit, size in UNITS:
        if seconds >= size:
            whole = seconds % size == 0
            return f"{seconds / size:,.0f} {unit}" if whole else f"{seconds / size:,.1f} {unit}"
    return f"{seconds:g} s"


def now_in_words(at: datetime) -> str:
    """An instant as text, for a report."""
    return at.astimezone(UTC).isoformat()
