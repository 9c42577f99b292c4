"""What is asked of a server about its databases and sessions, and what is set on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.log_shipping.tsql.quoting import Statement, bit, identifier, inside, joined, listed, literal, number

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SPID: Final = 32767


def database_states() -> Statement:
    """Return what lists all databases: state, recovery model, access, recovery fork, start of the next log backup."""
    return Statement(
        "SELECT d.database_id, d.name, d.state_desc, d.is_in_standby, d.is_read_only, d.recovery_model_desc, "
        "d.user_access_desc, r.family_guid, r.recovery_fork_guid, r.last_log_backup_lsn "
        "FROM sys.databases AS d LEFT JOIN sys.database_recovery_status AS r ON r.database_id = d.database_id "
        "ORDER BY d.name"
    )


def master_files() -> Statement:
    """Return what lists all database files: where redo stands and on which fork, and the differential's base."""
    return Statement(
        "SELECT database_id, file_id, type_desc, name, physical_name, redo_start_lsn, redo_start_fork_guid, "
        "differential_base_lsn, differential_base_guid FROM sys.master_files ORDER BY database_id, file_id"
    )


def server_facts() -> Statement:
    """Return one row: server_name, product_version, and the server's UTC time and offset of local time in seconds."""
    return Statement(
        "SELECT @@SERVERNAME AS server_name, CAST(SERVERPROPERTY('ProductVersion') AS NVARCHAR(128)) AS "
        "product_version, SYSUTCDATETIME() AS utc_now, DATEDIFF(SECOND, GETUTCDATE(), GETDATE()) AS offset_seconds"
    )


def sessions(database: str) -> Statement:
    """Return what lists the other user sessions whose current database this is."""
    return joined(
        "SELECT session_id, login_name, host_name, program_name, status, login_time FROM sys.dm_exec_sessions",
        "WHERE is_user_process = 1 AND session_id <> @@SPID AND database_id =",
        "DB_ID(" + literal(database) + ") ORDER BY session_id",
    )


def requests() -> Statement:
    """Return what lists running requests with the progress of BACKUP and RESTORE in percent."""
    return Statement(
        "SELECT session_id, command, status, percent_complete, start_time, DB_NAME(database_id) AS database_name "
        "FROM sys.dm_exec_requests ORDER BY session_id"
    )


def set_recovery_full(database: str) -> Statement:
    """Return the change to recovery model FULL; the log chain begins with the next full backup."""
    return joined("ALTER DATABASE", identifier(database), "SET RECOVERY FULL")


def set_single_user(database: str) -> Statement:
    """Return what disconnects everybody at once, rolling back what they had open."""
    return joined("ALTER DATABASE", identifier(database), "SET SINGLE_USER WITH ROLLBACK IMMEDIATE")


def set_multi_user(database: str) -> Statement:
    """Return what lets everybody in again."""
    return joined("ALTER DATABASE", identifier(database), "SET MULTI_USER")


def set_read_only(database: str) -> Statement:
    """Return what stops all writing and disconnects everybody."""
    return joined("ALTER DATABASE", identifier(database), "SET READ_ONLY WITH ROLLBACK IMMEDIATE")


def set_read_write(database: str) -> Statement:
    """Return what allows writing again."""
    return joined("ALTER DATABASE", identifier(database), "SET READ_WRITE")


def drop_database(database: str) -> Statement:
    """Return the drop; the files go with it."""
    return joined("DROP DATABASE", identifier(database))


def kill(spid: int) -> Statement:
    """Return what ends a session.

    :raises ValueError: it is no session number.
    """
    if not 1 <= spid <= MAX_SPID:
        raise ValueError(f"{spid} is no session: give a number from 1 to {MAX_SPID}.")
    return joined("KILL", number(spid))


def check_database(database: str) -> Statement:
    """Return DBCC CHECKDB; errors of the database come as errors of the statement."""
    return joined("DBCC CHECKDB", "(" + literal(database) + ")", "WITH NO_INFOMSGS")


def user_tables(database: str) -> Statement:
    """Return what lists the user tables of an open database: schema_name, table_name."""
    return inside(
        database,
        "SELECT s.name AS schema_name, t.name AS table_name FROM sys.tables AS t",
        "JOIN sys.schemas AS s ON s.schema_id = t.schema_id ORDER BY s.name, t.name",
    )


def row_counts(database: str, tables: Sequence[tuple[str, str]]) -> Statement:
    """Return what counts the rows of tables: schema_name, table_name, row_count.

    :param tables: schema and name of each, as `user_tables` lists them.
    :raises ValueError: no table is named.
    """
    if not tables:
        raise ValueError(f"{database}: no table is named; a database without tables has nothing to count.")
    return inside(database, " UNION ALL ".join([_row_count(schema, table) for schema, table in tables]))


def _row_count(schema: str, table: str) -> str:
    counted = ["SELECT", literal(schema), "AS schema_name,", literal(table), "AS table_name, COUNT_BIG(*) AS row_count"]
    return " ".join([*counted, "FROM", identifier(schema) + "." + identifier(table)])


def agent_jobs(names: Sequence[str]) -> Statement:
    """Return what lists SQL Server Agent jobs that exist under these names: name, enabled."""
    if not names:
        raise ValueError("no job is named: leave the step out.")
    chosen = "(" + listed([literal(name) for name in names]) + ")"
    return joined("SELECT name, enabled FROM msdb.dbo.sysjobs WHERE name IN", chosen, "ORDER BY name")


def set_agent_job(name: str, *, enabled: bool) -> Statement:
    """Return what enables or disables a SQL Server Agent job."""
    return joined("EXEC msdb.dbo.sp_update_job @job_name =", literal(name) + ", @enabled =", bit(enabled))
