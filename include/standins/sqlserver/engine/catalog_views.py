"""Catalog and dynamic management views: rows computed when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine import view_shapes as shapes
from include.standins.sqlserver.engine.homes import SYSTEM_DATABASES
from include.standins.sqlserver.engine.session_views import (
    exec_connection_rows,
    exec_request_rows,
    exec_session_rows,
    process_rows,
)
from include.standins.sqlserver.engine.table_views import (
    column_rows,
    index_rows,
    information_column_rows,
    information_table_rows,
    object_rows,
    schema_rows,
    table_rows,
)
from include.standins.sqlserver.storage.properties import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.results import SqlType
    from include.standins.sqlserver.storage.database import Database

_STATES = {
    "ONLINE": 0,
    "RESTORING": 1,
    "RECOVERING": 2,
    "RECOVERY_PENDING": 3,
    "SUSPECT": 4,
    "EMERGENCY": 5,
    "OFFLINE": 6,
}
_ACCESS = {"MULTI_USER": 0, "SINGLE_USER": 1, "RESTRICTED_USER": 2}
_MODELS = {"FULL": 1, "BULK_LOGGED": 2, "SIMPLE": 3}
_WAITS = {"NOTHING": 0, "CHECKPOINT": 1, "LOG_BACKUP": 2, "ACTIVE_BACKUP_OR_RESTORE": 3}
_COLLATION = "SQL_Latin1_General_CP1_CI_AS"


@dataclass(frozen=True, slots=True)
class View:
    """A view: its name with schema in lower case, columns, and rows for a session as seen from a database."""

    name: str
    columns: tuple[tuple[str, SqlType], ...]
    rows: Callable[[LocalSession, str], Sequence[Sequence[Any]]]


def find_view(schema: str, name: str, *, database: str) -> View | None:
    """Find a view; sysdatabases and sysprocesses are also found under dbo, and without a schema in master."""
    folded = name.lower()
    if folded in {"sysprocesses", "sysdatabases"} and schema in {"", "dbo", "sys"}:
        return _VIEWS[f"sys.{folded}"] if schema == "sys" or database.lower() == "master" else None
    return _VIEWS.get(f"{schema}.{folded}")


def _databases(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    del database
    started = session.instance.started
    rows = [
        shapes.by_name(
            shapes.DATABASES,
            _database_defaults()
            | {
                "name": name,
                "database_id": number,
                "create_date": started,
                "recovery_model": 3,
                "recovery_model_desc": "SIMPLE",
            },
        )
        for name, number in SYSTEM_DATABASES.items()
    ]
    return rows + [
        shapes.by_name(shapes.DATABASES, _database_row(each)) for each in session.instance.catalog.databases()
    ]


def _database_defaults() -> dict[str, Any]:
    return {
        "compatibility_level": 160,
        "collation_name": _COLLATION,
        "user_access": 0,
        "user_access_desc": "MULTI_USER",
        "is_read_only": False,
        "is_auto_close_on": False,
        "is_auto_shrink_on": False,
        "state": 0,
        "state_desc": "ONLINE",
        "is_in_standby": False,
        "is_cleanly_shutdown": False,
        "snapshot_isolation_state": 0,
        "snapshot_isolation_state_desc": "OFF",
        "is_read_committed_snapshot_on": False,
        "page_verify_option": 2,
        "page_verify_option_desc": "CHECKSUM",
        "is_published": False,
        "is_distributor": False,
        "is_broker_enabled": False,
        "log_reuse_wait": 0,
        "log_reuse_wait_desc": "NOTHING",
        "is_encrypted": False,
        "containment": 0,
        "containment_desc": "NONE",
        "is_query_store_on": False,
    }


def _shown_state(database: Database) -> str:
    """A standby database is ONLINE with is_in_standby = 1."""
    return "ONLINE" if database.state is DatabaseState.STANDBY else str(database.state)


def _database_row(database: Database) -> dict[str, Any]:
    row = database.properties
    standby = database.state is DatabaseState.STANDBY
    state = _shown_state(database)
    opened = state == "ONLINE"
    return _database_defaults() | {
        "name": database.name,
        "database_id": database.id,
        "create_date": row.create_date,
        "collation_name": _COLLATION if opened else None,
        "user_access": _ACCESS[row.user_access],
        "user_access_desc": str(row.user_access),
        "is_read_only": standby or row.is_read_only,
        "state": _STATES[state],
        "state_desc": state,
        "is_in_standby": standby,
        "recovery_model": _MODELS[row.recovery_model],
        "recovery_model_desc": str(row.recovery_model),
        "log_reuse_wait": _WAITS.get(database.log_reuse_wait, 0),
        "log_reuse_wait_desc": database.log_reuse_wait,
    }


def _master_files(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    del database
    rows = []
    for each in session.instance.catalog.databases():
        for file in each.files():
            state = _shown_state(each)
            values = {
                "database_id": each.id,
                "file_id": file.file_id,
                "type": file.type,
                "type_desc": "ROWS" if file.type == 0 else "LOG",
                "data_space_id": 1 - file.type,
                "name": file.logical_name,
                "physical_name": file.physical_name,
                "state": _STATES[state],
                "state_desc": state,
                "size": file.pages,
                "max_size": -1,
                "growth": 8192,
                "is_media_read_only": False,
                "is_read_only": False,
                "is_sparse": False,
                "is_percent_growth": False,
                "differential_base_lsn": file.differential_base_lsn,
                "differential_base_guid": file.differential_base_guid,
                "differential_base_time": file.differential_base_time,
                "redo_start_lsn": file.redo_start_lsn,
                "redo_start_fork_guid": file.redo_start_fork,
                "redo_target_lsn": file.redo_target_lsn,
                "redo_target_fork_guid": file.redo_start_fork,
                "backup_lsn": file.backup_lsn,
            }
            rows.append(shapes.by_name(shapes.MASTER_FILES, values))
    return rows


def _own_files(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    """sys.database_files: the files of the database it is read in, without its first column."""
    found = session.instance.catalog.find(database)
    return [row[1:] for row in _master_files(session, database) if found is not None and row[0] == found.id]


def _recovery_status(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    del database
    rows = []
    for each in session.instance.catalog.databases():
        row = each.properties
        online = each.state is DatabaseState.ONLINE
        rows.append(
            (
                each.id,
                row.database_guid if online else None,
                row.family_guid,
                row.last_log_backup_lsn if online else None,
                row.recovery_fork,
                row.first_recovery_fork,
                row.fork_point_lsn,
            )
        )
    return rows


def _configurations(session: LocalSession, database: str) -> Sequence[Sequence[Any]]:
    del session, database
    return [
        (1579, "backup compression default", 0, 0, "Enable compression of backups by default"),
        (3010, "backup checksum default", 0, 0, "Enable checksum of backups by default"),
    ]


_VIEWS = {
    view.name: view
    for view in (
        View("sys.databases", shapes.DATABASES, _databases),
        View("sys.sysdatabases", shapes.DATABASES, _databases),
        View("sys.master_files", shapes.MASTER_FILES, _master_files),
        View("sys.database_files", shapes.MASTER_FILES[1:], _own_files),
        View("sys.database_recovery_status", shapes.RECOVERY_STATUS, _recovery_status),
        View("sys.dm_exec_sessions", shapes.SESSIONS, exec_session_rows),
        View("sys.dm_exec_requests", shapes.REQUESTS, exec_request_rows),
        View("sys.dm_exec_connections", shapes.CONNECTIONS, exec_connection_rows),
        View("sys.sysprocesses", shapes.PROCESSES, process_rows),
        View("sys.configurations", shapes.CONFIGURATIONS, _configurations),
        View("sys.objects", shapes.OBJECTS, object_rows),
        View("sys.tables", shapes.OBJECTS, table_rows),
        View("sys.columns", shapes.COLUMNS, column_rows),
        View("sys.indexes", shapes.INDEXES, index_rows),
        View("sys.schemas", shapes.SCHEMAS, schema_rows),
        View("information_schema.tables", shapes.TABLES, information_table_rows),
        View("information_schema.columns", shapes.INFORMATION_COLUMNS, information_column_rows),
    )
}
