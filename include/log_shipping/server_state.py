"""What a server says about its databases: the truth of progress, read anew before every decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.log_shipping import tsql

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from include.log_shipping.client import Row, SqlServer

SYSTEM_DATABASES = frozenset({"master", "model", "msdb", "tempdb"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseState:
    """One database on one server, from sys.databases, sys.master_files and sys.database_recovery_status.

    :ivar state: state_desc: ONLINE, RESTORING, RECOVERING, RECOVERY_PENDING, SUSPECT, EMERGENCY, OFFLINE.
    :ivar redo_lsn: where the next log backup must begin or reach over; only while logs can be restored.
    :ivar redo_fork: the recovery fork that next log must belong to, upper case.
    :ivar recovery_fork: the fork an online database writes, upper case.
    :ivar last_log_backup_lsn: where the next log backup of an online database begins; None before the first full
        backup, and under SIMPLE.
    """

    name: str
    state: str
    is_in_standby: bool
    is_read_only: bool
    recovery_model: str
    user_access: str
    redo_lsn: int | None = None
    redo_fork: str | None = None
    recovery_fork: str | None = None
    last_log_backup_lsn: int | None = None

    @property
    def takes_logs(self) -> bool:
        """Whether RESTORE LOG can go on: RESTORING, or a readable standby."""
        return self.state == "RESTORING" or self.is_in_standby

    @property
    def is_writable(self) -> bool:
        """Whether clients may write: this server is the database's primary."""
        return self.state == "ONLINE" and not self.is_in_standby and not self.is_read_only

    def describe(self) -> str:
        """Return the state in words for a person."""
        if self.is_in_standby:
            return "a readable standby"
        if self.state == "ONLINE" and self.is_read_only:
            return "ONLINE and read-only"
        return self.state

    def to_dict(self) -> dict[str, Any]:
        """Return JSON types; LSNs are text, since they have up to 25 digits."""
        return {
            "name": self.name,
            "state": self.describe(),
            "recovery_model": self.recovery_model,
            "user_access": self.user_access,
            "redo_lsn": None if self.redo_lsn is None else str(self.redo_lsn),
            "redo_fork": self.redo_fork,
            "recovery_fork": self.recovery_fork,
            "last_log_backup_lsn": None if self.last_log_backup_lsn is None else str(self.last_log_backup_lsn),
        }


def read_states(server: SqlServer) -> dict[str, DatabaseState]:
    """Return the state of every user database by lower-case name; two queries, whatever their number."""
    databases = server.run(tsql.database_states(), doing="reading sys.databases")
    files = server.run(tsql.master_files(), doing="reading sys.master_files")
    return states_of(databases, files)


def read_state(server: SqlServer, database: str) -> DatabaseState | None:
    """Return the state of one database, None when the server has none of that name."""
    return read_states(server).get(database.lower())


def states_of(databases: Iterable[Row], files: Iterable[Row]) -> dict[str, DatabaseState]:
    """Join the rows of `tsql.database_states` and `tsql.master_files`.

    All data files of a database are restored together, so the smallest redo LSN is where its restore stands.
    """
    redo: dict[int, Row] = {}
    for row in files:
        known = redo.get(row["database_id"])
        lsn = row["redo_start_lsn"]
        if lsn is not None and (known is None or int(lsn) < int(known["redo_start_lsn"])):
            redo[row["database_id"]] = row
    return {
        row["name"].lower(): _state_of(row, redo.get(row["database_id"], {}))
        for row in databases
        if row["name"].lower() not in SYSTEM_DATABASES
    }


def _state_of(row: Row, redo: Mapping[str, Any]) -> DatabaseState:
    return DatabaseState(
        name=row["name"],
        state=row["state_desc"],
        is_in_standby=bool(row["is_in_standby"]),
        is_read_only=bool(row["is_read_only"]),
        recovery_model=row["recovery_model_desc"],
        user_access=row["user_access_desc"],
        redo_lsn=_lsn(redo.get("redo_start_lsn")),
        redo_fork=_guid(redo.get("redo_start_fork_guid")),
        recovery_fork=_guid(row.get("recovery_fork_guid")),
        last_log_backup_lsn=_lsn(row.get("last_log_backup_lsn")),
    )


def _lsn(value: Any) -> int | None:
    return None if value is None else int(value)


def _guid(value: Any) -> str | None:
    return None if value is None else str(value).upper()
