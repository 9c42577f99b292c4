"""The second half of a ship run, for one database: every file that applies, in LSN order, onto the secondary."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from include.log_shipping import tsql
from include.log_shipping.configuration_model import DatabaseSettings, RestoreMode
from include.log_shipping.copying import copy_file
from include.log_shipping.eviction import evict_readers
from include.log_shipping.failures import Reaction, SqlServerError
from include.log_shipping.header_book import HeaderBook, backup_files, read_page, save_book
from include.log_shipping.headers import BackupHeader, BackupType
from include.log_shipping.names import quoted
from include.log_shipping.progress import Standing, next_for, read_standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.log_shipping.client import SqlServer
    from include.log_shipping.fleet import Workplace
    from include.log_shipping.next_restores import NextRestores

ROUNDS: Final = 5
"""A round restores all that applies; a second follows a bridge, a damaged copy or a lost answer, more is a fault."""
TRIES: Final = 10
PAUSE_SECONDS: Final = 0.5
"""A session that just closed still counts as a user for a moment (3101)."""


class RestoreStoppedError(RuntimeError):
    """Nothing more can be restored without a person; the sentence says why and what to do."""

    is_final = True


@dataclass(slots=True)
class Restored:
    """What was restored, in order, and where the database stands now."""

    files: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    copied_again: list[str] = field(default_factory=list)
    evicted: int = 0
    redo_lsn: int | None = None
    redo_fork: str | None = None

    def evidence(self) -> dict[str, Any]:
        """Return JSON types; LSNs are text."""
        return {
            "restored": self.files,
            "skipped": self.skipped,
            "copied_again": self.copied_again,
            "evicted": self.evicted,
            "redo_lsn": None if self.redo_lsn is None else str(self.redo_lsn),
            "redo_fork": self.redo_fork,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """One database's restore at work; `check` raises when its lease was lost."""

    workplace: Workplace
    settings: DatabaseSettings
    source: str
    server: SqlServer
    book: HeaderBook
    check: Callable[[], None]
    done: Restored
    pause: Callable[[float], None] = time.sleep

    def run(self) -> Restored:
        """Restore until nothing more applies.

        :raises RestoreStoppedError: a gap, another recovery path, a recovered database, readers that stay.
        :raises SqlServerError: the server refuses for another reason.
        """
        for _ in range(ROUNDS):
            standing = self._standing()
            folder = self.workplace.settings(self.server.name).copy_folder
            following = next_for(standing, self.book, present=backup_files(folder, self.settings.name))
            if following is None:
                raise RestoreStoppedError(f"{self._where} does not say where it stands; look at its state.")
            self._refuse_divergence(following)
            if following.apply:
                self._apply(following.apply)
            elif following.gap and following.bridge:
                self._restore(following.bridge, last=True)
            elif following.gap:
                raise RestoreStoppedError(f"{self._where}: {following.gap}. See what back_up_and_copy says about it.")
            else:
                return self._rest(standing)
        raise RestoreStoppedError(f"{self._where} stands still although files apply: compare them with its redo LSN.")

    @property
    def _where(self) -> str:
        return f"{self.settings.name} on {self.server.name}"

    def _standing(self) -> Standing:
        standing = read_standing(self.server, self.settings.name)
        if standing is None:
            raise RestoreStoppedError(f"{self._where} is not there: run log_shipping_configure to seed it.")
        if not standing.state.takes_logs:
            raise RestoreStoppedError(
                f"{self._where} is {standing.state.describe()} and takes no logs: it was recovered. Shipping to it "
                "stops until a person decides; a reseed by log_shipping_configure replaces it."
            )
        self.done.redo_lsn, self.done.redo_fork = standing.state.redo_lsn, standing.state.redo_fork
        return standing

    def _refuse_divergence(self, following: NextRestores) -> None:
        if following.diverged is not None:
            raise RestoreStoppedError(
                f"{self._where}: {following.diverged.files[0]} is of another recovery path (fork "
                f"{following.diverged.recovery_fork}): both sides went on by themselves; a person decides."
            )

    def _apply(self, logs: tuple[BackupHeader, ...]) -> None:
        """Restore logs in order; only the last one leaves a standby readable, so that readers are sent away once."""
        for number, log in enumerate(logs, start=1):
            if not self._restore(log, last=number == len(logs)):
                return

    def _restore(self, backup: BackupHeader, *, last: bool) -> bool:
        """Restore one backup; False says that the plan must be made again."""
        name = backup.files[0]
        self.check()
        try:
            self._patiently(backup, last=last)
        except SqlServerError as error:
            return self._after_error(error, backup)
        self.done.files.append(name)
        return True

    def _patiently(self, backup: BackupHeader, *, last: bool) -> None:
        for left in reversed(range(TRIES)):
            try:
                self.server.run(self._statement(backup, last=last), doing=f"RESTORE of {backup.files[0]}")
                return
            except SqlServerError as error:
                if error.reaction is not Reaction.RETRY:
                    raise
                if not left:
                    raise RestoreStoppedError(self._readers_sentence(error)) from error
            if self.settings.evict_readers:
                self.done.evicted += evict_readers(self.server, self.settings.name)
            self.pause(PAUSE_SECONDS)

    def _statement(self, backup: BackupHeader, *, last: bool) -> tsql.Statement:
        pair = self.workplace.settings(self.server.name).copy_folder.file(self.settings.name, backup.files[0])
        is_standby = last and self.settings.restore_mode is RestoreMode.STANDBY
        after = tsql.After.STANDBY if is_standby else tsql.After.NORECOVERY
        undo = self._undo_file if is_standby else None
        build = tsql.restore_log if backup.type is BackupType.LOG else tsql.restore_database
        return build(database=self.settings.name, path=pair.server_path, after=after, standby_file=undo)

    @property
    def _undo_file(self) -> str:
        return undo_file(self.workplace, self.settings, server=self.server.name)

    def _after_error(self, error: SqlServerError, backup: BackupHeader) -> bool:
        name = backup.files[0]
        if error.reaction is Reaction.IN_DOUBT:
            return False
        if error.reaction is Reaction.ALREADY_APPLIED:
            # 4326 is also what a diverged server may answer: only its own redo LSN and fork tell
            standing = self._standing()
            if (standing.state.redo_lsn or 0) >= backup.last_lsn:
                self.done.skipped.append(name)
                return False
        if error.reaction is Reaction.DAMAGED and name not in self.done.copied_again:
            return self._copy_again(name)
        if error.reaction is Reaction.DAMAGED:
            self.book.mark_broken(name, f"{name} is damaged: {error.text} (error {error.number})")
            save_book(self.workplace.store, self.book)
            raise RestoreStoppedError(
                f"{self._where}: {name} is damaged in the backup folder itself ({error.text}). It is left out from now "
                "on; the next run bridges it with a differential, if it may, or asks for a reseed."
            ) from error
        if error.reaction is Reaction.UNREACHABLE_FILE:
            raise RestoreStoppedError(self._unreachable_sentence(name)) from error
        if error.is_final:
            raise RestoreStoppedError(f"{self._where}: {error} Nothing more is restored; see the runbook.") from error
        raise error

    def _copy_again(self, name: str) -> bool:
        origin = self.workplace.settings(self.source).backup_folder.file(self.settings.name, name)
        folder = self.workplace.settings(self.server.name).copy_folder
        copy_file(origin.worker_path, folder.file(self.settings.name, name).worker_path, again=True)
        stat = backup_files(folder, self.settings.name)[name]
        offset = self.book.pages[name].offset_seconds
        self.book.pages[name] = read_page(
            self.server, folder, self.settings.name, name=name, stat=stat, offset_seconds=offset
        )
        save_book(self.workplace.store, self.book)
        self.done.copied_again.append(name)
        return False

    def _rest(self, standing: Standing) -> Restored:
        """Leave the database as configured: a standby whose last step was cut short is made readable again."""
        wanted = self.settings.restore_mode is RestoreMode.STANDBY
        if wanted and not standing.state.is_in_standby and self.done.redo_lsn:
            statement = restore_standby(self.settings.name, undo=self._undo_file)
            self.server.run(statement, doing=f"RESTORE DATABASE {self.settings.name} WITH STANDBY")
        return self.done

    def _readers_sentence(self, error: SqlServerError) -> str:
        rows = self.server.run(tsql.sessions(self.settings.name), doing="listing sessions")
        who = ", ".join(f"{row['login_name']} from {row['host_name']} ({row['session_id']})" for row in rows[:5])
        advice = "they came back each time" if self.settings.evict_readers else "ask them, or set evict_readers"
        return f"{self._where} is in use by {who or 'sessions that just end'}: {advice}. ({error.text})"

    def _unreachable_sentence(self, name: str) -> str:
        pair = self.workplace.settings(self.server.name).copy_folder.file(self.settings.name, name)
        if pair.worker_path.exists():
            return f"{self.server.name} cannot open {pair.server_path}: check that path and its rights on the share."
        return f"{name} was deleted from the copy folder: the next run copies it again."


def undo_file(workplace: Workplace, settings: DatabaseSettings, *, server: str) -> str:
    """Return the undo file of a standby, as its server sees it."""
    return workplace.settings(server).copy_folder.file(settings.name, f"{quoted(settings.name)}.undo").server_path


def restore_standby(database: str, *, undo: str) -> tsql.Statement:
    """Return what makes a RESTORING database readable without ending its restore."""
    from include.log_shipping.tsql.quoting import identifier, joined, literal

    return joined("RESTORE DATABASE", identifier(database), "WITH STANDBY =", literal(undo))
