"""The command for tests, what it made, and how two homes are compared."""

import os
import shlex
import subprocess
import sys
import traceback
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from click.testing import CliRunner

from flows.cli import main
from flows.sources import sources
from warehouse.store.files import digest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
NOW = datetime(2024, 12, 10, 0, 30, tzinfo=UTC)
COMMAND = "from flows.cli import main; main(prog_name='tidemark')"
# Columns that differ between two homes with the same contents.
OF_THE_RUN = ("observed_at", "recorded_at", "run_id", "snapshot")


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    code: int
    out: str
    err: str
    raw: bytes = b""

    @property
    def sentence(self) -> str:
        """The last line on stderr: the one sentence of an error."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        return lines[-1] if lines else ""


@dataclass(frozen=True)
class Tool:
    """The command `tidemark` with its settings.

    Attributes:
        home: TIDEMARK_HOME.
        gateway: TIDEMARK_GATEWAY.
        sources: TIDEMARK_SOURCES.
        now: TIDEMARK_NOW.
        start: TIDEMARK_START.
    """

    home: Path
    gateway: str | None = None
    sources: str | None = None
    now: datetime = NOW
    start: str | None = None

    @property
    def environment(self) -> dict[str, str | None]:
        """The settings as environment variables; none for those that are unset."""
        return {
            "TIDEMARK_HOME": str(self.home),
            "TIDEMARK_GATEWAY": self.gateway,
            "TIDEMARK_NOW": self.now.isoformat(),
            "TIDEMARK_SOURCES": self.sources,
            "TIDEMARK_START": self.start,
        }

    def __call__(self, *args: object, text: str | None = None, **environment: str | None) -> Said:
        """Run the command in this process; an exception other than its exit fails the test."""
        words = [str(word) for word in args]
        result = CliRunner().invoke(main, words, text, {**self.environment, **environment}, prog_name="tidemark")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            shown = "".join(traceback.format_exception(result.exception))
            raise AssertionError(f"tidemark {shlex.join(words)} ended with a traceback:\n{shown}")
        return Said(result.exit_code, result.stdout, result.stderr, result.stdout_bytes)

    def spawn(self, *args: object) -> "subprocess.Popen[bytes]":
        """Start the command in a process of its own."""
        environment = {**os.environ, **{name: value for name, value in self.environment.items() if value is not None}}
        environment["PYTHONPATH"] = str(ROOT)
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, args)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def at(self, home: Path) -> "Tool":
        """The same settings for another home."""
        return replace(self, home=home)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse."""
        with duckdb.connect(str(self.home / "warehouse.duckdb"), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        """The only value of a query on the warehouse."""
        ((value,),) = self.ask(query)
        return value

    def states(self, where: str = "true") -> dict[str, int]:
        """Series-days by state."""
        found = self.ask(f"select state, count(*) from ops.ledger where {where} group by 1")
        return dict(found)


def series_of(source: str, dataset: str | None = None) -> int:
    """How many series a source has, in one dataset or in all of its datasets."""
    feeds = sources()[source].feeds
    return sum(len(feed.series) for feed in feeds if dataset in {None, feed.dataset.name})


def tables(warehouse: Path, schemas: tuple[str, ...] = ("main", "core")) -> dict[str, pl.DataFrame]:
    """Every table of some schemas, without the columns about the run that made it."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where list_contains(?, schema_name) order by 1",
            [list(schemas)],
        ).fetchall()
        found = {name: connection.sql(f"from {name}").pl() for (name,) in names}
    return {name: frame.drop(OF_THE_RUN, strict=False) for name, frame in found.items()}


def same(one: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> list[str]:
    """The tables in which two warehouses differ."""
    return [
        name
        for name in sorted({*one, *other})
        if name not in one or name not in other or not one[name].equals(other[name], null_equal=True)
    ]


def bytes_of(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, except the lock, which has only the name of the last writer."""
    return {
        path.relative_to(folder).as_posix(): digest(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "writer.lock"
    }


def flip(path: Path, *, at: float = 0.5) -> None:
    """Damage one byte of a file."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 0x20
    path.write_bytes(bytes(content))


def only(paths: list[Path]) -> Path:
    """The one path there is."""
    (path,) = paths
    return path
