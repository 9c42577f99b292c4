"""What a database holds: rows per table, and the canary's last beat."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.log_shipping import tsql
from include.log_shipping.failures import SqlServerError

if TYPE_CHECKING:
    from include.log_shipping.client import Row, SqlServer

OWN_TABLES = frozenset({("dbo", "landfall_probe")})
NO_SUCH_OBJECT = 208


def count_rows(server: SqlServer, database: str) -> dict[str, int]:
    """Return the rows of each user table as `schema.table`; the write probe's table does not count."""
    found = server.run(tsql.user_tables(database), doing=f"listing the tables of {database}")
    tables = [(row["schema_name"], row["table_name"]) for row in found]
    tables = [table for table in tables if table not in OWN_TABLES]
    if not tables:
        return {}
    rows = server.run(tsql.row_counts(database, tables), doing=f"counting the rows of {database}")
    return {f"{row['schema_name']}.{row['table_name']}": int(row["row_count"]) for row in rows}


def last_beat(server: SqlServer, database: str) -> int | None:
    """Return the number of the canary's last beat, None when there is none."""
    row = _canary(server, database)
    return None if row is None or row["last_beat"] is None else int(row["last_beat"])


def last_beat_at(server: SqlServer, database: str) -> datetime | None:
    """Return when the canary's last beat was committed (aware), None when there is none."""
    row = _canary(server, database)
    return None if row is None or row["last_at"] is None else row["last_at"].replace(tzinfo=UTC)


def beats_have_holes(server: SqlServer, database: str) -> bool:
    """Whether a beat between the first and the last is missing: rows were lost in the middle, not at the end."""
    row = _canary(server, database)
    if row is None or row["last_beat"] is None:
        return False
    return int(row["beats"]) != int(row["last_beat"]) - int(row["first_beat"]) + 1


def _canary(server: SqlServer, database: str) -> Row | None:
    try:
        return server.one(tsql.read_canary(database), doing=f"reading the canary of {database}")
    except SqlServerError as error:
        if error.number == NO_SUCH_OBJECT:
            return None
        raise
