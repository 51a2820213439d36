"""Whether two warehouse files hold the same: tables and views, columns, comments, rows."""

from pathlib import Path

import duckdb

_DESCRIBED = {
    "columns": "select schema_name || '.' || table_name || '.' || column_name as name, data_type as kind, comment, "
    "column_index as place from duckdb_columns() where database_name = ? and not internal",
    "tables": "select schema_name || '.' || table_name as name, '' as kind, comment, 0 as place from duckdb_tables() "
    "where database_name = ? union all select schema_name || '.' || view_name, sql, comment, 0 from duckdb_views() "
    "where database_name = ? and not internal",
}


def differences(one: Path, other: Path) -> list[str]:
    """What differs between two files.

    Args:
        one: A warehouse file.
        other: Another one.

    Returns:
        The names of columns, tables and views that one lacks or describes otherwise, and of tables whose rows differ.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for alias, path in (("one", one), ("other", other)):
            place = str(path.absolute()).replace("'", "''")
            connection.execute(f"attach '{place}' as {alias} (read_only)")
        described = []
        for query in _DESCRIBED.values():
            sides = [
                set(connection.execute(query, [alias] * query.count("?")).fetchall()) for alias in ("one", "other")
            ]
            described += [str(name) for name, *_ in sides[0] ^ sides[1]]
        if described:
            return sorted(set(described))
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'one' order by 1"
        ).fetchall()
        return [
            table
            for (table,) in tables
            if connection.execute(
                f"select 1 from ((from one.{table} except all from other.{table}) union all "
                f"(from other.{table} except all from one.{table})) limit 1"
            ).fetchall()
        ]
