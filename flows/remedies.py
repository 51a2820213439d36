"""What is not there, and what retries it: the command, and the same as a form that is filled in."""

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
MOST_STRETCHES = 24  # of one feed; of one with more, whatever is in one state is told together


def trouble(ledger: pl.DataFrame, expected: pl.DataFrame) -> list[dict[str, Any]]:
    """What is not there, by series and reason, and the command that retries it; what perishes first comes first."""
    found = (
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
    return [{**row, "retry": _retry(row, [row["series"]])} for row in found.iter_rows(named=True)]


def _retry(row: Mapping[str, Any], series: Sequence[str]) -> str | None:
    if row["state"] == "perished":
        return None
    words = ["tidemark backfill", str(row["first"]), str(row["last"])]
    words += ["--source", row["source"], "--dataset", row["dataset"], *(f"--series {name}" for name in series)]
    return " ".join(words)


def stretches(home: Home, ledger: pl.DataFrame, expected: pl.DataFrame) -> list[Stretch]:
    """The same trouble with the series that share it put together, as the completeness page shows it."""
    found = trouble(ledger, expected)
    alike = ("state", "reason", "first", "last", "perishes_at")
    many = Counter(feed for feed, *_ in _together(found, lambda _: alike))
    rows = _together(found, lambda feed: alike if many[feed] <= MOST_STRETCHES else ("state",))
    held = dict(_series(ledger))
    return [_stretch(home, one, held) for one in rows.values()]


def _together(
    found: Iterable[dict[str, Any]], alike: Callable[[tuple[str, str]], Sequence[str]]
) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """The rows of trouble by feed and by what makes them alike there, in order."""
    together: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in found:
        feed = (row["dataset"], row["source"])
        together.setdefault((feed, *(row[name] for name in alike(feed))), []).append(row)
    return together


def _series(ledger: pl.DataFrame) -> Iterable[tuple[tuple[str, str], set[str]]]:
    for dataset, source, names in ledger.group_by(FEED).agg(pl.col("series").unique()).iter_rows():
        yield (dataset, source), set(names)


def _stretch(home: Home, rows: Sequence[Mapping[str, Any]], held: Mapping[tuple[str, str], set[str]]) -> Stretch:
    row = {**rows[0], "first": min(one["first"] for one in rows), "last": max(one["last"] for one in rows)}
    names = sorted({one["series"] for one in rows})
    reasons = {one["reason"] for one in rows}
    every = set(names) == held[row["dataset"], row["source"]]
    named = [] if every else names  # a command that names no series means all
    command = _retry(row, named)
    return Stretch(
        dataset=row["dataset"],
        source=row["source"],
        series=tuple(names),
        every=every,
        state=row["state"],
        reason=row["reason"] if len(reasons) == 1 else f"{len(reasons)} reasons, one is: {row['reason']}",
        first=row["first"],
        last=row["last"],
        days=sum(one["days"] for one in rows),
        perishes_at=row["perishes_at"],  # what perishes first comes first
        command=command,
        form=None if command is None else _form(home, row, named),
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
