"""A DuckDB connection on which translated queries run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from include.athena_sql.python_functions import FUNCTIONS

if TYPE_CHECKING:
    import duckdb

_MACROS = Path(__file__).with_name("macros.sql")


def connect(*, threads: int = 2, memory_limit: str = "2GB", database: str = ":memory:") -> duckdb.DuckDBPyConnection:
    """Open a database in UTC with every function and macro that `translate_query` may write.

    The caller registers one view per table, ``"database"."table"``. Cursors of the connection share the functions.
    File access stays on for those views; a translated query itself cannot name a file.
    """
    import duckdb

    connection = duckdb.connect(database, config={"threads": threads, "memory_limit": memory_limit})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = true")
    for name, (function, parameters, result) in FUNCTIONS.items():
        connection.create_function(name, function, parameters, result)
    connection.execute(_MACROS.read_text(encoding="utf-8"))
    return connection
