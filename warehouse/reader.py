"""Opening the warehouse for readers."""

from pathlib import Path

import duckdb

from expectations.errors import StorageDamaged


def open_warehouse(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to a built file, with no access to other files or the network from SQL.

    Raises:
        StorageDamaged: It is missing or not a warehouse.
    """
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
