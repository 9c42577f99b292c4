"""What system functions and @@globals answer for a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine.homes import SYSTEM_DATABASES
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage.properties import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.engine.session import LocalSession

VERSION = "16.0.4135.4"
BANNER = (
    f"Microsoft SQL Server 2022 - {VERSION} (X64) - Landfall local SQL Server (stand-in): models behaviour, "
    "is not Microsoft's engine"
)
COLLATION_NAME = "SQL_Latin1_General_CP1_CI_AS"


class Facts:
    """Answers by name; also counts identities for the running INSERT."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self.identity = 0
        self.increment = 1

    def next_identity(self) -> int:
        """Return the next value of the identity that the running INSERT draws from."""
        self.identity += self.increment
        return self.identity

    # --- names and numbers of databases and objects

    def database_id(self, name: str | None = None) -> int | None:
        """DB_ID."""
        wanted = (name if name is not None else self._session.database).lower()
        if wanted in SYSTEM_DATABASES:
            return SYSTEM_DATABASES[wanted]
        database = self._session.instance.catalog.find(wanted)
        return database.id if database is not None else None

    def database_name(self, number: int | None = None) -> str | None:
        """DB_NAME."""
        if number is None:
            return self._session.database
        for name, system in SYSTEM_DATABASES.items():
            if system == number:
                return name
        return next((each.name for each in self._session.instance.catalog.databases() if each.id == number), None)

    def object_id(self, name: str | None, kind: str | None = None) -> int | None:
        """OBJECT_ID of a table: [database.][dbo.]name, in brackets or not."""
        from include.standins.sqlserver.tsql.cursor import TokenCursor
        from include.standins.sqlserver.tsql.tokens import tokenize

        if name is None or (kind is not None and kind.strip().upper() not in {"U", ""}):
            return None
        try:
            cursor = TokenCursor(tokenize(name))
            parts = cursor.names()
            if not cursor.at_end:
                return None
            home = self._session.home(parts[-3] if len(parts) > 2 and parts[-3] else None)
        except SqlError:
            return None
        table = home.schema().table(parts[-1])
        return table.object_id if table is not None else None

    def object_name(self, number: int | None) -> str | None:
        """OBJECT_NAME."""
        tables = self._session.home().schema().tables.values()
        return next((table.name for table in tables if table.object_id == number), None)

    # --- properties

    def server_property(self, name: str | None) -> str | int | None:
        """SERVERPROPERTY; NULL for a name it does not know."""
        instance = self._session.instance
        values: dict[str, str | int] = {
            "productversion": VERSION,
            "productlevel": "RTM",
            "productmajorversion": "16",
            "productminorversion": "0",
            "productupdatelevel": "CU15",
            "edition": "Developer Edition (64-bit)",
            "engineedition": 3,
            "servername": instance.name,
            "machinename": instance.name,
            "collation": COLLATION_NAME,
            "isclustered": 0,
            "ishadrenabled": 0,
            "issingleuser": 0,
            "isintegratedsecurityonly": 0,
            "isfulltextinstalled": 0,
            "instancedefaultdatapath": f"{instance.catalog.data_directory}/",
            "instancedefaultlogpath": f"{instance.catalog.data_directory}/",
            "instancedefaultbackuppath": f"{instance.catalog.backup_directory}",
            "processid": instance.process_id,
        }
        return values.get((name or "").lower())

    def database_property(self, database: str | None, name: str | None) -> str | int | None:
        """DATABASEPROPERTYEX; NULL for an unknown database or property."""
        if database is None or name is None:
            return None
        if database.lower() in SYSTEM_DATABASES:
            return _SYSTEM_PROPERTIES.get(name.lower())
        found = self._session.instance.catalog.find(database)
        if found is None:
            return None
        row = found.properties
        standby = found.state is DatabaseState.STANDBY
        values: dict[str, str | int] = {
            "status": "ONLINE" if standby else str(found.state),
            "recovery": str(row.recovery_model),
            "updateability": "READ_ONLY" if standby or row.is_read_only else "READ_WRITE",
            "useraccess": str(row.user_access),
            "isinstandby": int(standby),
            "collation": COLLATION_NAME,
            "isautoclose": 0,
            "isautoshrink": 0,
            "version": 957,
        }
        return values.get(name.lower())

    # --- @@globals and functions without arguments

    def global_value(self, name: str) -> Any:
        """The value of @@name."""
        session = self._session
        values: dict[str, Callable[[], Any]] = {
            "@@ROWCOUNT": lambda: session.rowcount,
            "@@ERROR": lambda: session.last_error,
            "@@TRANCOUNT": lambda: session.transaction.depth,
            "@@SPID": lambda: session.spid,
            "@@SERVERNAME": lambda: session.instance.name,
            "@@SERVICENAME": lambda: "MSSQLSERVER",
            "@@VERSION": lambda: BANNER,
            "@@IDENTITY": lambda: session.last_identity,
            "@@LOCK_TIMEOUT": self._lock_timeout,
            "@@MAX_PRECISION": lambda: 38,
            "@@MICROSOFTVERSION": lambda: 0x10001027,
            "@@LANGUAGE": lambda: "us_english",
            "@@OPTIONS": lambda: 5496,
            "@@DATEFIRST": lambda: 7,
            "@@TEXTSIZE": lambda: 2147483647,
        }
        return values[name]()

    def _lock_timeout(self) -> int:
        seconds = self._session.transaction.lock_timeout
        return -1 if seconds is None else round(seconds * 1000)

    def system_value(self, name: str) -> Any:
        """The value of a function without arguments."""
        session = self._session
        if name.startswith("ERROR_"):
            return self._caught(name)
        if name in {"SUSER_SNAME", "SUSER_NAME", "ORIGINAL_LOGIN", "SYSTEM_USER"}:
            return session.login.user
        if name == "XACT_STATE":
            return -1 if session.transaction.doomed else int(session.transaction.is_open)
        values = {
            "SCOPE_IDENTITY": session.last_identity,
            "HOST_NAME": session.login.host,
            "APP_NAME": session.login.application,
            "CURRENT_TRANSACTION_ID": session.transaction.descriptor,
        }
        return values.get(name, "dbo")

    def _caught(self, name: str) -> Any:
        if not self._session.caught:
            return None
        error = self._session.caught[-1]
        values = {
            "ERROR_NUMBER": error.number,
            "ERROR_MESSAGE": error.message,
            "ERROR_SEVERITY": error.severity,
            "ERROR_STATE": error.state,
            "ERROR_LINE": 1,
        }
        return values.get(name)


_SYSTEM_PROPERTIES: dict[str, str | int] = {
    "status": "ONLINE",
    "recovery": "SIMPLE",
    "updateability": "READ_WRITE",
    "useraccess": "MULTI_USER",
    "isinstandby": 0,
    "collation": COLLATION_NAME,
}
