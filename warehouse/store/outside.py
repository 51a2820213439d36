"""Output files that a person names: none may replace anything but an older warehouse."""

import os
from collections.abc import Iterator
from pathlib import Path

from expectations.errors import BadRequest, StorageDamaged
from warehouse.reader import open_warehouse
from warehouse.store.home import is_home

ENDING = ".duckdb"


def require_free_for_warehouse(place: Path, home: Path) -> None:
    """Refuse to write a warehouse where it would replace or disturb something else.

    Outside of every home, a new name is allowed, or that of a warehouse that tidemark built. In the top folder of a
    home only a new name that ends in `.duckdb` is allowed.

    Args:
        place: Where the warehouse is to be written.
        home: The home that it is built from.

    Raises:
        BadRequest: The place is not free.
    """
    named = f"--out {place if _printable(place) else repr(str(place))}"
    try:
        why = _hindrance(place, home)
    except (OSError, RuntimeError) as refused:  # the name is too long, or links form a loop, up to Python 3.12
        raise BadRequest(f"{named} cannot be written ({getattr(refused, 'strerror', refused)})") from refused
    if why is not None:
        raise BadRequest(f"{named} {why}")


def _hindrance(place: Path, home: Path) -> str | None:
    """Why a place is not free; none if it is."""
    if "?" in str(place.absolute()) or "\\" in str(place.absolute()) or not _printable(place):
        return "holds ?, \\ or a control character, and DuckDB cannot open it: name another file"
    there = os.path.lexists(place)
    for inside in _homes_around(place, home):
        if place.resolve().parent != inside or not place.name.endswith(ENDING) or there:
            return f"lies in the home {inside}, which keeps its own files: name one outside of it"
    above = next(folder for folder in place.absolute().parents if os.path.lexists(folder))
    if not above.is_dir():
        return f"lies below {above}, which is no folder"
    if there:
        return _kept(place)
    logged = place.with_name(f"{place.name}.wal")
    return (
        f"would take {logged.name}, which is there: move that away, or name another file" if logged.exists() else None
    )


def _kept(place: Path) -> str | None:
    """Why an existing file is not replaced; none if it is a warehouse."""
    if place.is_dir():
        return "is a folder: name a file"
    if not place.is_file():
        return "is no regular file: name another one"
    try:
        open_warehouse(place).close()
    except StorageDamaged:
        return "is there and is not a warehouse that tidemark built: move it away, or name another file"
    return None


def _printable(place: Path) -> bool:
    return all(letter >= " " and not "\x7f" <= letter <= "\x9f" for letter in str(place))


def _homes_around(place: Path, home: Path) -> Iterator[Path]:
    """The homes that a file would lie in, both by its path as written and after resolving links."""
    ours = home.resolve()
    for folder in {*place.absolute().parents, *place.resolve().parents}:
        if folder.resolve() == ours or is_home(folder):
            yield folder.resolve()
