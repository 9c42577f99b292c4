"""A model of SQL Server's states, log and forks, in process: enough to run every step and to kill it at every call.

It knows the statements that `include.log_shipping.tsql` builds, by their text. What it answers are the engine's rules
as documented; the tests against the local SQL Server show more.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.log_shipping.failures import ServerUnreachableError, SqlServerError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = r"\[((?:[^\]]|\]\])+)\]"
PATH = r"DISK = N'([^']+)'"


@dataclass
class Database:
    """A database: its log as (LSN, table) pairs, and where restoring or backing up stands."""

    name: str
    state: str = "ONLINE"
    standby: bool = False
    access: str = "MULTI_USER"
    log: list[tuple[int, str]] = field(default_factory=list)
    end: int = 1000
    fork: str = ""
    backed_up: int = 1000
    crossed: tuple[str, int] | None = None

    @property
    def takes_logs(self) -> bool:
        return self.state == "RESTORING" or self.standby

    def commit(self, table: str) -> None:
        self.end += 10
        self.log.append((self.end, table))

    def rows(self) -> dict[str, int]:
        tables = sorted({table for _, table in self.log})
        return {table: sum(1 for _, each in self.log if each == table) for table in tables}


class ModelServer:
    """One server; `down` makes it unreachable, `sessions` are its clients by database."""

    def __init__(self, name: str, clock: Callable[[], datetime]) -> None:
        self.name, self.clock = name, clock
        self.databases: dict[str, Database] = {}
        self.down = False
        self.sessions: dict[str, list[int]] = {}
        self.restored: list[str] = []
        self.probes: dict[str, str] = {}

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, statement: Any, *, doing: str, progress: Any = None) -> list[dict[str, Any]]:
        if self.down:
            raise ServerUnreachableError(number=20009, text="no answer", server=self.name)
        for pattern, answer in RULES:
            if match := re.match(pattern, statement.text, re.DOTALL):
                self.doing = doing
                return answer(self, *match.groups()) or []
        raise AssertionError(f"the model does not know: {statement.text}")

    def one(self, statement: Any, *, doing: str) -> dict[str, Any] | None:
        rows = self.run(statement, doing=doing)
        return rows[0] if rows else None

    def now(self) -> datetime:
        return self.clock().replace(tzinfo=None)

    def refuse(self, number: int, text: str) -> SqlServerError:
        return SqlServerError(number=number, text=text, server=self.name, doing=self.doing)

    def database(self, name: str) -> Database:
        found = self.databases.get(name.replace("]]", "]"))
        if found is None:
            raise self.refuse(911, "Database does not exist.")
        return found

    def create(self, name: str, *, commits: int = 3) -> Database:
        made = self.databases[name] = Database(name, fork=_guid())
        for _ in range(commits):
            made.commit("dbo.orders")
        return made


def _guid() -> str:
    return str(uuid.uuid4()).upper()


def _states(server: ModelServer) -> list[dict[str, Any]]:
    return [
        {
            "database_id": number,
            "name": one.name,
            "state_desc": one.state,
            "is_in_standby": one.standby,
            "is_read_only": one.standby,
            "recovery_model_desc": "FULL",
            "user_access_desc": one.access,
            "family_guid": None,
            "recovery_fork_guid": None if one.takes_logs else one.fork,
            "last_log_backup_lsn": one.backed_up,
        }
        for number, one in enumerate(server.databases.values(), start=5)
    ]


def _files(server: ModelServer) -> list[dict[str, Any]]:
    return [
        {
            "database_id": number,
            "file_id": 1,
            "type_desc": "ROWS",
            "name": "data",
            "physical_name": f"/data/{one.name}.mdf",
            "redo_start_lsn": one.end if one.takes_logs else None,
            "redo_start_fork_guid": one.fork if one.takes_logs else None,
            "differential_base_lsn": None,
            "differential_base_guid": None,
        }
        for number, one in enumerate(server.databases.values(), start=5)
    ]


def _back_up(server: ModelServer, kind: str, name: str, path: str, options: str) -> None:
    database = server.database(name)
    if database.takes_logs:
        raise server.refuse(3036, "The database is in restoring state.")
    no_recovery = "NORECOVERY" in options
    if no_recovery and server.sessions.get(database.name):
        raise server.refuse(3101, "Exclusive access could not be obtained because the database is in use.")
    is_log = kind == "LOG"
    first_fork, point = database.crossed if is_log and database.crossed else (database.fork, None)
    document = {
        "BackupSetGUID": _guid(),
        "BackupType": 2 if is_log else 1,
        "DatabaseName": database.name,
        "ServerName": server.name,
        "FirstLSN": database.backed_up if is_log else database.end,
        "LastLSN": database.end,
        "CheckpointLSN": database.end,
        "DatabaseBackupLSN": 0,
        "BackupStartDate": server.now().isoformat(),
        "BackupFinishDate": (server.now() + timedelta(seconds=1)).isoformat(),
        "Position": 1,
        "IsCopyOnly": "COPY_ONLY" in options,
        "FirstRecoveryForkID": first_fork,
        "RecoveryForkID": database.fork,
        "ForkPointLSN": point,
        "log": database.log,
        "access": database.access,
    }
    Path(path).write_text(json.dumps(document))
    if is_log:
        database.backed_up = database.end
        if point is not None and database.end > point:
            database.crossed = None  # a log that begins at the fork itself still begins on the fork before it
    if no_recovery:
        database.state = "RESTORING"


def _header(server: ModelServer, path: str) -> list[dict[str, Any]]:
    document = json.loads(Path(path).read_text())
    times = {name: datetime.fromisoformat(document[name]) for name in ("BackupStartDate", "BackupFinishDate")}
    return [{name: value for name, value in document.items() if name not in {"log", "access"}} | times]


def _restore_log(server: ModelServer, name: str, path: str, options: str) -> None:
    database, backup = server.database(name), json.loads(Path(path).read_text())
    if not database.takes_logs:
        raise server.refuse(3117, "The log or differential backup cannot be restored.")
    if backup["LastLSN"] < database.end:
        raise server.refuse(4326, "The log in this backup set terminates too early.")
    if backup["FirstLSN"] > database.end:
        raise server.refuse(4305, "The log in this backup set begins too late.")
    if database.fork not in {backup["FirstRecoveryForkID"], backup["RecoveryForkID"]}:
        raise server.refuse(4330, "This backup set cannot be applied because it is on an inconsistent recovery path.")
    database.log, database.end = [tuple(record) for record in backup["log"]], backup["LastLSN"]
    database.fork, database.access, database.standby, database.state = (
        *(backup["RecoveryForkID"], backup["access"]),
        *(False, "RESTORING"),
    )
    server.restored.append(Path(path).name)


def _restore_full(server: ModelServer, name: str, path: str, options: str) -> None:
    plain, backup = name.replace("]]", "]"), json.loads(Path(path).read_text())
    if plain in server.databases and "REPLACE" not in options:
        raise server.refuse(3154, "The backup set holds a backup of a database other than the existing one.")
    log = [tuple(record) for record in backup["log"]]
    made = Database(plain, "RESTORING", log=log, end=backup["LastLSN"], fork=backup["RecoveryForkID"])
    server.databases[plain] = made


def _recover(server: ModelServer, name: str) -> None:
    database = server.database(name)
    if not database.takes_logs:
        raise server.refuse(3153, "The database is already fully recovered.")
    database.crossed, database.fork = (database.fork, database.end), _guid()
    database.state, database.standby, database.backed_up = "ONLINE", False, database.end


def _access(server: ModelServer, name: str, mode: str) -> None:
    server.database(name).access = mode
    server.sessions.pop(name, None)


def _kill(server: ModelServer, spid: str) -> None:
    for name, spids in server.sessions.items():
        server.sessions[name] = [one for one in spids if one != int(spid)]


def _drop(server: ModelServer, name: str) -> None:
    server.databases.pop(server.database(name).name)


def _inside(server: ModelServer, name: str, inner: str) -> list[dict[str, Any]]:
    database = server.database(name)
    if database.state == "RESTORING":
        raise server.refuse(927, "The database cannot be opened. It is in the middle of a restore.")
    if inner.startswith("SELECT s.name"):
        return [dict(zip(("schema_name", "table_name"), t.split("."), strict=True)) for t in database.rows()]
    if "landfall_probe" in inner:
        return _probe(server, database, inner)
    if "landfall_canary" in inner and "INTO" not in inner and "COUNT_BIG(*) AS row_count" not in inner:
        raise server.refuse(208, "Invalid object name 'dbo.landfall_canary'.")
    rows = database.rows()
    return [
        {"schema_name": table.split(".")[0], "table_name": table.split(".")[1], "row_count": count}
        for table, count in rows.items()
    ]


def _probe(server: ModelServer, database: Database, inner: str) -> list[dict[str, Any]]:
    token = re.search(r"N'([0-9a-f]{32})'", inner)
    if "INSERT" in inner:
        if database.standby:
            raise server.refuse(3906, "The database is read-only.")
        assert token
        server.probes[database.name] = token.group(1)
    if inner.startswith("SELECT token"):
        return [{"token": server.probes[database.name], "at": server.now()}]
    return []


RULES: list[tuple[str, Callable[..., Any]]] = [
    (r"SELECT d\.database_id", _states),
    (r"SELECT database_id, file_id", _files),
    (r"SELECT @@SERVERNAME", lambda server: [{"offset_seconds": 0}]),
    (
        r"SELECT session_id, login_name.*DB_ID\(N'([^']+)'\)",
        lambda server, name: [
            {"session_id": spid, "login_name": "app", "host_name": "web01", "program_name": "shop"}
            for spid in server.sessions.get(name, [])
        ],
    ),
    (r"KILL (\d+)", _kill),
    (rf"ALTER DATABASE {NAME} SET (SINGLE_USER|MULTI_USER)", _access),
    (rf"BACKUP (LOG|DATABASE) {NAME} TO {PATH} WITH (.*)", _back_up),
    (rf"RESTORE HEADERONLY FROM {PATH}", _header),
    (rf"RESTORE FILELISTONLY FROM {PATH}", lambda server, path: [{"LogicalName": "data", "PhysicalName": "/d/x.mdf"}]),
    (rf"RESTORE LOG {NAME} FROM {PATH} WITH (.*)", _restore_log),
    (rf"RESTORE DATABASE {NAME} FROM {PATH} WITH (.*)", _restore_full),
    (rf"RESTORE DATABASE {NAME} WITH RECOVERY", _recover),
    (rf"DROP DATABASE {NAME}", _drop),
    (r"DBCC CHECKDB", lambda server: []),
    (rf"USE {NAME}; (.*); USE \[master\];", _inside),
]
