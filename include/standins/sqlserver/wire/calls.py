"""What a request asks: a batch of SQL, remote procedure calls, a transaction's begin or end.

Source: [MS-TDS] 2.2.6.6 to 2.2.6.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.results import Parameter
from include.standins.sqlserver.wire.byte_reader import ByteReader, ProtocolError
from include.standins.sqlserver.wire.decoders import read_type_info

if TYPE_CHECKING:
    from collections.abc import Sequence

_BY_NUMBER = 0xFFFF
_SEPARATORS = (0x80, 0xFE, 0xFF)  # between calls: before TDS 7.2, "do not execute", since 7.2
_BY_REFERENCE, _DEFAULT, _ENCRYPTED = 0x01, 0x02, 0x08
_PROCEDURES = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}
RUN_BY_THE_WIRE = {"sp_executesql", "sp_prepare", "sp_execute", "sp_prepexec", "sp_unprepare"}


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `name` is "" when the client counts on the position."""

    parameter: Parameter
    is_output: bool


@dataclass(frozen=True, slots=True)
class Call:
    """One remote procedure call. `procedure` is as the client wrote it, lower case and bare for the wire's own."""

    procedure: str
    arguments: Sequence[Argument]


class TransactionVerb(IntEnum):
    """What a transaction-manager request wants."""

    BEGIN = 5
    COMMIT = 7
    ROLLBACK = 8


@dataclass(frozen=True, slots=True)
class TransactionRequest:
    """Begin, commit or roll back; `begins_next` opens a new transaction right after."""

    verb: TransactionVerb
    begins_next: bool = False


def read_batch(body: bytes) -> str:
    """Return the SQL of a batch.

    :raises ProtocolError: the headers run past the end, or half a character is left.
    """
    reader = _after_headers(body)
    if reader.remaining % 2:
        raise ProtocolError("the batch is no UTF-16 text")
    return reader.text(reader.remaining // 2)


def read_calls(body: bytes) -> list[Call]:
    """Return the calls of an RPC request.

    :raises ProtocolError: the stream is damaged.
    :raises SqlError: 40515: a parameter of a type that is not modelled, or encrypted.
    """
    reader, calls = _after_headers(body), []
    while reader.remaining:
        calls.append(_read_call(reader))
        if reader.remaining:
            reader.u8()  # the separator that ended the call
    if not calls:
        raise ProtocolError("the request names no procedure")
    return calls


def read_transaction_request(body: bytes) -> TransactionRequest:
    """Read a transaction-manager request.

    :raises SqlError: 40515: savepoints and distributed transactions.
    """
    reader = _after_headers(body)
    number = reader.u16()
    try:
        verb = TransactionVerb(number)
    except ValueError:
        raise not_modelled(f"Transaction manager request {number}") from None
    if verb is TransactionVerb.BEGIN:
        return TransactionRequest(verb)
    name_bytes = reader.u8()
    if name_bytes and verb is TransactionVerb.ROLLBACK:
        raise not_modelled("ROLLBACK to a savepoint")
    reader.take(name_bytes)
    return TransactionRequest(verb, begins_next=bool(reader.remaining and reader.u8() & 0x01))


def declared_names(declaration: str) -> list[str]:
    """Return the parameter names of "@P1 int, @P2 decimal(10, 2)", in order."""
    names, depth, start = [], 0, 0
    for position, character in enumerate(f"{declaration},"):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            words = declaration[start:position].split()
            names += words[:1]
            start = position + 1
    return names


def named(values: Sequence[Argument], declaration: str) -> list[Parameter]:
    """Give the values of a prepared text the names that its declaration has for their positions.

    :raises SqlError: 8144 for more values than names, 40515 for an output parameter.
    """
    names = declared_names(declaration)
    if len(values) > len(names):
        raise SqlError(8144, "Procedure or function has too many arguments specified.", ends_batch=True)
    parameters = []
    for value, name in zip(values, names, strict=False):
        if value.is_output:
            raise not_modelled("An output parameter of a prepared statement")
        given = value.parameter
        parameters.append(given if given.name else Parameter(name, given.type, given.value))
    return parameters


def _read_call(reader: ByteReader) -> Call:
    name = _procedure_name(reader)
    reader.u16()  # option flags: recompile, metadata reuse
    arguments = []
    while reader.remaining and reader.peek() not in _SEPARATORS:
        argument = _read_argument(reader)
        if argument is not None:
            arguments.append(argument)
    return Call(name, arguments)


def _procedure_name(reader: ByteReader) -> str:
    length = reader.u16()
    if length == _BY_NUMBER:
        number = reader.u16()
        if number not in _PROCEDURES:
            raise ProtocolError(f"procedure number {number} is unknown")
        return _PROCEDURES[number]
    name = reader.text(length)
    bare = name.lower().rpartition(".")[2].strip("[]")
    return bare if bare in RUN_BY_THE_WIRE else name


def _read_argument(reader: ByteReader) -> Argument | None:
    name, status = reader.b_varchar(), reader.u8()
    if status & _ENCRYPTED:
        raise not_modelled("An encrypted parameter")
    wire_type = read_type_info(reader)
    value = wire_type.value(reader)
    if status & _DEFAULT:
        return None
    return Argument(Parameter(name, wire_type.type, value), is_output=bool(status & _BY_REFERENCE))


def _after_headers(body: bytes) -> ByteReader:
    """Skip ALL_HEADERS: the transaction it names is the session's own, there is but one."""
    reader = ByteReader(body)
    length = reader.u32()
    if length < 4:
        raise ProtocolError("ALL_HEADERS is shorter than its own length")
    reader.take(length - 4)
    return reader
