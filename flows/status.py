"""The status of a home for its operator: completeness, freshness, failures and their reasons."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from flows import pipeline
from flows.jobs import skipped
from flows.remedies import FEED, trouble
from flows.settings import Settings
from warehouse.build.database import freshness
from warehouse.build.disagreements import beyond_tolerance
from warehouse.store.home import open_home, warn_origin, writer_of
from warehouse.store.ledger import Ledger
from warehouse.text import by_state, columns, counted, expected_ends, first_lines, gap_in_words, instant

MOST_LINES = 25
EVERYTHING = "`tidemark status --json` lists all"


def report(settings: Settings) -> dict[str, Any]:
    """The state of a home, as `--json` prints it."""
    home = open_home(settings.home)
    facts = pipeline.inputs(home, settings)
    books = Ledger(home.ledger).read()
    ledger = books.ledger(facts.expected, facts.now)
    counts = ledger.group_by(*FEED, "state").agg(days=pl.len()).sort(*FEED, "state")
    states: dict[tuple[str, str], dict[str, int]] = {}
    for dataset, source, state, days in counts.iter_rows():
        states.setdefault((dataset, source), {})[state] = days
    feeds = [
        {**row, "states": states.get((row["dataset"], row["source"]), {})}
        for row in freshness(ledger, facts.expected, facts.now).iter_rows(named=True)
    ]
    runs = books.run_table()
    writer = writer_of(home.folder) if runs and runs[-1]["state"] == "running" else None
    return {
        "home": str(home.folder),
        "origin": home.origin,
        "warning": warn_origin(home),
        "now": facts.now,
        "last_run": runs[-1] if runs else None,
        "written_by": writer,
        "fetching": books.until if writer else {},
        "feeds": feeds,
        "trouble": trouble(ledger, facts.expected),
        "disagreements": beyond_tolerance(home.warehouse),
        "skipped": skipped(settings),
        "sources": facts.sources.select("source", "verified", "verified_at", "verified_against").to_dicts(),
    }


def retryable(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The trouble that can be retried."""
    return [row for row in found["trouble"] if row["retry"]]


def lost(found: dict[str, Any]) -> list[str]:
    """What can no longer be fetched: one line for each feed, however many series and days it has lost."""
    gone = pl.DataFrame(
        [
            (row["dataset"], row["source"], row["days"], row["first"], row["last"])
            for row in found["trouble"]
            if not row["retry"]
        ],
        schema={"dataset": pl.String, "source": pl.String, "days": pl.Int64, "first": pl.Date, "last": pl.Date},
        orient="row",
    )
    feeds = gone.group_by(*FEED).agg(pl.col("days").sum(), pl.col("first").min(), pl.col("last").max()).sort(*FEED)
    return [
        f"{dataset} ({source}): {days:,} series-days from {first} to {last}"
        for dataset, source, days, first, last in feeds.iter_rows()
    ]


def verified(sources: list[dict[str, Any]]) -> list[str]:
    """One line for each kind of verification, with its sources."""
    ways: dict[str, list[str]] = {}
    for row in sources:
        live = row["verified"] == "live"
        ways.setdefault(row["verified"], []).append(
            f"{row['source']} ({row['verified_at']:%Y-%m-%d})" if live else row["source"]
        )
    return [f"  {way}: {', '.join(names)}" for way, names in sorted(ways.items())]


def being_written(found: dict[str, Any]) -> list[str]:
    """Who writes to the home now, and until when slow sources will be asked; nothing if nobody does."""
    if not found["written_by"]:
        return []
    ends = expected_ends(found["fetching"], MOST_LINES) if found["fetching"] else ""
    return [f"Being written by {found['written_by']}" + (f"; slow sources: {ends}" if ends else "")]


def feed_rows(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """One row for each feed: dataset, source, last day, day that is due, lag, days by state, and when one perishes."""
    return [
        (
            feed["dataset"],
            feed["source"],
            feed["last_date"] or "none",
            feed["expected_date"] or "none",
            None if feed["lag_days"] is None else f"{feed['lag_days']} d",
            by_state(feed["states"]),
            feed["perishes_at"],
        )
        for feed in found["feeds"]
    ]


def table(found: dict[str, Any]) -> str:
    """The report as text."""
    text = [found["warning"]] if found["warning"] else []
    text.append(f"{found['home']} ({found['origin']}), {instant(found['now'])}")
    text += being_written(found)
    titles = ("dataset", "source", "last day", "due", "lag", "days", "perishes at")
    text += ["", columns([titles, *feed_rows(found)])]
    if trouble_left := [_trouble_line(row) for row in retryable(found)]:
        text += ["", "Not there, and the command that retries it:"]
        text += first_lines(trouble_left, MOST_LINES, EVERYTHING)
    if gone := lost(found):
        text += ["", "Can no longer be had (perished):", *(f"  {line}" for line in gone)]
    text += disagreeing(found["disagreements"])
    if found["skipped"]:
        text += ["", "Not asked:"]
        text += [f"  {source}: {reason}" for source, reason in found["skipped"].items()]
    text += ["", "How the sources were verified (`tidemark doctor` asks them):", *verified(found["sources"])]
    return "\n".join(text)


def _trouble_line(row: Mapping[str, Any]) -> str:
    """Missing days of a series with their reason, and on a second line the command that retries them."""
    return (
        f"{row['dataset']} {row['series']} ({row['source']}): {counted(row['days'], 'day')} {row['state']} "
        f"from {row['first']} to {row['last']}"
        + (f": {row['reason']}" if row["reason"] else "")
        + (f"; perishes at {instant(row['perishes_at'])}" if row["perishes_at"] else "")
        + f"\n  {row['retry']}"
    )


def disagreeing(gaps: list[dict[str, Any]] | None) -> Iterator[str]:
    """Where two sources of the same figure differ too much; a person must decide which one is right."""
    if gaps is None:
        yield from ("", "Whether sources disagree is not known: run `tidemark build` to rebuild the warehouse")
        return
    if not gaps:
        return
    yield from ("", "Sources that disagree by more than is allowed, as of the last build (see ops.disagreements):")
    yield from first_lines([gap_in_words(gap) for gap in gaps], MOST_LINES, EVERYTHING)
