"""BACKUP and RESTORE: from statements to requests, with what must hold of the session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.backup.progress import Progress
from include.standins.sqlserver.backup.reading import file_list, headers, label, verify
from include.standins.sqlserver.backup.restoring import restore
from include.standins.sqlserver.backup.writing import back_up
from include.standins.sqlserver.engine.operands import number_of, text_of
from include.standins.sqlserver.errors import SqlError, backup_terminated
from include.standins.sqlserver.query.dates import parse_datetime
from include.standins.sqlserver.requests import (
    AfterRestore,
    BackupKind,
    BackupRequest,
    MediaQuestion,
    MediaRequest,
    RestoreRequest,
)
from include.standins.sqlserver.results import Event, Rows, StatementDone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.tsql import server_statements as server

_READERS = {
    MediaQuestion.HEADERONLY: headers,
    MediaQuestion.FILELISTONLY: file_list,
    MediaQuestion.LABELONLY: label,
}


def _outside_transactions(session: LocalSession, verb: str) -> None:
    if session.transaction.is_open:
        raise backup_terminated(
            SqlError(3021, "Cannot perform a backup or restore operation within a transaction.", state=0), verb=verb
        )


def _user_database(session: LocalSession, name: str, verb: str) -> None:
    if session.instance.is_system(name):
        raise backup_terminated(
            SqlError(40515, f"{verb} of the system database {name} is not modelled by the local SQL Server."), verb=verb
        )


def _text(frame: Frame, options: dict[str, server.Operand | bool], name: str) -> str | None:
    value = options.get(name)
    return None if value is None or isinstance(value, bool) else text_of(frame, value)


def _number(frame: Frame, options: dict[str, server.Operand | bool], name: str) -> int | None:
    value = options.get(name)
    return None if value is None or isinstance(value, bool) else number_of(frame, value, option=name)


def back_up_database(session: LocalSession, frame: Frame, statement: server.Backup) -> Iterator[Event]:
    """BACKUP DATABASE and BACKUP LOG."""
    verb = "BACKUP LOG" if statement.kind is BackupKind.LOG else "BACKUP DATABASE"
    _outside_transactions(session, verb)
    name = text_of(frame, statement.database)
    _user_database(session, name, verb)
    options = statement.options
    tail = bool(options.get("NORECOVERY")) or "STANDBY" in options
    if tail and statement.kind is not BackupKind.LOG:
        raise backup_terminated(
            SqlError(3032, "One or more of the options (norecovery, standby) are not supported for this statement."),
            verb=verb,
        )
    if tail and session.database.lower() == name.lower():
        # The session's own use counts too: the tail is taken from master.
        raise backup_terminated(
            SqlError(3101, "Exclusive access could not be obtained because the database is in use."), verb=verb
        )
    session.release_database(name)
    request = BackupRequest(
        kind=statement.kind,
        database=name,
        devices=tuple(text_of(frame, device) for device in statement.devices),
        init=bool(options.get("INIT") or options.get("FORMAT")),
        checksum=bool(options.get("CHECKSUM")),
        compression=bool(options.get("COMPRESSION")),
        copy_only=bool(options.get("COPY_ONLY")),
        no_recovery=bool(options.get("NORECOVERY")),
        standby=_text(frame, options, "STANDBY"),
        no_truncate=bool(options.get("NO_TRUNCATE")),
        name=_text(frame, options, "NAME"),
        description=_text(frame, options, "DESCRIPTION"),
        stats=_number(frame, options, "STATS"),
    )
    yield from back_up(
        session.instance.catalog,
        request,
        user=session.login.user,
        owner=session,
        check=session.check,
        progress=_progress(session, verb),
    )


def _progress(session: LocalSession, verb: str) -> Progress:
    progress = Progress(command=verb)
    if session.request is not None:
        session.request.command = verb
        session.request.progress = progress
    return progress


def restore_database(session: LocalSession, frame: Frame, statement: server.Restore) -> Iterator[Event]:
    """RESTORE DATABASE and RESTORE LOG."""
    verb = "RESTORE LOG" if statement.log else "RESTORE DATABASE"
    _outside_transactions(session, verb)
    name = text_of(frame, statement.database)
    _user_database(session, name, verb)
    if session.database.lower() == name.lower() and session.instance.catalog.find(name) is not None:
        raise backup_terminated(
            SqlError(
                3102,
                f"RESTORE cannot process database '{name}' because it is in use by this session. It "
                "is recommended that the "
                "master database be used when performing this operation.",
            ),
            verb=verb,
        )
    session.release_database(name)
    request = _restore_request(frame, statement, name, verb)
    yield from restore(
        session.instance.catalog,
        request,
        user=session.login.user,
        owner=session,
        check=session.check,
        progress=_progress(session, verb),
    )


def _restore_request(frame: Frame, statement: server.Restore, name: str, verb: str) -> RestoreRequest:
    options = statement.options
    chosen = [word for word in ("RECOVERY", "NORECOVERY", "STANDBY") if word in options]
    if len(chosen) > 1:
        raise backup_terminated(
            SqlError(
                3031,
                f"Option '{chosen[0].lower()}' conflicts with option(s) '{chosen[1].lower()}'. Remove "
                "the conflicting option and reissue the statement.",
            ),
            verb=verb,
        )
    stop_at = _text(frame, options, "STOPAT")
    return RestoreRequest(
        log=statement.log,
        database=name,
        devices=tuple(text_of(frame, device) for device in statement.devices),
        after=AfterRestore(chosen[0]) if chosen else AfterRestore.RECOVERY,
        standby_file=_text(frame, options, "STANDBY"),
        position=_number(frame, options, "FILE") or 1,
        moves={text_of(frame, logical): text_of(frame, path) for logical, path in statement.moves},
        stop_at=parse_datetime(stop_at) if stop_at is not None else None,
        replace=bool(options.get("REPLACE")),
        checksum=bool(options.get("CHECKSUM")),
        stats=_number(frame, options, "STATS"),
    )


def read_media(session: LocalSession, frame: Frame, statement: server.ReadMedia) -> Iterator[Event]:
    """RESTORE HEADERONLY, FILELISTONLY, LABELONLY, VERIFYONLY; allowed inside a transaction."""
    request = MediaRequest(
        question=statement.question,
        devices=tuple(text_of(frame, device) for device in statement.devices),
        position=_number(frame, statement.options, "FILE"),
        checksum=bool(statement.options.get("CHECKSUM")),
    )
    if session.request is not None:
        session.request.command = f"RESTORE {statement.question.value}"
    if statement.question is MediaQuestion.VERIFYONLY:
        yield from verify(session.instance.catalog, request, check=session.check)
        yield StatementDone()
        return
    columns, rows = _READERS[statement.question](session.instance.catalog, request)
    session.rowcount = len(rows)
    yield Rows(columns, rows)
    yield StatementDone(0xC1, None if session.settings.nocount else len(rows))
