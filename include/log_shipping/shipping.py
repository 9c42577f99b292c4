"""The first half of a ship run, for one database: heartbeat, log backup, copy, headers, and a bridge over a gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from include.leases import LeaseHeldError, LeaseLostError, held
from include.log_shipping import tsql
from include.log_shipping.backing_up import BackupRefusedError, TakenBackup, take_database_backup, take_log_backup
from include.log_shipping.chain import Position
from include.log_shipping.collecting import Collected, copy_needed, forget_deleted, read_headers_of_copies
from include.log_shipping.copying import CopyError
from include.log_shipping.failures import ServerUnreachableError, SqlServerError
from include.log_shipping.fleet import Workplace, roles_now
from include.log_shipping.foreign_backups import foreign_log_backups
from include.log_shipping.header_book import HeaderBook, backup_files, load_book, save_book
from include.log_shipping.header_checks import header_rows
from include.log_shipping.outcomes import Outcome, Status
from include.log_shipping.planning import SHIPPABLE, former_primary_writes
from include.log_shipping.primaries import find_primary
from include.log_shipping.progress import next_for, read_standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.log_shipping.client import SqlServer
    from include.log_shipping.configuration_model import DatabaseSettings
    from include.log_shipping.next_restores import NextRestores
    from include.log_shipping.roles import Roles

STEP: Final = "back_up_and_copy"
HISTORY: Final = timedelta(days=7)
"""How far back msdb is searched for a log backup that somebody else took."""
EXPECTED: Final = (SqlServerError, CopyError, BackupRefusedError, LeaseLostError, OSError, ValueError)
"""What may befall one database without stopping the others."""


@dataclass(slots=True)
class _Shipment:
    """What this step did for one database; written as evidence whether or not it went well."""

    roles: Roles
    backup: TakenBackup | None = None
    copied: dict[str, Any] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    bridge: str = ""
    gap: str = ""
    diverged: str = ""
    damaged: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    headers: list[dict[str, Any]] | None = None
    problems: list[str] = field(default_factory=list)

    def add(self, collected: Collected) -> None:
        self.copied |= collected.files
        self.leftovers += collected.leftovers

    def evidence(self) -> dict[str, Any]:
        return {
            "source": self.roles.source,
            "target": self.roles.target,
            "backup": self.backup.name if self.backup else None,
            "beat": self.backup.beat if self.backup else None,
            "copied": self.copied,
            "leftovers": self.leftovers,
            "pending": self.pending,
            "bridge": self.bridge,
            "gap": self.gap,
            "diverged": self.diverged,
            "damaged": self.damaged,
            "foreign": self.foreign,
            "headers": self.headers,
        }


def back_up_and_copy(workplace: Workplace, name: str) -> Outcome:
    """Back one database's log up and copy what its secondary needs; keeps and returns the outcome.

    Nothing here is undone by a kill: a log backed up twice is two files that both fit, a half copy has no name.
    """
    settings, started = workplace.configuration.database(name), workplace.clock()
    status, reason = Status.DONE, ""
    evidence: dict[str, Any] = {}
    try:
        with held(
            workplace.store,
            settings.name,
            owner=workplace.records.owner,
            purpose="shipping: back up and copy",
            clock=workplace.clock,
            is_over=workplace.is_over,
        ) as check:
            status, reason, evidence = _ship(workplace, settings, check=check)
    except LeaseHeldError as error:
        status, reason = Status.WAITING, str(error)
    except EXPECTED as error:
        status, reason = Status.FAILED, str(error)
    outcome = Outcome(
        database=settings.name,
        step=STEP,
        status=status,
        reason=reason,
        started=started,
        finished=workplace.clock(),
        evidence=evidence,
    )
    workplace.records.put(outcome)
    return outcome


def _ship(
    workplace: Workplace, settings: DatabaseSettings, *, check: Callable[[], None]
) -> tuple[Status, str, dict[str, Any]]:
    roles, _ = roles_now(workplace, settings)
    shipment = _Shipment(roles)
    refusal = former_primary_writes(roles, find_primary(workplace.store, settings.name))
    if roles.situation not in SHIPPABLE or refusal:
        return Status.FAILED, refusal or roles.sentence, shipment.evidence()
    _back_up(workplace, settings, shipment)
    book = load_book(workplace.store, settings.name)
    if roles.can_restore:
        with workplace.server(roles.target) as target:
            _copy_and_read(workplace, settings, shipment, target=target, book=book, check=check)
        forget_deleted(workplace, settings, book=book)
        save_book(workplace.store, book)
    else:
        shipment.add(_copy(workplace, settings, shipment, book=book, redo_lsn=None, check=check))
        shipment.problems.append(roles.sentence)
    status = Status.FAILED if shipment.problems else Status.DONE
    notes = [*shipment.foreign, f"The gap is bridged by {shipment.bridge}."] if shipment.bridge else []
    return status, " ".join(shipment.problems or notes), shipment.evidence()


def _back_up(workplace: Workplace, settings: DatabaseSettings, shipment: _Shipment) -> None:
    """A source that is lost or refuses does not keep the secondary from restoring what was copied."""
    if not shipment.roles.can_back_up:
        shipment.problems.append(shipment.roles.sentence)
        return
    try:
        with workplace.server(shipment.roles.source) as source:
            shipment.backup = take_log_backup(workplace, settings, server=source)
    except (SqlServerError, BackupRefusedError, OSError) as error:
        shipment.problems.append(str(error))


def _copy(
    workplace: Workplace,
    settings: DatabaseSettings,
    shipment: _Shipment,
    *,
    book: HeaderBook,
    redo_lsn: int | None,
    check: Callable[[], None],
    also: frozenset[str] = frozenset(),
) -> Collected:
    roles = shipment.roles
    return copy_needed(
        workplace,
        settings,
        source=roles.source,
        target=roles.target,
        book=book,
        redo_lsn=redo_lsn,
        also=also,
        check=check,
    )


def _copy_and_read(
    workplace: Workplace,
    settings: DatabaseSettings,
    shipment: _Shipment,
    *,
    target: SqlServer,
    book: HeaderBook,
    check: Callable[[], None],
) -> None:
    standing = read_standing(target, settings.name)
    redo_lsn = standing.state.redo_lsn if standing else None
    try:
        shipment.add(_copy(workplace, settings, shipment, book=book, redo_lsn=redo_lsn, check=check))
    except CopyError as error:  # what is copied can be restored nevertheless
        shipment.problems.append(str(error))
    read_headers_of_copies(workplace, settings, server=target, book=book)
    folder = workplace.settings(target.name).copy_folder
    following = next_for(standing, book, present=backup_files(folder, settings.name)) if standing else None
    if standing is None or following is None:
        shipment.problems.append(f"{target.name} does not say where {settings.name} stands; look at its state there.")
        return
    if following.gap and following.bridge is None and settings.bridge_with_differential and not following.diverged:
        _build_bridge(workplace, settings, shipment, base_lsn=standing.base_lsn, book=book, check=check)
        read_headers_of_copies(workplace, settings, server=target, book=book)
        following = next_for(standing, book, present=backup_files(folder, settings.name)) or following
    position = Position(standing.state.redo_lsn or 0, standing.state.redo_fork)
    taken = shipment.backup.name if shipment.backup else None
    shipment.headers = header_rows(
        following, settings=settings, position=position, just_taken=taken, now=workplace.clock()
    )
    _note(workplace, settings, shipment, following=following, book=book)


def _build_bridge(
    workplace: Workplace,
    settings: DatabaseSettings,
    shipment: _Shipment,
    *,
    base_lsn: int | None,
    book: HeaderBook,
    check: Callable[[], None],
) -> None:
    """Take a differential that reaches over the gap, if both sides still build on the same full backup."""
    if not shipment.roles.can_back_up or base_lsn is None:
        return
    check()
    with workplace.server(shipment.roles.source) as source:
        there = read_standing(source, settings.name)
        if there is None or there.base_lsn != base_lsn:
            return
        shipment.bridge = take_database_backup(workplace, settings, server=source, differential=True).name
    also = frozenset({shipment.bridge})
    shipment.add(_copy(workplace, settings, shipment, book=book, redo_lsn=None, check=check, also=also))


def _note(
    workplace: Workplace, settings: DatabaseSettings, shipment: _Shipment, *, following: NextRestores, book: HeaderBook
) -> None:
    shipment.pending = [header.files[0] for header in following.apply]
    shipment.damaged = book.damaged()
    if following.gap is not None or shipment.bridge:
        shipment.foreign = _foreign(workplace, settings, shipment, book=book)
    if following.diverged is not None:
        shipment.diverged = following.diverged.files[0]
        shipment.problems.append(
            f"{settings.name}: {shipment.diverged} is of another recovery path than {shipment.roles.target} restores; "
            "both went on by themselves. Nothing of it is restored: a person decides which side is kept, then runs "
            "log_shipping_fail_back with method reseed."
        )
    elif following.gap is not None and following.bridge is None:
        shipment.gap = str(following.gap)
        shipment.problems.append(f"{settings.name}: {_why_gap(shipment)}")


def _why_gap(shipment: _Shipment) -> str:
    """Name who or what made the hole, and that a reseed is needed."""
    causes = [*shipment.foreign, *shipment.damaged.values()]
    cause = f" {' '.join(causes[:3])}" if causes else ""
    return (
        f"{shipment.gap}.{cause} No differential reaches over it: find the missing file and put it into the backup "
        "folder, or run log_shipping_configure with reseed."
    )


def _foreign(workplace: Workplace, settings: DatabaseSettings, shipment: _Shipment, *, book: HeaderBook) -> list[str]:
    """Log backups that somebody else took since the secondary's files end."""
    if not shipment.roles.can_back_up:
        return []
    folder = workplace.settings(shipment.roles.source).backup_folder.server
    try:
        with workplace.server(shipment.roles.source) as source:
            since = source.now() - HISTORY
            rows = source.run(tsql.msdb_backups(settings.name, since=since), doing="reading msdb.dbo.backupset")
    except ServerUnreachableError:
        return []
    return [str(found) for found in foreign_log_backups(book.headers(broken=True), rows, folder)]
