"""From a SqlType to its TYPE_INFO, and from Python's values to the bytes of a row. [MS-TDS] 2.2.5.4 to 2.2.5.6."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.wire import numeric, temporal
from include.standins.sqlserver.wire.type_codes import COLLATION, INTEGER_BYTES, LARGEST_BYTES, MAX_LENGTH, TypeCode

if TYPE_CHECKING:
    from include.standins.sqlserver.results import Column, SqlType

Encoder: TypeAlias = Callable[[Any], bytes]

_ROW = b"\xd1"
_NULL = b"\x00"
_NULL_LONG = b"\xff\xff"
_NULL_MAX = b"\xff" * 8
_U16 = struct.Struct("<H")
_MAX_HEAD = struct.Struct("<QI")
_MAX_END = bytes(4)
_FLOATS = {"float": struct.Struct("<Bd"), "real": struct.Struct("<Bf")}
_INTEGERS = {
    "tinyint": struct.Struct("<BB"),
    "smallint": struct.Struct("<Bh"),
    "int": struct.Struct("<Bi"),
    "bigint": struct.Struct("<Bq"),
}
_WIDE = {"nvarchar", "nchar"}
_PADDED = {"nchar": b" \x00", "char": b" ", "binary": b"\x00"}


def type_info(kind: SqlType) -> bytes:
    """TYPE_INFO of a column, always in the form that can be NULL.

    :raises SqlError: 40515, the type is not modelled.
    """
    name, fixed = kind.name, _FIXED_TYPE_INFO.get(kind.name)
    if fixed is not None:
        return fixed
    if name in ("decimal", "numeric"):
        precision, code = _precision(kind), TypeCode.DECIMALN if name == "decimal" else TypeCode.NUMERICN
        return bytes([code, numeric.decimal_bytes(precision), precision, kind.scale])
    if name in _SCALED_CODES:
        return bytes([_SCALED_CODES[name], kind.scale])
    if name in _LONG_CODES:
        collation = b"" if name.endswith("binary") else COLLATION
        return bytes([_LONG_CODES[name]]) + _U16.pack(_declared_bytes(kind)) + collation
    raise not_modelled(f"The type {name}")


def value_encoder(kind: SqlType) -> Encoder:
    """Return the function that encodes one value of the type, NULL as None.

    :raises SqlError: 40515, the type is not modelled; the encoder raises 8115, 242 or 8152 for what does not fit.
    """
    name = kind.name
    if name in _INTEGERS:
        return partial(_integer, pack=_INTEGERS[name].pack, size=INTEGER_BYTES[name], name=name)
    if name in _FLOATS:
        return partial(_float, pack=_FLOATS[name].pack, size=_FLOATS[name].size - 1, name=name)
    if name in ("decimal", "numeric"):
        return _short(partial(numeric.encode_decimal, precision=_precision(kind), scale=kind.scale))
    if name in _SCALED_ENCODERS:
        return _short(partial(_SCALED_ENCODERS[name], scale=kind.scale))
    if name in _SHORT_ENCODERS:
        return _short(_SHORT_ENCODERS[name])
    if name in _LONG_CODES:
        return _long(kind)
    raise not_modelled(f"The type {name}")


def row_encoder(columns: Sequence[Column]) -> Callable[[Sequence[Any]], bytes]:
    """Return the function that makes a ROW token of one row's values."""
    encoders = [value_encoder(column.type) for column in columns]

    def encode(row: Sequence[Any]) -> bytes:
        return _ROW + b"".join([encoder(value) for encoder, value in zip(encoders, row, strict=True)])

    return encode


def _integer(value: Any, *, pack: Callable[[int, int], bytes], size: int, name: str) -> bytes:
    if value is None:
        return _NULL
    try:
        return pack(size, value)
    except struct.error:
        raise numeric.overflow(name) from None


def _float(value: Any, *, pack: Callable[[int, float], bytes], size: int, name: str) -> bytes:
    if value is None:
        return _NULL
    try:
        return pack(size, value)
    except OverflowError:
        raise numeric.overflow(name) from None


def _short(encode: Encoder) -> Encoder:
    """Put the length in one byte in front; 0 is NULL."""

    def encoder(value: Any) -> bytes:
        if value is None:
            return _NULL
        raw = encode(value)
        return bytes((len(raw),)) + raw

    return encoder


def _long(kind: SqlType) -> Encoder:
    """Characters and bytes: a length in two bytes, or chunks for (max)."""
    to_bytes = _to_bytes(kind.name)
    declared = _declared_bytes(kind)
    if declared == MAX_LENGTH:
        return partial(_chunked, to_bytes=to_bytes)
    padding = _PADDED.get(kind.name, b"")

    def encoder(value: Any) -> bytes:
        if value is None:
            return _NULL_LONG
        raw = to_bytes(value)
        if len(raw) > declared:
            raise SqlError(8152, "String or binary data would be truncated.")
        if padding:
            raw += padding * ((declared - len(raw)) // len(padding))
        return _U16.pack(len(raw)) + raw

    return encoder


def _chunked(value: Any, *, to_bytes: Encoder) -> bytes:
    if value is None:
        return _NULL_MAX
    raw = to_bytes(value)
    if not raw:
        return bytes(8) + _MAX_END
    return _MAX_HEAD.pack(len(raw), len(raw)) + raw + _MAX_END


def _to_bytes(name: str) -> Encoder:
    if name in _WIDE:
        return _wide_bytes
    return bytes if name.endswith("binary") else _narrow_bytes


def _wide_bytes(value: str) -> bytes:
    return value.encode("utf-16-le", "surrogatepass")


def _narrow_bytes(value: str) -> bytes:
    return value.encode("cp1252", "replace")


def _declared_bytes(kind: SqlType) -> int:
    if kind.length is None:
        return MAX_LENGTH
    declared = max(kind.length, 1) * (2 if kind.name in _WIDE else 1)
    return declared if declared <= LARGEST_BYTES else MAX_LENGTH


def _precision(kind: SqlType) -> int:
    return kind.precision or 18  # T-SQL's own default


def _encode_bit(value: Any) -> bytes:
    return b"\x01" if value else b"\x00"


def _encode_guid(value: Any) -> bytes:
    return bytes(value.bytes_le)


_SHORT_ENCODERS: dict[str, Encoder] = {
    "bit": _encode_bit,
    "money": numeric.encode_money,
    "smallmoney": numeric.encode_smallmoney,
    "date": temporal.encode_date,
    "datetime": temporal.encode_datetime,
    "smalldatetime": temporal.encode_smalldatetime,
    "uniqueidentifier": _encode_guid,
}
_SCALED_ENCODERS: dict[str, Callable[..., bytes]] = {
    "time": temporal.encode_time,
    "datetime2": temporal.encode_datetime2,
    "datetimeoffset": temporal.encode_datetimeoffset,
}
_SCALED_CODES = {
    "time": TypeCode.TIMEN,
    "datetime2": TypeCode.DATETIME2N,
    "datetimeoffset": TypeCode.DATETIMEOFFSETN,
}
_LONG_CODES = {
    "nvarchar": TypeCode.NVARCHAR,
    "varchar": TypeCode.BIGVARCHAR,
    "nchar": TypeCode.NCHAR,
    "char": TypeCode.BIGCHAR,
    "varbinary": TypeCode.BIGVARBINARY,
    "binary": TypeCode.BIGBINARY,
}
_FIXED_TYPE_INFO: dict[str, bytes] = {
    "bit": bytes([TypeCode.BITN, 1]),
    "float": bytes([TypeCode.FLTN, 8]),
    "real": bytes([TypeCode.FLTN, 4]),
    "money": bytes([TypeCode.MONEYN, 8]),
    "smallmoney": bytes([TypeCode.MONEYN, 4]),
    "datetime": bytes([TypeCode.DATETIMEN, 8]),
    "smalldatetime": bytes([TypeCode.DATETIMEN, 4]),
    "date": bytes([TypeCode.DATEN]),
    "uniqueidentifier": bytes([TypeCode.GUID, 16]),
    **{name: bytes([TypeCode.INTN, size]) for name, size in INTEGER_BYTES.items()},
}
