"""The tokens of an answer. [MS-TDS] 2.2.7."""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

from include.standins.sqlserver.wire.encoders import type_info, value_encoder
from include.standins.sqlserver.wire.prelogin import SERVER_VERSION
from include.standins.sqlserver.wire.type_codes import COLLATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.standins.sqlserver.errors import SqlError
    from include.standins.sqlserver.results import Column, Message, SqlType

_ERROR, _INFO = 0xAA, 0xAB
_LONGEST_MESSAGE = 8000  # characters; the token's length has two bytes
_LONGEST_NAME = 128
_NULLABLE, _UPDATABLE_UNKNOWN = 0x01, 0x08
_OUTPUT_PARAMETER = 0x01
_DONE = struct.Struct("<BHHQ")
_MESSAGE_HEAD = struct.Struct("<iBB")


class Done(IntEnum):
    """Which of the three DONE tokens."""

    DONE = 0xFD
    PROCEDURE = 0xFE
    IN_PROCEDURE = 0xFF


class DoneStatus(IntFlag):
    """Flags of a DONE token."""

    FINAL = 0
    MORE = 0x01
    ERROR = 0x02
    IN_TRANSACTION = 0x04
    COUNT = 0x10
    ATTENTION = 0x20
    SERVER_ERROR = 0x100


class Change(IntEnum):
    """Kinds of ENVCHANGE."""

    DATABASE = 1
    LANGUAGE = 2
    PACKET_SIZE = 4
    COLLATION = 7
    TRANSACTION_BEGUN = 8
    TRANSACTION_COMMITTED = 9
    TRANSACTION_ROLLED_BACK = 10
    SESSION_RESET = 18


def done(token: Done, status: DoneStatus, *, command: int = 0, count: int = 0) -> bytes:
    """DONE, DONEPROC or DONEINPROC."""
    return _DONE.pack(token, status, command, count)


def column_metadata(columns: Sequence[Column]) -> bytes:
    """COLMETADATA, before the first row."""
    described = [_described(column.type, column.name, nullable=column.nullable) for column in columns]
    return b"\x81" + struct.pack("<H", len(columns)) + b"".join(described)


def _described(kind: SqlType, name: str, *, nullable: bool) -> bytes:
    flags = _UPDATABLE_UNKNOWN | (_NULLABLE if nullable else 0)
    return struct.pack("<IH", 0, flags) + type_info(kind) + _b_varchar(name)


def error_token(error: SqlError, *, server: str) -> bytes:
    """ERROR, without the errors that follow it."""
    return _message(_ERROR, (error.number, error.state, error.severity, error.message), server=server)


def info_token(message: Message, *, server: str) -> bytes:
    """INFO."""
    return _message(_INFO, (message.number, message.state, message.severity, message.text), server=server)


def _message(token: int, content: tuple[int, int, int, str], *, server: str) -> bytes:
    number, state, severity, text = content
    wide = _wide(text[:_LONGEST_MESSAGE])
    body = _MESSAGE_HEAD.pack(number, state, severity) + struct.pack("<H", len(wide) // 2) + wide
    body += _b_varchar(server) + _b_varchar("") + struct.pack("<I", 1)
    return struct.pack("<BH", token, len(body)) + body


def text_change(kind: Change, *, new: str, old: str) -> bytes:
    """ENVCHANGE of a name, as the database."""
    return _change(kind, _b_varchar(new) + _b_varchar(old))


def collation_change() -> bytes:
    """ENVCHANGE of the collation, SQL_Latin1_General_CP1_CI_AS."""
    return _change(Change.COLLATION, bytes([len(COLLATION)]) + COLLATION + b"\x00")


def transaction_change(kind: Change, descriptor: int) -> bytes:
    """ENVCHANGE of a transaction: a begun one is the new value, an ended one the old."""
    number = b"\x08" + struct.pack("<Q", descriptor)
    return _change(kind, number + b"\x00" if kind is Change.TRANSACTION_BEGUN else b"\x00" + number)


def session_reset() -> bytes:
    """ENVCHANGE that says RESETCONNECTION was done."""
    return _change(Change.SESSION_RESET, b"\x00\x00")


def _change(kind: Change, values: bytes) -> bytes:
    return struct.pack("<BHB", 0xE3, len(values) + 1, kind) + values


def login_acknowledged(tds_version: int) -> bytes:
    """LOGINACK."""
    major, minor, build = SERVER_VERSION
    body = b"\x01" + struct.pack(">I", tds_version) + _b_varchar("Microsoft SQL Server")
    body += struct.pack(">BBH", major, minor, build)
    return struct.pack("<BH", 0xAD, len(body)) + body


def no_features() -> bytes:
    """FEATUREEXTACK that takes none of the client's features."""
    return b"\xae\xff"


def return_status(value: int) -> bytes:
    """RETURNSTATUS of a procedure."""
    return struct.pack("<Bi", 0x79, value)


def return_value(name: str, kind: SqlType, value: object) -> bytes:
    """RETURNVALUE of an output parameter, the procedure's first."""
    head = struct.pack("<BH", 0xAC, 0) + _b_varchar(name) + bytes([_OUTPUT_PARAMETER])
    return head + struct.pack("<IH", 0, _NULLABLE) + type_info(kind) + value_encoder(kind)(value)


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _b_varchar(text: str) -> bytes:
    wide = _wide(text)[: _LONGEST_NAME * 2]
    return bytes([len(wide) // 2]) + wide
