"""BACKUP DATABASE and BACKUP LOG: the rules, and the order of steps that makes each safe to be killed in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup import failures, history, placement
from include.standins.sqlserver.backup.backup_content import Content, DataContent, log_content
from include.standins.sqlserver.backup.backup_set import BackupSet, SetEnd
from include.standins.sqlserver.backup.frames import FrameKind
from include.standins.sqlserver.backup.media import MediaLabel, device_path
from include.standins.sqlserver.backup.media_writer import MediaWriter
from include.standins.sqlserver.backup.new_header import DAMAGED, Origin, new_header
from include.standins.sqlserver.backup.progress import Announcements, Progress, processed_file, succeeded
from include.standins.sqlserver.errors import SqlError, backup_terminated
from include.standins.sqlserver.requests import BackupKind, BackupRequest
from include.standins.sqlserver.storage import failures as database_failures
from include.standins.sqlserver.storage.catalog import Catalog, new_guid
from include.standins.sqlserver.storage.log_scan import DamagedLogError
from include.standins.sqlserver.storage.pages import PageMap
from include.standins.sqlserver.storage.properties import DatabaseState, PendingTail, RecoveryModel

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    from include.standins.sqlserver.results import Message
    from include.standins.sqlserver.storage.database import Database


def back_up(
    catalog: Catalog,
    request: BackupRequest,
    *,
    user: str,
    owner: object,
    check: Callable[[], None],
    progress: Progress | None = None,
) -> Iterator[Message]:
    """Take a backup; yield 3211 per STATS, 4035 per file and 3014.

    :param owner: the asking session, which does not count as "in use".
    :param check: called between frames; raises to cancel, and nothing is left on the media.
    :raises SqlError: the cause, followed by 3013.
    """
    verb = "BACKUP LOG" if request.kind is BackupKind.LOG else "BACKUP DATABASE"
    try:
        database = catalog.get(request.database)
        backup = _Backup(catalog, database, request, user=user, check=check, progress=progress or Progress())
        backup.progress.command = verb
        yield from backup.log(owner) if request.kind is BackupKind.LOG else backup.data()
    except SqlError as error:
        raise backup_terminated(error, verb=verb) from None
    except DamagedLogError as error:
        text = f"An error occurred while processing the log for database '{request.database}'. {error}"
        raise backup_terminated(SqlError(9004, text), verb=verb) from error


class _Backup:
    """One BACKUP statement."""

    def __init__(
        self,
        catalog: Catalog,
        database: Database,
        request: BackupRequest,
        *,
        user: str,
        check: Callable[[], None],
        progress: Progress,
    ) -> None:
        self.catalog = catalog
        self.database = database
        self.request = request
        self.user = user
        self.check = check
        self.progress = progress
        self.guid = new_guid()
        self.started = catalog.clock.now()
        self.devices = [device_path(catalog, device) for device in request.devices]
        self._began = time.monotonic()
        self._announcements = Announcements(progress, request.stats)
        self._labels: list[tuple[Path, MediaLabel]] = []

    # BACKUP DATABASE

    def data(self) -> Iterator[Message]:
        """Full and differential: the data file as of a checkpoint, and the log from there to the end of the copy."""
        lock = self.database.data_backup_lock
        lock.acquire(self, self.check)
        try:
            self._check_state()
            differential = self.request.kind is BackupKind.DIFFERENTIAL
            if differential and self.database.properties.differential_base_guid is None:
                raise failures.no_differential_base(self.database.name)
            files = self.database.open_files
            self.database.checkpoint()
            with files.pinned() as first_lsn:
                content = DataContent(self.database, first_lsn, differential=differential)
                taken = yield from self._write(content, first_lsn=first_lsn, checkpoint_lsn=first_lsn)
                self._remember_data(taken)
        finally:
            lock.release(self)
        yield from self._ended(taken)

    def _remember_data(self, taken: BackupSet) -> None:
        files = self.database.open_files
        entries = [history.backup_entry(taken, self._labels)]
        with files.quiet():
            row = self.database.properties
            changes: dict[str, object] = {}
            if taken.header.kind is BackupKind.DATABASE and not taken.header.is_copy_only:
                with files.log.slice(taken.header.first_lsn, files.log.end_lsn) as since:
                    changed = PageMap()
                    changed.add(since.page_numbers())
                files.changed = changed
                changes = {
                    "database_backup_lsn": taken.header.checkpoint_lsn,
                    "differential_base_lsn": taken.header.checkpoint_lsn,
                    "differential_base_guid": taken.header.guid,
                    "differential_base_time": taken.header.started,
                    "changed_pages": changed.packed(),
                }
            begins = row.last_log_backup_lsn is None and row.recovery_model is RecoveryModel.FULL
            if begins and not taken.header.is_copy_only:
                changes["last_log_backup_lsn"] = taken.header.first_lsn
                changes["last_log_backup_time"] = taken.header.started
            self.database.update(history=entries, **changes)

    # BACKUP LOG

    def log(self, owner: object) -> Iterator[Message]:
        """The log from the last log backup's end; with NORECOVERY or STANDBY as the tail, which shuts the database."""
        lock = self.database.log_backup_lock
        lock.acquire(owner, self.check)
        try:
            first_lsn = self._check_log()
            if self.request.no_recovery or self.request.standby is not None:
                taken = yield from self._tail(owner, first_lsn)
            else:
                taken = yield from self._plain_log(first_lsn)
        finally:
            lock.release(owner)
        yield from self._ended(taken)

    def _plain_log(self, first_lsn: int) -> Generator[Message, None, BackupSet]:
        with log_content(self.database, first_lsn) as content:
            taken = yield from self._write(content, first_lsn=first_lsn, checkpoint_lsn=self._checkpoint_lsn())
        entries = [history.backup_entry(taken, self._labels)]
        if self._moves_the_chain:
            self.database.update(
                history=entries, last_log_backup_lsn=taken.end.last_lsn, last_log_backup_time=taken.end.end_time
            )
            self.database.checkpoint()
        else:
            self.database.update(history=entries)
        return taken

    def _tail(self, owner: object, first_lsn: int) -> Generator[Message, None, BackupSet]:
        with self.database.exclusive(owner), log_content(self.database, first_lsn) as content:
            undo = self.request.standby and str(placement.write_undo_file(self.catalog, self.request.standby))
            tail = PendingTail(
                devices=tuple(str(path) for path in self.devices),
                set_guid=self.guid,
                end_lsn=content.end_lsn,
                state=DatabaseState.STANDBY if self.request.standby is not None else DatabaseState.RESTORING,
                standby_file=undo,
            )
            self.database.update(pending_tail=tail)
            try:
                taken = yield from self._write(content, first_lsn=first_lsn, checkpoint_lsn=self._checkpoint_lsn())
            except BaseException:
                self.database.update(pending_tail=None)
                raise
            self.database.finish_tail(tail, history=[history.backup_entry(taken, self._labels)])
        return taken

    @property
    def _moves_the_chain(self) -> bool:
        """NO_TRUNCATE is COPY_ONLY for a log that may have lost its data file."""
        return not (self.request.copy_only or self.request.no_truncate)

    def _checkpoint_lsn(self) -> int:
        return self.database.properties.checkpoint_lsn

    def _check_log(self) -> int:
        row = self.database.properties
        if row.recovery_model is RecoveryModel.SIMPLE:
            raise failures.simple_model("BACKUP LOG")
        if not (self.request.no_truncate and self.database.state in DAMAGED):
            self._check_state()
        if row.last_log_backup_lsn is None:
            raise failures.no_full_backup()
        return row.last_log_backup_lsn

    # Both

    def _check_state(self) -> None:
        state = self.database.state
        if state is DatabaseState.STANDBY:
            raise failures.warm_standby(self.database.name)
        if state is not DatabaseState.ONLINE:
            raise database_failures.cannot_open(self.database.name, state)

    def _write(self, content: Content, *, first_lsn: int, checkpoint_lsn: int) -> Generator[Message, None, BackupSet]:
        self.progress.total = content.estimated_bytes
        writer = MediaWriter(
            self.devices,
            init=self.request.init,
            compressed=self.request.compression,
            written=self.started,
            before_write=self._before_write,
        )
        self._labels = writer.labels
        position = writer.position
        try:
            header = new_header(
                self.database,
                self.request,
                origin=Origin(guid=self.guid, user=self.user, server=self.catalog.server_name, started=self.started),
                first_lsn=first_lsn,
                checkpoint_lsn=checkpoint_lsn,
            )
            writer.begin(header)
            for kind, payload in content.frames():
                compress = self.request.compression and kind is FrameKind.DATA
                writer.add(kind, payload, compress=compress)
                self.progress.done += len(payload)
                self.catalog.faults.reach("backup.in_data")
                yield from self._announcements.due()
            end = self._end(content, writer)
            self.catalog.faults.reach("backup.before_end")
            writer.finish(end)
        except BaseException:
            writer.abandon()
            raise
        self.catalog.faults.reach("backup.before_save")
        return BackupSet(position=position, header=header, end=end)

    def _before_write(self, path: Path, size: int) -> None:
        self.check()
        faults = self.catalog.faults
        faults.check_space(path)
        faults.pace(size, self.check)

    def _ended(self, taken: BackupSet) -> Iterator[Message]:
        self.catalog.faults.reach("backup.before_history")
        self.catalog.flush_history()
        header, end = taken.header, taken.end
        yield from self._announcements.due(finished=True)
        if end.data_pages:
            size = end.data_pages * 4096
            yield processed_file(header.database, header.files[0].logical_name, size=size, position=taken.position)
        log_name = header.files[1].logical_name
        yield processed_file(header.database, log_name, size=end.log_bytes, position=taken.position)
        seconds = time.monotonic() - self._began
        yield succeeded(self.progress.command, size=end.backup_bytes, seconds=seconds)

    def _end(self, content: Content, writer: MediaWriter) -> SetEnd:
        return SetEnd(
            last_lsn=content.end_lsn,
            finished=self.catalog.clock.now(),
            last_commit_time=content.last_commit_time,
            end_time=content.end_time,
            frames=writer.frames,
            data_pages=content.data_pages,
            log_bytes=content.log_bytes,
            backup_bytes=content.data_pages * 4096 + content.log_bytes,
            compressed_bytes=writer.bytes,
        )
