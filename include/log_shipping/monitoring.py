"""How far every secondary is behind, what is wrong, and who must be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from include.leases import lease_of
from include.log_shipping import tsql
from include.log_shipping.fleet import LoginRefused, States, Workplace, look, roles_in, seen_in
from include.log_shipping.header_book import HeaderBook, backup_files, load_book
from include.log_shipping.headers import BackupHeader, BackupType
from include.log_shipping.incidents import Trouble
from include.log_shipping.lag import LagReading, LagState, Verdict, lag_verdict, measure_lag
from include.log_shipping.lanes import each
from include.log_shipping.names import LOG, parse_file_name
from include.log_shipping.protection import unprotected
from include.log_shipping.roles import Roles, Situation, Unreachable
from include.log_shipping.server_state import DatabaseState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.log_shipping.configuration_model import DatabaseSettings

THREADS: Final = 8
FAIL_OVERS: Final = ("log_shipping_fail_over/", "log_shipping_fail_back/")
LAST_BACKUPS: Final = tsql.Statement(
    "SELECT database_name, MAX(backup_finish_date) AS finished FROM msdb.dbo.backupset WHERE type = 'L' "
    "GROUP BY database_name"
)
LAST_RESTORES: Final = tsql.Statement(
    "SELECT destination_database_name AS database_name, MAX(restore_date) AS finished FROM msdb.dbo.restorehistory "
    "GROUP BY destination_database_name"
)


@dataclass(frozen=True, slots=True)
class ServerHistory:
    """When a server last backed up the log of each database, and last restored anything onto it; UTC, lower names."""

    backed_up: Mapping[str, datetime] = field(default_factory=dict)
    restored: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One database as it was seen; `reading` and `verdict` are None where it could not be judged."""

    database: str
    roles: Roles
    reading: LagReading | None = None
    verdict: Verdict | None = None
    is_moving: bool = False

    def to_row(self) -> dict[str, Any]:
        """Return the row of the history; ages in seconds."""
        reading = self.reading
        ages = {
            "backup_age": reading.backup_age if reading else None,
            "copy_age": reading.copy_age if reading else None,
            "restore_age": reading.restore_age if reading else None,
            "time_behind": reading.time_behind if reading else None,
        }
        return {
            "database": self.database,
            "source": self.roles.source,
            "target": self.roles.target,
            "situation": self.roles.situation.value,
            **{f"{name}_seconds": None if age is None else age.total_seconds() for name, age in ages.items()},
            "bytes_behind": reading.bytes_behind if reading else None,
            "verdict": self.verdict.state.value if self.verdict else LagState.UNKNOWN.value,
        }


@dataclass(frozen=True, slots=True)
class Watch:
    """What one look found: a row per database, what is wrong, and the databases nobody can judge now."""

    rows: list[dict[str, Any]]
    troubles: list[Trouble]
    unseen: list[str]


def watch(workplace: Workplace) -> Watch:
    """Look at every server once and judge every database."""
    states = look(workplace, workplace.configuration.servers)
    answering = [name for name, found in states.items() if not isinstance(found, Unreachable)]
    histories = dict(zip(answering, each(answering, lambda name: read_history(workplace, name)), strict=True))
    databases = list(workplace.configuration.databases)
    watched = each(databases, lambda one: watch_database(workplace, one, states, histories), threads=THREADS)
    troubles = [*_server_troubles(states), *_unprotected(workplace, states)]
    for one in watched:
        troubles += troubles_of(one)
    unseen = [one.database for one in watched if one.verdict is None]
    return Watch([one.to_row() for one in watched], troubles, unseen)


def read_history(workplace: Workplace, name: str) -> ServerHistory:
    """Ask a server's msdb for the last log backups and restores; two queries, whatever the number of databases."""
    with workplace.server(name) as server:
        row = server.one(tsql.server_facts(), doing="reading the server's clock")
        offset = timedelta(seconds=int(row["offset_seconds"])) if row else timedelta(0)
        backed_up = server.run(LAST_BACKUPS, doing="reading msdb.dbo.backupset")
        restored = server.run(LAST_RESTORES, doing="reading msdb.dbo.restorehistory")
    return ServerHistory(_times(backed_up, offset), _times(restored, offset))


def watch_database(
    workplace: Workplace,
    settings: DatabaseSettings,
    states: Mapping[str, States],
    histories: Mapping[str, ServerHistory],
) -> Watched:
    """Measure one database; only a pair that ships, or whose source is lost, can be measured."""
    roles = roles_in(settings, states)
    lease = lease_of(workplace.store, settings.name)
    now = workplace.clock()
    is_moving = lease is not None and not lease.is_free(at=now) and lease.owner.startswith(FAIL_OVERS)
    seen = seen_in(states[roles.target], settings.name)
    if is_moving or not roles.can_restore or not isinstance(seen, DatabaseState):
        return Watched(database=settings.name, roles=roles, is_moving=is_moving)
    name = settings.name.lower()
    there, here = histories.get(roles.source, ServerHistory()), histories.get(roles.target, ServerHistory())
    reading = _measure(
        workplace,
        settings,
        roles=roles,
        redo_lsn=seen.redo_lsn,
        now=now,
        backed_up_at=there.backed_up.get(name),
        restored_at=here.restored.get(name),
    )
    verdict = lag_verdict(
        reading,
        settings.alert_after_minutes,
        database=settings.name,
        primary=roles.source,
        secondary=roles.target,
    )
    return Watched(database=settings.name, roles=roles, reading=reading, verdict=verdict)


def troubles_of(watched: Watched) -> list[Trouble]:
    """Return what is wrong with a database. A move under way and a silent server are told elsewhere."""
    roles = watched.roles
    silent = {Situation.SOURCE_UNREACHABLE, Situation.TARGET_UNREACHABLE, Situation.BOTH_UNREACHABLE}
    if watched.is_moving:
        return []
    if not roles.can_restore and roles.situation not in silent:
        return [
            Trouble(
                database=watched.database,
                kind="direction",
                sentence=roles.sentence,
                first_look=f"the state of {watched.database} on both servers, in sys.databases",
                lasting=roles.situation is Situation.SPLIT_BRAIN,
            )
        ]
    verdict = watched.verdict
    if verdict is None:
        return []
    return [
        Trouble(
            database=watched.database,
            kind=alert.part,
            sentence=alert.sentence if alert.number is None else f"{alert.sentence} ({alert.number})",
            first_look="the sentence of record_outcomes in the last run of log_shipping_ship",
            lasting=verdict.state is LagState.LATE,
        )
        for alert in verdict.alerts
        if not (alert.part == "backup" and roles.situation is Situation.SOURCE_UNREACHABLE)
    ]


def _measure(
    workplace: Workplace,
    settings: DatabaseSettings,
    *,
    roles: Roles,
    redo_lsn: int | None,
    now: datetime,
    backed_up_at: datetime | None,
    restored_at: datetime | None,
) -> LagReading:
    book = load_book(workplace.store, settings.name)
    logs = [header for header in book.headers() if header.type is BackupType.LOG]
    restored = [header for header in logs if redo_lsn is not None and header.last_lsn <= redo_lsn]
    restored_up_to = max((header.finished for header in restored), default=None)
    return measure_lag(
        now=now,
        backed_up_at=backed_up_at,
        copied_up_to=max((header.finished for header in logs), default=None),
        restored_at=restored_at,
        restored_up_to=restored_up_to,
        bytes_behind=_bytes_behind(workplace, settings, source=roles.source, book=book, restored=restored),
    )


def _bytes_behind(
    workplace: Workplace, settings: DatabaseSettings, *, source: str, book: HeaderBook, restored: list[BackupHeader]
) -> int | None:
    """Sum the sizes of log files on the source's share that the secondary lacks; None without the share."""
    done = {header.files[0] for header in restored}
    newest = max((parsed.at for name in done if (parsed := parse_file_name(name))), default=None)
    try:
        files = backup_files(workplace.settings(source).backup_folder, settings.name)
    except OSError:
        return None
    behind = 0
    for name, (size, _) in files.items():
        parsed = parse_file_name(name)
        is_old = name not in book.pages and newest is not None and parsed is not None and parsed.at < newest
        if parsed is not None and parsed.kind == LOG and name not in done and not is_old:
            behind += size
    return behind


def _server_troubles(states: Mapping[str, States]) -> list[Trouble]:
    return [
        Trouble(
            database=name,
            kind="login" if isinstance(found, LoginRefused) else "connection",
            sentence=found.reason,
            first_look="whether the server answers: sqlcmd -S <server> -Q 'SELECT @@SERVERNAME'",
            lasting=False,
        )
        for name, found in states.items()
        if isinstance(found, Unreachable)
    ]


def _unprotected(workplace: Workplace, states: Mapping[str, States]) -> list[Trouble]:
    return [
        Trouble(
            database=f"{found.database} on {found.server}",
            kind="protection",
            sentence=found.sentence(),
            first_look="whether anybody needs the database",
            lasting=False,
        )
        for found in unprotected(workplace.configuration, states)
    ]


def _times(rows: list[dict[str, Any]], offset: timedelta) -> dict[str, datetime]:
    return {
        str(row["database_name"]).lower(): row["finished"].replace(tzinfo=UTC) - offset
        for row in rows
        if row["finished"] is not None
    }
