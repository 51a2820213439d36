"""Which pages no longer say what the warehouse says: each page names what it was made from, and no clock is asked."""

import hashlib
import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import duckdb

from warehouse.build import models
from warehouse.reader import open_warehouse
from warehouse.reports.pages import FOLDER
from warehouse.reports.pictures import DAYS
from warehouse.store.home import Home

MADE_FROM = "tidemark-made-from"
_MARK = re.compile(rf'<meta name="{MADE_FROM}" content="([0-9a-f]{{64}})">')
_HEAD = 2_000  # bytes, in which the mark lies
_NAMED = re.compile(r"\d{4}-\d{2}-\d{2}")


def made_from(connection: duckdb.DuckDBPyConnection, days: Iterable[date]) -> dict[date, str]:
    """What the page of each day is made from, as a hash.

    A page tells its own day, draws the days before it and sets famous days beside it: of all of these it is what every
    mart, the ledger, the quarantine and the disagreements say. What grows with every build (how fresh a source is, what
    followed a signal) does not count, or every page would be stale every day.

    Args:
        connection: A built file.
        days: The days.
    """
    digests = _digests(connection)
    famous = {day for (day,) in connection.execute("select distinct date from main.famous_days").fetchall()}
    found = {}
    for day in days:
        shown = {day - timedelta(days=back) for back in range(DAYS + 1)} | {one for one in famous if one <= day}
        whole = hashlib.sha256(_templates())
        for other in sorted(shown):
            whole.update(f"{other}:{digests.get(other, '')};".encode())
        found[day] = whole.hexdigest()
    return found


def stale_days(home: Home) -> tuple[list[date], list[date]]:
    """The days whose pages lie under reports/ and say something else than the warehouse, and those it lacks."""
    held = sorted(date.fromisoformat(page.stem) for page in home.reports.glob("*.html") if _NAMED.fullmatch(page.stem))
    if not held:
        return [], []
    with open_warehouse(home.warehouse) as connection:
        told = {day for (day,) in connection.execute("select distinct date from main.brief").fetchall()}
        wanted = made_from(connection, [day for day in held if day in told])
    stale = [day for day, mark in wanted.items() if mark_of(home.reports / f"{day}.html") != mark]
    return stale, [day for day in held if day not in told]


def mark_of(page: Path) -> str | None:
    """What a page says that it was made from; none where it does not say."""
    with page.open(encoding="utf-8", errors="replace") as text:
        found = _MARK.search(text.read(_HEAD))
    return found[1] if found else None


def _digests(connection: duckdb.DuckDBPyConnection) -> dict[date, str]:
    """A hash of all that is told of each day, whatever the order of the rows."""
    tables = [
        (f"main.{model.name}", "t") for model in models.models() if model.schema == "main" and "date" in model.key
    ]
    tables += [
        ("ops.ledger", "row(dataset, source, series, state, reason)"),
        ("ops.quarantine", "row(dataset, source, key, rule)"),
        ("ops.disagreements", "t"),
    ]
    found: dict[date, list[str]] = {}
    for table, told in tables:
        rows = connection.execute(
            f"select date, count(*), bit_xor(hash({told})) from {table} as t group by date"  # noqa: S608  names of ours
        ).fetchall()
        for day, count, digest in rows:
            found.setdefault(day, []).append(f"{table} {count} {digest}")
    return {day: hashlib.sha256("\n".join(parts).encode()).hexdigest() for day, parts in found.items()}


@cache
def _templates() -> bytes:
    """The templates and style sheets: a page that is made in another way is another page."""
    folder = files("warehouse") / FOLDER
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith((".j2", ".css")))
    return b"".join((folder / name).read_bytes() for name in names)
