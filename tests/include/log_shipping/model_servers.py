"""Two SQL Servers in process, as far as shipping sees them: LSNs, forks, states, files on disk, errors by number.

Faster than the stand-in and breakable at any statement; the stand-in's own tests and the integration tests hold the
real protocol.
"""

from __future__ import annotations

import json
import re
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.log_shipping.configuration import DatabaseSettings, Folder, LogShippingConfiguration, ServerSettings
from include.log_shipping.failures import ServerUnreachableError, SqlServerError
from include.log_shipping.fleet import Workplace
from include.log_shipping.outcomes import RunRecords
from tests.include.log_shipping.fail_over.lake_in_memory import LakeInMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.object_store import ObjectStore

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW = "SQLFCI01", "EC2SQL02"


@dataclass
class ModelDatabase:
    """A database; `lsn` is the end of its log, `redo` where its restore stands."""

    name: str
    number: int
    state: str = "ONLINE"
    standby: bool = False
    recovery_model: str = "FULL"
    lsn: int = 100
    last_log_backup: int | None = None
    redo: int | None = None
    fork: str = ""
    base: int | None = None
    beats: list[int] = field(default_factory=list)


class ModelServer:
    """One server; `broken` maps a pattern of statements to errors that are raised, one each time."""

    def __init__(self, name: str, clock: Callable[[], datetime]) -> None:
        self.name, self.clock = name, clock
        self.databases: dict[str, ModelDatabase] = {}
        self.backups: list[dict[str, Any]] = []
        self.restores: list[dict[str, Any]] = []
        self.sessions: dict[int, str] = {}
        self.statements: list[str] = []
        self.broken: list[tuple[str, int]] = []
        self.is_lost = False
        self.version = "16.0.1.1"

    def create(self, name: str, *, recovery_model: str = "FULL") -> ModelDatabase:
        made = ModelDatabase(name, len(self.databases) + 5, recovery_model=recovery_model, fork=_guid())
        self.databases[name] = made
        return made

    def commit(self, name: str, bytes_of_log: int = 10) -> None:
        self.databases[name].lsn += bytes_of_log

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(self, *_: object) -> None: ...

    def now(self) -> datetime:
        return self.clock().replace(tzinfo=None)

    def one(self, statement: Any, *, doing: str) -> dict[str, Any] | None:
        rows = self.run(statement, doing=doing)
        return rows[0] if rows else None

    def run(self, statement: Any, *, doing: str, progress: Any = None) -> list[dict[str, Any]]:
        text = statement.text
        if self.is_lost:
            raise ServerUnreachableError(number=20009, text="it does not answer", server=self.name)
        self.statements.append(text)
        for pattern, number in list(self.broken):
            if re.search(pattern, text):
                self.broken.remove((pattern, number))
                raise self.refuse(number, doing)
        for pattern, answer in self._answers():
            if match := re.search(pattern, text):
                return answer(text, match, doing) or []
        raise AssertionError(f"the model does not know: {text}")

    def refuse(self, number: int, doing: str) -> SqlServerError:
        return SqlServerError(number=number, text=f"said number {number}", server=self.name, doing=doing)

    def _answers(self) -> list[tuple[str, Callable[[str, re.Match[str], str], list[dict[str, Any]] | None]]]:
        return [
            (r"FROM sys\.databases", lambda *_: [self._state(one) for one in self.databases.values()]),
            (r"FROM sys\.master_files", lambda *_: [self._file(one) for one in self.databases.values()]),
            (r"@@SERVERNAME AS server_name", lambda *_: [{"product_version": self.version, "offset_seconds": 0}]),
            (r"^BACKUP (DATABASE|LOG) \[(.+?)\] TO DISK = N'(.+?)' WITH (.+)", self._back_up),
            (
                r"^RESTORE HEADERONLY FROM DISK = N'(.+?)'",
                lambda _, match, doing: [self._read(match[1], doing)["header"]],
            ),
            (r"^RESTORE FILELISTONLY", lambda *_: [{"LogicalName": "Sales", "PhysicalName": "D:\\data\\Sales.mdf"}]),
            (r"^RESTORE DATABASE \[(.+?)\] WITH STANDBY", self._stand_by),
            (r"^RESTORE (DATABASE|LOG) \[(.+?)\] FROM DISK = N'(.+?)' WITH (.+)", self._restore),
            (r"USE \[(.+?)\]; IF OBJECT_ID", lambda *_: []),
            (r"USE \[(.+?)\]; INSERT INTO dbo\.landfall_canary", self._beat),
            (r"USE \[(.+?)\]; SELECT COUNT_BIG", lambda _, match, __: [_canary(self.databases[match[1]].beats)]),
            (r"FROM sys\.dm_exec_sessions", lambda *_: self._sessions()),
            (r"^KILL (\d+)", lambda _, match, __: self.sessions.pop(int(match[1]), None) and []),
            (r"MAX\(backup_finish_date\)", lambda *_: _newest(self.backups, "backup_finish_date")),
            (r"MAX\(restore_date\)", lambda *_: _newest(self.restores, "restore_date")),
            (r"FROM msdb\.dbo\.backupset AS s", lambda *_: list(self.backups)),
            (r"UPDATE msdb\.dbo\.log_shipping_monitor", lambda *_: []),
        ]

    def _state(self, one: ModelDatabase) -> dict[str, Any]:
        return {
            "database_id": one.number,
            "name": one.name,
            "state_desc": "ONLINE" if one.standby else one.state,
            "is_in_standby": one.standby,
            "is_read_only": one.standby,
            "recovery_model_desc": one.recovery_model,
            "user_access_desc": "MULTI_USER",
            "recovery_fork_guid": one.fork,
            "last_log_backup_lsn": one.last_log_backup,
        }

    def _file(self, one: ModelDatabase) -> dict[str, Any]:
        takes_logs = one.state == "RESTORING" or one.standby
        return {
            "database_id": one.number,
            "redo_start_lsn": one.redo if takes_logs else None,
            "redo_start_fork_guid": one.fork if takes_logs else None,
            "differential_base_lsn": one.base,
        }

    def _sessions(self) -> list[dict[str, Any]]:
        return [{"session_id": spid, "login_name": who, "host_name": "pc"} for spid, who in self.sessions.items()]

    def _beat(self, _: str, match: re.Match[str], __: str) -> list[dict[str, Any]]:
        one = self.databases[match[1]]
        one.beats.append(len(one.beats) + 1)
        one.lsn += 1
        return [_canary(one.beats)]

    def _back_up(self, _: str, match: re.Match[str], doing: str) -> None:
        one = self.databases[match[2]]
        kind = "Log" if match[1] == "LOG" else "Differential" if "DIFFERENTIAL" in match[4] else "Database"
        if kind == "Log" and one.recovery_model == "SIMPLE":
            raise self.refuse(4208, doing)
        if kind == "Log" and one.last_log_backup is None:
            raise self.refuse(4214, doing)
        first = one.last_log_backup if kind == "Log" else one.lsn
        header = self._header(one, kind=kind, first=first or one.lsn)
        if kind == "Database":
            one.base, one.last_log_backup = one.lsn, one.last_log_backup or one.lsn
        elif kind == "Log":
            one.last_log_backup = one.lsn
        self.note_backup(one.name, header, device=match[3])
        if match[3].upper() != "NUL":
            Path(match[3]).write_text(json.dumps({"header": header, "beats": one.beats}))

    def _header(self, one: ModelDatabase, *, kind: str, first: int) -> dict[str, Any]:
        now = self.clock().replace(tzinfo=None).isoformat()
        return {
            "BackupSetGUID": _guid(),
            "DatabaseName": one.name,
            "ServerName": self.name,
            "BackupType": kind,
            "FirstLSN": str(first),
            "LastLSN": str(one.lsn),
            "CheckpointLSN": str(one.lsn),
            "DatabaseBackupLSN": str(one.base or 0),
            "BackupStartDate": now,
            "BackupFinishDate": now,
            "Position": 1,
            "FirstRecoveryForkID": one.fork,
            "RecoveryForkID": one.fork,
            "HasBackupChecksums": True,
            "Compressed": True,
            "IsDamaged": False,
            "IsCopyOnly": False,
            "BackupSize": 5000,
        }

    def note_backup(self, name: str, header: dict[str, Any], *, device: str, user: str = "sa") -> None:
        kinds = {"Log": "L", "Database": "D", "Differential": "I"}
        self.backups.append(
            {
                "backup_set_uuid": header["BackupSetGUID"],
                "database_name": name,
                "server_name": self.name,
                "user_name": user,
                "type": kinds[header["BackupType"]],
                "is_copy_only": False,
                "first_lsn": int(header["FirstLSN"]),
                "last_lsn": int(header["LastLSN"]),
                "backup_finish_date": self.now(),
                "physical_device_name": device,
            }
        )

    def _read(self, path: str, doing: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(Path(path).read_text())
        except FileNotFoundError:
            raise self.refuse(3201, doing) from None
        except ValueError:
            raise self.refuse(3189, doing) from None
        return found

    def _stand_by(self, _: str, match: re.Match[str], __: str) -> None:
        self.databases[match[1]].standby = True

    def _restore(self, _: str, match: re.Match[str], doing: str) -> None:
        kind, name, path, options = match.groups()
        content = self._read(path, doing)
        header, one = content["header"], self.databases.get(name)
        if one is None:
            if kind == "LOG":
                raise self.refuse(3118, doing)
            one = self.create(name)
            one.state, one.fork = "RESTORING", header["RecoveryForkID"]
        if self.sessions:
            raise self.refuse(3101, doing)
        if one.state == "ONLINE" and not one.standby:
            raise self.refuse(3159 if kind == "DATABASE" else 3117, doing)
        if kind == "LOG":
            self._fit(one, header, doing)
        elif header["BackupType"] == "Database":
            one.base, one.fork = int(header["LastLSN"]), header["RecoveryForkID"]
        one.redo, one.beats = int(header["LastLSN"]), content["beats"]
        one.standby, one.state = "STANDBY" in options, "RESTORING"
        self.restores.append({"database_name": name, "restore_date": self.now(), "path": path})

    def _fit(self, one: ModelDatabase, header: dict[str, Any], doing: str) -> None:
        if int(header["LastLSN"]) < (one.redo or 0):
            raise self.refuse(4326, doing)
        if int(header["FirstLSN"]) > (one.redo or 0):
            raise self.refuse(4305, doing)
        if header["FirstRecoveryForkID"] != one.fork:
            raise self.refuse(4330, doing)


class World:
    """Two servers, their folders, the object store and a clock that only moves when told."""

    def __init__(self, store: ObjectStore, root: Path, *databases: DatabaseSettings) -> None:
        self.store, self.root, self.time = store, root, AT
        self.servers = {name: ModelServer(name, lambda: self.time) for name in (OLD, NEW)}
        for name in self.servers:
            for kind in ("backups", "copies"):
                (root / name / kind).mkdir(parents=True)
        self.configuration = LogShippingConfiguration(
            servers={name: self._settings(name) for name in self.servers}, databases=databases
        )

    @property
    def old(self) -> ModelServer:
        return self.servers[OLD]

    @property
    def new(self) -> ModelServer:
        return self.servers[NEW]

    def workplace(self, run: str = "run", dag_id: str = "log_shipping_ship") -> Workplace:
        self.time += timedelta(seconds=1)
        return Workplace(
            configuration=self.configuration,
            records=RunRecords(self.store, dag_id, run),
            open_server=lambda settings: self.servers[settings.name],  # type: ignore[arg-type, return-value]
            clock=lambda: self.time,
        )

    def files(self, server: str, kind: str, database: str = "Sales") -> list[Path]:
        return sorted((self.root / server / kind / database).glob("*"))

    def _settings(self, name: str) -> ServerSettings:
        folders = {
            kind: Folder(str(self.root / name / kind), str(self.root / name / kind)) for kind in ("backups", "copies")
        }
        return ServerSettings(
            name=name, connection=name.lower(), backup_folder=folders["backups"], copy_folder=folders["copies"]
        )


@contextmanager
def model_world(root: Path, **settings: Any) -> Iterator[World]:
    """A world whose database Sales is online on OLD and unknown on NEW."""
    world = World(LakeInMemory(), root, DatabaseSettings(name="Sales", primary=OLD, secondary=NEW, **settings))
    world.old.create("Sales")
    yield world


def _canary(beats: list[int]) -> dict[str, Any]:
    ends = (beats[0], beats[-1]) if beats else (None, None)
    return {"beats": len(beats), "first_beat": ends[0], "last_beat": ends[1]}


def _newest(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    names = {row["database_name"] for row in rows if row.get("type", "L") == "L"}
    of_name = {name: [row[column] for row in rows if row["database_name"] == name] for name in names}
    return [{"database_name": name, "finished": max(times)} for name, times in of_name.items()]


def _guid() -> str:
    return str(uuid.uuid4()).upper()
