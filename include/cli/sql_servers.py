"""The two SQL Servers of the stack: their names, ports and folders."""

from dataclasses import dataclass
from pathlib import Path

from include.cli.settings import StackSettings

SQL_LOGIN = "sa"


@dataclass(frozen=True, kw_only=True)
class SqlServerPlace:
    """One SQL Server. Its backups are what it writes itself; its copies are what it restores from.

    :ivar component: name among the stack's processes, e.g. ``sql-primary``.
    :ivar name: what the server calls itself (@@SERVERNAME).
    :ivar connection: the Airflow connection that leads to it.
    """

    component: str
    name: str
    connection: str
    port: int
    state: Path
    backups: Path
    copies: Path


def sql_servers(settings: StackSettings) -> tuple[SqlServerPlace, SqlServerPlace]:
    """Return the primary and the secondary, as they are named before any failover."""
    return (
        _place(settings, side="primary", name="SQLFCI01", port=settings.primary_port),
        _place(settings, side="secondary", name="EC2SQL02", port=settings.secondary_port),
    )


def make_folders(settings: StackSettings) -> None:
    """Make the folders of both servers (mode 0700) where they are missing."""
    for place in sql_servers(settings):
        for folder in (place.state, place.backups, place.copies):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _place(settings: StackSettings, *, side: str, name: str, port: int) -> SqlServerPlace:
    return SqlServerPlace(
        component=f"sql-{side}",
        name=name,
        connection=f"mssql_{side}",
        port=port,
        state=settings.sqlserver / side,
        backups=settings.sqlserver / f"{side}_backups",
        copies=settings.sqlserver / f"{side}_copies",
    )
