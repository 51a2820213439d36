"""The home folder, which holds everything: its layout, its identity and its writer lock."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import orjson

from expectations.errors import HomeBusy, HomeRefused, StorageDamaged
from warehouse.store.files import write_whole

FORMAT = 1
WHAT = "a tidemark home"
Origin = Literal["live", "gateway", "simulated"]


@dataclass(frozen=True)
class Home:
    """A home folder that exists and belongs to tidemark.

    Attributes:
        folder: Where it is.
        origin: Where its data come from; origins are never mixed.
        start: The first day that the ledger expects, unless a backfill names earlier ones.
    """

    folder: Path
    origin: Origin
    start: date

    @property
    def raw(self) -> Path:
        """Archived answers."""
        return self.folder / "raw"

    @property
    def lake(self) -> Path:
        """Checked partitions."""
        return self.folder / "lake"

    @property
    def ledger(self) -> Path:
        """What is known about every series-day."""
        return self.folder / "ledger"

    @property
    def staging(self) -> Path:
        """Files being written, on the same file system as their final places."""
        return self.folder / "staging"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file."""
        return self.folder / "warehouse.duckdb"

    @property
    def reports(self) -> Path:
        """Pages for people."""
        return self.folder / "reports"

    @property
    def simulated(self) -> bool:
        """Whether the data are simulated."""
        return self.origin == "simulated"


def _identity(folder: Path) -> Path:
    return folder / "home.json"


def is_home(folder: Path) -> bool:
    """Whether a folder is marked as a home, whatever its state."""
    try:
        facts = orjson.loads(_identity(folder).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(facts, dict) and facts.get("what") == WHAT


def open_home(folder: Path) -> Home:
    """The home in a folder, for reading.

    Raises:
        HomeRefused: There is none, the folder is not ours, or its format is newer.
    """
    identity = _identity(folder)
    try:
        facts = orjson.loads(identity.read_bytes())
    except FileNotFoundError:
        raise HomeRefused(
            f"no tidemark home in {folder}: run `tidemark demo`, `tidemark run` or `tidemark backfill` first, "
            "or set TIDEMARK_HOME to where it is"
        ) from None
    except (OSError, orjson.JSONDecodeError) as broken:
        raise StorageDamaged(f"expected a readable {identity}, found {broken}: restore it from a backup") from broken
    try:
        known = int(facts["format"])
        if known > FORMAT:
            raise HomeRefused(
                f"{folder} has format {known}, this tidemark knows up to {FORMAT}: install a newer tidemark"
            )
        return Home(folder, facts["origin"], date.fromisoformat(facts["start"]))
    except (LookupError, TypeError, ValueError) as broken:
        raise StorageDamaged(
            f"expected format, origin and start in {identity}, found {broken!r}: restore it from a backup"
        ) from broken


def _may_come_first(entry: Path) -> bool:
    """Whether a new home may already hold this entry: our own early files, or another home, such as the demo's."""
    return entry.name in {"doctor", "prefect", "staging", "writer.lock"} or _identity(entry).exists()


def _strangers(folder: Path) -> list[str]:
    """The entries of a folder that a new home may not already hold."""
    return [entry.name for entry in folder.iterdir() if not _may_come_first(entry)]


def _not_ours(folder: Path, strangers: list[str]) -> HomeRefused:
    return HomeRefused(
        f"{folder} is not a tidemark home and not empty (it holds {min(strangers)!r}): "
        "set TIDEMARK_HOME to a new folder"
    )


def _mixed(home: Home, origin: Origin) -> HomeRefused:
    return HomeRefused(
        f"{home.folder} holds {home.origin} data and this command would add {origin} data: "
        "use another TIDEMARK_HOME, they are never mixed"
    )


def visit(folder: Path, origin: Origin) -> None:
    """Check that a folder is a home of an origin, or could become one; nothing is written.

    Raises:
        HomeRefused: The folder is not ours, or holds data of another origin.
    """
    if _identity(folder).exists():
        home = open_home(folder)
        if home.origin != origin:
            raise _mixed(home, origin)
    elif folder.exists() and (strangers := _strangers(folder)):
        raise _not_ours(folder, strangers)


def claim_home(folder: Path, *, origin: Origin, start: date, now: datetime) -> Home:
    """The home in a folder, for writing; made if the folder is new or empty.

    Raises:
        HomeRefused: The folder is not ours, cannot be written, or holds data of another origin.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = _strangers(folder)
        if not strangers:
            facts = {
                "what": WHAT,
                "format": FORMAT,
                "origin": origin,
                "start": start.isoformat(),
                "created_at": now.isoformat(),
            }
            write_whole(_identity(folder), orjson.dumps(facts, option=orjson.OPT_INDENT_2), folder / "staging")
        elif not _identity(folder).exists():
            raise _not_ours(folder, strangers)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as refused:
        raise HomeRefused(
            f"cannot write to {folder} ({refused.strerror}): set TIDEMARK_HOME to a folder that you may write to"
        ) from refused
    home = open_home(folder)
    if home.origin != origin:
        raise _mixed(home, origin)
    return home


def rewrite_start(home: Home, start: date) -> None:
    """Change the first day of a home's ledger.

    Raises:
        HomeRefused: The home cannot be written.
    """
    facts = orjson.loads(_identity(home.folder).read_bytes())
    facts["start"] = start.isoformat()
    write_whole(_identity(home.folder), orjson.dumps(facts, option=orjson.OPT_INDENT_2), home.staging)


@contextmanager
def hold(path: Path, *, who: str, wait: bool, tell: Callable[[str], None], busy: str) -> Iterator[None]:
    """Hold a lock; the operating system releases it when the process dies, however it dies.

    Args:
        path: The lock's file, which names its holder.
        who: The holder's name, shown to others while they wait.
        wait: Whether to wait for another holder, or to raise `HomeBusy`.
        tell: Called with a message that names the holder we wait for.
        busy: The message of `HomeBusy`, with the holder's name in `{holder}`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as refused:
        raise HomeRefused(
            f"cannot write to {path.parent} ({refused.strerror}): set TIDEMARK_HOME to a folder that you may write to"
        ) from refused
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            if not wait:
                raise HomeBusy(busy.format(holder=holder)) from None
            tell(f"waiting for {holder}, which is writing to {path.parent}")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{who} (process {os.getpid()})\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 500, 0).decode("utf-8", "replace").strip() or "another tidemark"


def writing(folder: Path, *, who: str, wait: bool, tell: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold the home's writer lock, like `hold`: one writer, any number of readers."""
    busy = f"{folder} is being written by {{holder}}: try again when it has ended"
    return hold(folder / "writer.lock", who=who, wait=wait, tell=tell, busy=busy)


def writer_of(folder: Path) -> str | None:
    """Who writes to a home now, in words; None if nobody does."""
    try:
        descriptor = os.open(folder / "writer.lock", os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(descriptor)
    finally:
        os.close(descriptor)
    return None


def warn_origin(home: Home) -> str | None:
    """The warning that every command shows first for a home with simulated data."""
    return "SIMULATED data: made by tidemark's simulator, not by any market" if home.simulated else None
