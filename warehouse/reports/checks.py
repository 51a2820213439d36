"""The results of a run's checks as pages that open offline."""

from collections.abc import Iterable, Mapping
from typing import Any

from warehouse.reports.pages import render
from warehouse.store.files import write_whole
from warehouse.store.home import Home
from warehouse.store.ledger import Books

FOLDER = "checks"
NEWEST_RUNS = 200


def write_check_pages(home: Home, books: Books, run_id: str) -> None:
    """Write the page of one run and the list of runs."""
    runs = {row["run_id"]: row for row in books.run_table()}
    checks = [row for row in books.check_table() if row["run_id"] == run_id]
    held = [row for row in books.quarantine_table() if row["run_id"] == run_id]
    page = render("checks.html.j2", simulated=home.simulated, run=runs[run_id], batches=_by_feed(checks), held=held)
    folder = home.reports / FOLDER
    write_whole(folder / f"{run_id}.html", page.encode(), home.staging)
    listed = sorted(runs.values(), key=lambda row: row["run_id"], reverse=True)[:NEWEST_RUNS]
    counts = _counts(books.check_table())
    index = render(
        "checks_index.html.j2",
        simulated=home.simulated,
        runs=[{**row, **counts.get(row["run_id"], {"rules": 0, "broken": 0, "warned": 0})} for row in listed],
    )
    write_whole(folder / "index.html", index.encode(), home.staging)


def _by_feed(checks: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    feeds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in checks:
        feeds.setdefault((row["dataset"], row["source"]), []).append(row)
    return dict(sorted(feeds.items()))


def _counts(checks: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for row in checks:
        count = counts.setdefault(row["run_id"], {"rules": 0, "broken": 0, "warned": 0})
        count["rules"] += 1
        if not row["success"]:
            count["broken" if row["severity"] == "blocking" else "warned"] += 1
    return counts
