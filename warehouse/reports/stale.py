"""Which pages no longer match the warehouse: each page holds a hash of what it was made from; no clock is used."""

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
_HEAD = 2_000  # bytes at the start of a page, which include the mark
_NAMED = re.compile(r"\d{4}-\d{2}-\d{2}")


def made_from(connection: duckdb.DuckDBPyConnection, days: Iterable[date]) -> dict[date, str]:
    """A hash of what the page of each day is made from.

    A page reports its own day, draws the days before it and compares it with famous days. The hash covers what every
    mart, the ledger, the quarantine and the disagreements say about all of these days. What changes with every build
    (how fresh a source is, what followed a signal) does not count, or every page would be stale every day.

    Args:
        connection: A built file.
        days: The days.
    """
    digests = _digests(connection)
    famous = {day for (day,) in connection.execute("select distinct date from main.famous_days").fetchall()}
    hashes = {}
    for day in days:
        earlier = {famous_day for famous_day in famous if famous_day <= day}
        shown = {day - timedelta(days=back) for back in range(DAYS + 1)} | earlier
        whole = hashlib.sha256(_templates())
        for other in sorted(shown):
            whole.update(f"{other}:{digests.get(other, '')};".encode())
        hashes[day] = whole.hexdigest()
    return hashes


def stale_days(home: Home) -> tuple[list[date], list[date]]:
    """The days whose pages under reports/ differ from the warehouse, and those that the warehouse no longer has."""
    held = sorted(date.fromisoformat(page.stem) for page in home.reports.glob("*.html") if _NAMED.fullmatch(page.stem))
    if not held:
        return [], []
    with open_warehouse(home.warehouse) as connection:
        in_brief = {day for (day,) in connection.execute("select distinct date from main.brief").fetchall()}
        wanted = made_from(connection, [day for day in held if day in in_brief])
    stale = [day for day, mark in wanted.items() if mark_of(home.reports / f"{day}.html") != mark]
    return stale, [day for day in held if day not in in_brief]


def mark_of(page: Path) -> str | None:
    """The hash of what a page was made from; none if the page does not have it."""
    with page.open(encoding="utf-8", errors="replace") as text:
        mark = _MARK.search(text.read(_HEAD))
    return mark[1] if mark else None


def _digests(connection: duckdb.DuckDBPyConnection) -> dict[date, str]:
    """A hash of all data about each day, independent of the order of the rows."""
    tables = [
        (f"main.{model.name}", "t") for model in models.models() if model.schema == "main" and "date" in model.key
    ]
    tables += [
        ("ops.ledger", "row(dataset, source, series, state, reason)"),
        ("ops.quarantine", "row(dataset, source, key, rule)"),
        ("ops.disagreements", "t"),
    ]
    by_day: dict[date, list[str]] = {}
    for table, columns in tables:
        rows = connection.execute(
            f"select date, count(*), bit_xor(hash({columns})) from {table} as t group by date"
        ).fetchall()
        for day, count, digest in rows:
            by_day.setdefault(day, []).append(f"{table} {count} {digest}")
    return {day: hashlib.sha256("\n".join(parts).encode()).hexdigest() for day, parts in by_day.items()}


@cache
def _templates() -> bytes:
    """The templates and style sheets; if they change, every page is stale."""
    folder = files("warehouse") / FOLDER
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith((".j2", ".css")))
    return b"".join((folder / name).read_bytes() for name in names)
