"""SQL Server by an Airflow connection, fit for BACKUP and RESTORE: autocommit, to master."""

from __future__ import annotations

from typing import Any

from airflow.providers.microsoft.mssql.hooks.mssql import MsSqlHook

PASSED_ON = frozenset({"encryption", "tds_version"})
LOGIN_SECONDS = 10
"""How long a server may take to answer a login; a lost site must not hold a failover up."""


class SqlServerHook(MsSqlHook):
    """MsSqlHook whose connections are fit for BACKUP and RESTORE.

    MsSqlHook opens a transaction on every connection, in which BACKUP is refused (3021), and an `autocommit` in the
    connection's extra does not change that (provider 4.7.2).

    :param mssql_conn_id: the Airflow connection. Its extra may hold pymssql's `encryption` (off, request, require).
    """

    def open(self) -> Any:
        """Return a pymssql connection to master with autocommit on."""
        import pymssql

        connection = self.get_connection(self.get_conn_id())
        extra = {
            name: value for name, value in connection.extra_dejson.items() if name in {"encryption", "tds_version"}
        }
        return pymssql.connect(
            server=connection.host,
            port=str(connection.port or 1433),
            user=connection.login,
            password=connection.password,
            database="master",
            autocommit=True,
            login_timeout=LOGIN_SECONDS,
            appname="landfall",
            **extra,
        )
