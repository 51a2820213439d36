"""Missing days and how to retry them: the command, and the same as a prefilled form."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from flows.serve.forms import backfill_form
from warehouse.reports.completeness import Stretch
from warehouse.store.home import Home
from warehouse.store.ledger import DAY_KEY

FEED = ["dataset", "source"]
TROUBLE = ("missing", "failed", "failed_check", "perished")
MOST_STRETCHES = 24  # per feed; a feed with more is grouped by state alone


def trouble(ledger: pl.DataFrame, expected: pl.DataFrame) -> list[dict[str, Any]]:
    """Missing days by series and reason, with when they perish and the command that retries them; soonest first."""
    rows = (
        ledger.filter(pl.col("state").is_in(TROUBLE))
        .join(expected.select(*DAY_KEY, "perishes_at"), on=DAY_KEY, how="left")
        .group_by(*FEED, "series", "state", "reason")
        .agg(
            first=pl.col("date").min(),
            last=pl.col("date").max(),
            days=pl.len(),
            perishes_at=pl.col("perishes_at").min(),
        )
        .with_columns(perishes_at=pl.when(pl.col("state") != "perished").then("perishes_at"))
        .sort("perishes_at", *FEED, "series", "first", nulls_last=True)
    )
    return [{**row, "retry": _retry(row, [row["series"]])} for row in rows.iter_rows(named=True)]


def _retry(row: Mapping[str, Any], series: Sequence[str]) -> str | None:
    if row["state"] == "perished":
        return None
    words = ["tidemark backfill", str(row["first"]), str(row["last"])]
    words += ["--source", row["source"], "--dataset", row["dataset"], *(f"--series {name}" for name in series)]
    return " ".join(words)


def stretches(home: Home, ledger: pl.DataFrame, expected: pl.DataFrame) -> list[Stretch]:
    """The same trouble, with series that share it grouped, as the completeness page shows it."""
    rows = trouble(ledger, expected)
    alike = ("state", "reason", "first", "last", "perishes_at")
    counts = Counter(feed for feed, *_ in _together(rows, lambda _: alike))
    groups = _together(rows, lambda feed: alike if counts[feed] <= MOST_STRETCHES else ("state",))
    held = dict(_series(ledger))
    return [_stretch(home, group, held) for group in groups.values()]


def _together(
    found: Iterable[dict[str, Any]], alike: Callable[[tuple[str, str]], Sequence[str]]
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """The rows grouped by feed and by the columns that `alike` names for the feed, in order."""
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found:
        feed = (row["dataset"], row["source"])
        together.setdefault((feed, *(row[name] for name in alike(feed))), []).append(row)
    return together


def _series(ledger: pl.DataFrame) -> Iterable[tuple[tuple[str, str], set[str]]]:
    for dataset, source, names in ledger.group_by(FEED).agg(pl.col("series").unique()).iter_rows():
        yield (dataset, source), set(names)


def _stretch(home: Home, rows: Sequence[Mapping[str, Any]], held: Mapping[tuple[str, str], set[str]]) -> Stretch:
    whole = {**rows[0], "first": min(row["first"] for row in rows), "last": max(row["last"] for row in rows)}
    names = sorted({row["series"] for row in rows})
    reasons = {row["reason"] for row in rows}
    every = set(names) == held[whole["dataset"], whole["source"]]
    named = [] if every else names  # a command that names no series means all
    command = _retry(whole, named)
    return Stretch(
        dataset=whole["dataset"],
        source=whole["source"],
        series=tuple(names),
        every=every,
        state=whole["state"],
        reason=whole["reason"] if len(reasons) == 1 else f"{len(reasons)} reasons, one is: {whole['reason']}",
        first=whole["first"],
        last=whole["last"],
        days=sum(row["days"] for row in rows),
        perishes_at=whole["perishes_at"],  # the rows are sorted by it
        command=command,
        form=None if command is None else _form(home, whole, named),
    )


def _form(home: Home, row: Mapping[str, Any], series: Sequence[str]) -> str:
    return backfill_form(
        home.folder,
        {
            "start": str(row["first"]),
            "end": str(row["last"]),
            "sources": [row["source"]],
            "datasets": [row["dataset"]],
            "series": list(series),
        },
    )
