"""Opening the warehouse for readers."""

from pathlib import Path

import duckdb

from expectations.errors import StorageDamaged


def open_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a built file, with no access to other files or the network from SQL.

    DuckDB opens a file in several steps. If a build puts a new file into its place between two of them, it may refuse
    both; then the new one is opened.

    Raises:
        StorageDamaged: It is missing or not a warehouse.
    """
    while True:
        before = _file_at(path)
        try:
            return _opened(path)
        except StorageDamaged:
            if _file_at(path) in {before, None}:
                raise


def _file_at(path: Path) -> tuple[int, int] | None:
    """What tells the file at a path from another one; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    if not path.exists():
        raise StorageDamaged(f"no warehouse file at {path}: run `tidemark build`")
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": "false",
        "autoinstall_known_extensions": "false",
    }
    try:
        connection = duckdb.connect(str(path.absolute()), read_only=True, config=config)
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute("set lock_configuration = true")
            connection.execute("select value from ops.home").fetchall()
        except duckdb.Error:
            connection.close()
            raise
    except duckdb.Error as broken:
        reason = str(broken).splitlines()[0]
        raise StorageDamaged(f"{path} cannot be read as a warehouse ({reason}): run `tidemark build`") from broken
    return connection
