"""RESTORE DATABASE and RESTORE LOG: the statement, and what it leaves behind."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from include.standins.sqlserver.backup import applying, failures, history, placement, restore_rules
from include.standins.sqlserver.backup.media import MediaSet, device_path
from include.standins.sqlserver.backup.progress import Announcements, Progress, processed_file, succeeded
from include.standins.sqlserver.errors import SqlError, backup_terminated
from include.standins.sqlserver.requests import AfterRestore, BackupKind, RestoreRequest
from include.standins.sqlserver.results import Message
from include.standins.sqlserver.storage import durable
from include.standins.sqlserver.storage.catalog import Catalog, new_guid
from include.standins.sqlserver.storage.properties import DatabaseState, Fork, RecoveryModel

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from include.standins.sqlserver.storage.database import Database
    from include.standins.sqlserver.storage.instance_files import HistoryEntry

Outcome = TypeVar("Outcome")

_ROLLS_FORWARD = (DatabaseState.RESTORING, DatabaseState.STANDBY)


def restore(
    catalog: Catalog,
    request: RestoreRequest,
    *,
    user: str,
    owner: object,
    check: Callable[[], None],
    progress: Progress | None = None,
) -> Iterator[Message]:
    """Restore a set, or only recover; yield 3211 per STATS, 4035 per file and 3014.

    :param owner: the asking session, which does not count as "in use".
    :param check: called between frames; raises to cancel. That leaves a log restore undone, a full one unfinished.
    :raises SqlError: the cause, followed by 3013.
    """
    verb = "RESTORE LOG" if request.log else "RESTORE DATABASE"
    statement = _Restore(catalog, request, user=user, owner=owner, check=check, progress=progress or Progress())
    statement.progress.command = verb
    try:
        yield from statement.from_media() if request.devices else statement.without_media()
    except SqlError as error:
        raise backup_terminated(error, verb=verb) from None
    catalog.flush_history()


class _Restore:
    """One RESTORE statement."""

    def __init__(
        self,
        catalog: Catalog,
        request: RestoreRequest,
        *,
        user: str,
        owner: object,
        check: Callable[[], None],
        progress: Progress,
    ) -> None:
        self.catalog = catalog
        self.request = request
        self.user = user
        self.owner = owner
        self.check = check
        self.progress = progress
        self._announcements = Announcements(progress, request.stats)
        self._began = time.monotonic()

    def without_media(self) -> Iterator[Message]:
        """RESTORE DATABASE x WITH RECOVERY, STANDBY or NORECOVERY: only the state changes."""
        database = self.catalog.get(self.request.database)
        if database.state not in _ROLLS_FORWARD:
            raise failures.already_recovered()
        if database.properties.interrupted_restore is not None:
            raise failures.interrupted_restore(database.properties.data_path)
        with database.exclusive(self.owner):
            self._leave(database, self.request.after)
        yield succeeded(self.progress.command, size=0, seconds=time.monotonic() - self._began)

    def from_media(self) -> Iterator[Message]:
        """Restore one set."""
        paths = [device_path(self.catalog, device) for device in self.request.devices]
        with MediaSet(paths, position=self.request.position) as media:
            restore_rules.check_kind(media.set, log=self.request.log, path=media.path)
            self.progress.total = media.size
            if media.set.header.kind is BackupKind.DATABASE:
                yield from self._full(media)
            elif media.set.header.kind is BackupKind.DIFFERENTIAL:
                yield from self._differential(media)
            else:
                yield from self._log(media)
            yield from self._ended(media)

    def _full(self, media: MediaSet) -> Iterator[Message]:
        found, request = media.set, self.request
        existing = self.catalog.find(request.database)
        if existing is not None:
            row, state = existing.properties, existing.state
            restore_rules.check_overwrite(row, found, state=state, request=request)
        if request.stop_at is not None and found.end.end_time > request.stop_at:
            raise failures.stop_before_set()
        files = placement.place(self.catalog, request, found=found, existing=existing)
        if existing is None:
            properties = self.catalog.new_properties(request.database, state=DatabaseState.RESTORING, files=files)
            properties.interrupted_restore = found.header.guid
            properties.family_guid = found.header.family_guid
            existing = self.catalog.add(properties)
        with existing.exclusive(self.owner):
            applying.begin_overwrite(existing, files=files, header=found.header)
            changed = yield from self._moved(applying.full(existing, media, faults=self.catalog.faults))
            existing.update(history=[self._entry(existing, media)], **applying.after_full(found, changed))
            self.catalog.faults.reach("restore.after_save")
            self._leave(existing, request.after)

    def _differential(self, media: MediaSet) -> Iterator[Message]:
        database = self.catalog.find(self.request.database)
        if database is None:
            raise failures.no_database_for_log(self.request.database)
        found = media.set
        restore_rules.check_differential(database.properties, found, state=database.state)
        with database.exclusive(self.owner):
            applying.begin_roll_forward(database, set_guid=found.header.guid)
            changed = yield from self._moved(applying.differential(database, media, faults=self.catalog.faults))
            row = database.properties
            database.update(
                history=[self._entry(database, media)],
                interrupted_restore=None,
                checkpoint_lsn=found.end.last_lsn,
                redo_start_lsn=found.end.last_lsn,
                redo_time=found.end.last_commit_time or row.redo_time,
                last_commit_time=found.end.last_commit_time or row.last_commit_time,
                forks=found.header.forks,
                changed_pages=changed.packed(),
            )
            self.catalog.faults.reach("restore.after_save")
            self._leave(database, self.request.after)

    def _log(self, media: MediaSet) -> Iterator[Message]:
        database = self.catalog.find(self.request.database)
        if database is None:
            raise failures.no_database_for_log(self.request.database)
        found, stop_at = media.set, self.request.stop_at
        restore_rules.check_log(database.properties, found, state=database.state, stop_at=stop_at)
        with database.exclusive(self.owner):
            reached = yield from self._moved(
                applying.copy_log(database, media, stop_at=stop_at, faults=self.catalog.faults)
            )
            row = database.properties
            if reached.stopped:
                forks = restore_rules.path_up_to(found.header.forks, reached.lsn, current=row.recovery_fork)
            else:
                forks = found.header.forks
            database.update(
                history=[self._entry(database, media)],
                state=DatabaseState.RESTORING,
                redo_start_lsn=reached.lsn,
                redo_time=reached.commit_time or row.redo_time,
                last_commit_time=reached.commit_time or row.last_commit_time,
                forks=forks,
            )
            self.catalog.faults.reach("restore.after_save")
            database.redo()
            database.renew_connections()
            short = stop_at is not None and not reached.stopped and found.end.end_time < stop_at
            self._leave(database, AfterRestore.NORECOVERY if short else self.request.after)
        if short:
            yield _not_there_yet()

    def _leave(self, database: Database, after: AfterRestore) -> None:
        """Bring the restored database to the state that was asked for."""
        row = database.properties
        if row.standby_file is not None:
            durable.remove(Path(row.standby_file))
        if after is AfterRestore.NORECOVERY:
            database.update(state=DatabaseState.RESTORING, standby_file=None)
        elif after is AfterRestore.STANDBY:
            undo = placement.write_undo_file(self.catalog, self.request.standby_file or f"{row.name}_undo.tuf")
            database.update(state=DatabaseState.STANDBY, standby_file=str(undo))
        else:
            self._recover(database)
        database.renew_connections()

    def _recover(self, database: Database) -> None:
        """Begin a new recovery fork; the chain of log backups goes on from the point reached."""
        row = database.properties
        redo = row.redo_start_lsn or row.checkpoint_lsn
        self.catalog.faults.reach("recovery.before_save")
        chain = redo if row.recovery_model is RecoveryModel.FULL else None
        database.update(
            state=DatabaseState.ONLINE,
            standby_file=None,
            forks=(*row.forks, Fork(new_guid(), redo)),
            redo_start_lsn=None,
            redo_time=None,
            last_log_backup_lsn=chain,
            last_log_backup_time=row.redo_time,
        )
        self.catalog.faults.reach("recovery.after_save")
        database.start()

    def _moved(self, work: Generator[int, None, Outcome]) -> Generator[Message, None, Outcome]:
        """Run work that yields the bytes it has moved; pace it, and announce progress."""
        while True:
            try:
                size = next(work)
            except StopIteration as stop:
                outcome: Outcome = stop.value
                return outcome
            self.check()
            self.catalog.faults.pace(size, self.check)
            self.catalog.faults.reach("restore.in_data")
            self.progress.done += size
            yield from self._announcements.due()

    def _entry(self, database: Database, media: MediaSet) -> HistoryEntry:
        return history.restore_entry(
            self.request,
            found=media.set,
            labels=media.labels,
            properties=database.properties,
            user=self.user,
            when=self.catalog.clock.now(),
        )

    def _ended(self, media: MediaSet) -> Iterator[Message]:
        header, end = media.set.header, media.set.end
        yield from self._announcements.due(finished=True)
        name, position = self.request.database, media.set.position
        yield processed_file(name, header.files[0].logical_name, size=end.data_pages * 4096, position=position)
        yield processed_file(name, header.files[1].logical_name, size=end.log_bytes, position=position)
        yield succeeded(self.progress.command, size=end.backup_bytes, seconds=time.monotonic() - self._began)


def _not_there_yet() -> Message:
    text = (
        "This backup set contains records that were logged before the designated point in time. The database is being "
        "left in the restoring state so that more roll forward can be performed."
    )
    return Message(4322, text)
