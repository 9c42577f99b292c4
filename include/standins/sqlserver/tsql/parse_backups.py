"""BACKUP and RESTORE with their options; an option that is not known is a syntax error that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.requests import BackupKind, MediaQuestion
from include.standins.sqlserver.tsql import server_statements as server
from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.expressions import Variable
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_BACKUP_FLAGS = frozenset(
    """
    INIT NOINIT FORMAT NOFORMAT CHECKSUM NO_CHECKSUM COMPRESSION NO_COMPRESSION COPY_ONLY NORECOVERY NO_TRUNCATE
    DIFFERENTIAL SKIP NOSKIP REWIND NOREWIND UNLOAD NOUNLOAD STOP_ON_ERROR
    """.split()
)
_BACKUP_VALUES = frozenset(
    "NAME DESCRIPTION STANDBY STATS MEDIANAME MEDIADESCRIPTION BUFFERCOUNT MAXTRANSFERSIZE BLOCKSIZE RETAINDAYS".split()
)
_RESTORE_FLAGS = frozenset(
    """
    RECOVERY NORECOVERY REPLACE CHECKSUM NO_CHECKSUM RESTRICTED_USER REWIND NOREWIND UNLOAD NOUNLOAD STOP_ON_ERROR
    """.split()
)
_RESTORE_VALUES = frozenset("STANDBY FILE STATS STOPAT MEDIANAME BUFFERCOUNT MAXTRANSFERSIZE BLOCKSIZE".split())
_NOT_MODELLED = frozenset(
    """
    ENCRYPTION CREDENTIAL CONTINUE_AFTER_ERROR RESTART STOPATMARK STOPBEFOREMARK PARTIAL KEEP_REPLICATION KEEP_CDC
    ENABLE_BROKER NEW_BROKER PASSWORD MEDIAPASSWORD EXPIREDATE MIRROR METADATA_ONLY SNAPSHOT FILE_SNAPSHOT LOADHISTORY
    """.split()
)
_MAY_STAND_ALONE = frozenset(("STATS",))


def operand(cursor: TokenCursor) -> server.Operand:
    """Read a constant or a variable."""
    if cursor.here.kind is Kind.VARIABLE:
        return Variable(cursor.advance().value)
    value = cursor.baked_literal()
    if not isinstance(value, str | int):
        raise SqlError(102, f"Incorrect syntax near '{value}'.", severity=15, ends_batch=True)
    return value


def _database(cursor: TokenCursor) -> server.Operand:
    return Variable(cursor.advance().value) if cursor.here.kind is Kind.VARIABLE else cursor.name()


def _devices(cursor: TokenCursor) -> tuple[server.Operand, ...]:
    devices = []
    while True:
        if cursor.at_word("URL", "TAPE", "VIRTUAL_DEVICE", "DATABASE_SNAPSHOT"):
            raise cursor.refuse(f"Backup device {cursor.here.value}")
        if not cursor.accept("DISK"):
            if cursor.at_name:
                raise cursor.refuse("A logical backup device")
            raise cursor.error()
        cursor.expect_operator("=")
        devices.append(operand(cursor))
        if not cursor.accept_operator(","):
            return tuple(devices)


def parse_backup(cursor: TokenCursor) -> st.Statement:
    """Read BACKUP DATABASE | LOG name TO DISK = '...', ... [WITH options]."""
    cursor.expect("BACKUP")
    word = cursor.accept_any("DATABASE", "LOG", "CERTIFICATE", "MASTER", "SERVER", "GROUP", "SERVICE")
    if word not in {"DATABASE", "LOG"}:
        raise cursor.refuse(f"BACKUP {word}") if word else cursor.error()
    database = _database(cursor)
    if cursor.at_word("FILE", "FILEGROUP", "READ_WRITE_FILEGROUPS"):
        raise cursor.refuse("A backup of files or filegroups")
    cursor.expect("TO")
    devices = _devices(cursor)
    if cursor.at_word("MIRROR"):
        raise cursor.refuse("MIRROR TO")
    options = _options(cursor, flags=_BACKUP_FLAGS, values=_BACKUP_VALUES, moves=None)
    kind = BackupKind.LOG if word == "LOG" else BackupKind.DATABASE
    if options.pop("DIFFERENTIAL", False):
        if kind is BackupKind.LOG:
            raise SqlError(3032, "One or more of the options (differential) are not supported for this statement.")
        kind = BackupKind.DIFFERENTIAL
    return server.Backup(kind, database, devices, options)


def parse_restore(cursor: TokenCursor) -> st.Statement:
    """Read RESTORE DATABASE | LOG name [FROM DISK ...] [WITH ...], or RESTORE HEADERONLY and its kin."""
    cursor.expect("RESTORE")
    question = cursor.accept_any(*(each.value for each in MediaQuestion))
    if question is not None:
        cursor.expect("FROM")
        devices = _devices(cursor)
        options = _options(cursor, flags=_RESTORE_FLAGS, values=_RESTORE_VALUES, moves=[])
        return server.ReadMedia(MediaQuestion(question), devices, options)
    word = cursor.accept_any("DATABASE", "LOG", "REWINDONLY", "MASTER", "SERVICE")
    if word not in {"DATABASE", "LOG"}:
        raise cursor.refuse(f"RESTORE {word}") if word else cursor.error()
    database = _database(cursor)
    if cursor.at_word("FILE", "FILEGROUP", "PAGE", "READ_WRITE_FILEGROUPS"):
        raise cursor.refuse("A restore of files, filegroups or pages")
    devices = _devices(cursor) if cursor.accept("FROM") else ()
    moves: list[tuple[server.Operand, server.Operand]] = []
    options = _options(cursor, flags=_RESTORE_FLAGS, values=_RESTORE_VALUES, moves=moves)
    return server.Restore(word == "LOG", database, devices, options, tuple(moves))


def _options(
    cursor: TokenCursor,
    *,
    flags: frozenset[str],
    values: frozenset[str],
    moves: list[tuple[server.Operand, server.Operand]] | None,
) -> dict[str, server.Operand | bool]:
    options: dict[str, server.Operand | bool] = {}
    if not cursor.accept("WITH"):
        return options
    while True:
        if moves is not None and cursor.accept("MOVE"):
            logical = operand(cursor)
            cursor.expect("TO")
            moves.append((logical, operand(cursor)))
        else:
            name, value = _option(cursor, flags=flags, values=values)
            options[name] = value
        if not cursor.accept_operator(","):
            return options


def _option(cursor: TokenCursor, *, flags: frozenset[str], values: frozenset[str]) -> tuple[str, server.Operand | bool]:
    if cursor.here.kind is not Kind.WORD:
        raise cursor.error()
    name = str(cursor.here.value)
    if name in _NOT_MODELLED:
        raise cursor.refuse(f"Option {name}")
    if name in flags:
        cursor.advance()
        return name, True
    if name in values:
        cursor.advance()
        if name in _MAY_STAND_ALONE and not cursor.at_operator("="):
            return name, 10
        cursor.expect_operator("=")
        return name, operand(cursor)
    raise SqlError(
        155, f"'{cursor.here.text}' is not a recognized BACKUP or RESTORE option.", severity=15, ends_batch=True
    )
