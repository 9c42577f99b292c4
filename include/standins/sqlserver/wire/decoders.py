"""TYPE_INFO and values as a client sends them with an RPC. [MS-TDS] 2.2.5.4 to 2.2.5.6, 2.2.6.6."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from include.standins.sqlserver.errors import not_modelled
from include.standins.sqlserver.results import SqlType
from include.standins.sqlserver.wire import numeric, temporal
from include.standins.sqlserver.wire.byte_reader import ByteReader, ProtocolError
from include.standins.sqlserver.wire.type_codes import MAX_LENGTH, UTF8_FLAG, TypeCode

FromBytes: TypeAlias = Callable[[bytes], Any]

_NULL_MAX = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class WireType:
    """How a value of a type lies in the message.

    :param read: takes the value's bytes, None for NULL.
    :param decode: from those bytes to Python.
    """

    type: SqlType
    read: Callable[[ByteReader], bytes | None]
    decode: FromBytes

    def value(self, reader: ByteReader) -> Any:
        """Read one value.

        :raises ProtocolError: it is no instance of its type.
        """
        raw = self.read(reader)
        if raw is None:
            return None
        try:
            return self.decode(raw)
        except (ValueError, OverflowError, IndexError, struct.error):
            raise ProtocolError(f"the supplied value is not a valid instance of data type {self.type.name}") from None


def read_type_info(reader: ByteReader) -> WireType:
    """Read a TYPE_INFO.

    :raises SqlError: 40515: a table-valued parameter, a user-defined type, sql_variant.
    """
    code = reader.u8()
    if code in _FIXED:
        return _fixed(code)
    read_info = _READERS.get(code)
    if read_info is None:
        raise not_modelled(f"A parameter of type {code:#04x} (table-valued, user-defined or sql_variant)")
    return read_info(code, reader)


def _fixed(code: int) -> WireType:
    size = _FIXED[code]
    if size == 0:
        return WireType(SqlType("nvarchar", 4000), lambda _: None, bytes)
    kind, decode = _nullable(_NULLABLE_FORM[code], size)
    return WireType(kind, lambda reader: reader.take(size), decode)


def _nullable(code: int, size: int) -> tuple[SqlType, FromBytes]:
    """Type and decoder of the types whose TYPE_INFO is a length."""
    if (code, size) not in _SIZED:
        raise ProtocolError(f"type {code:#04x} cannot have {size} bytes")
    name, decode = _SIZED[code, size]
    return SqlType(name), decode


def _read_nullable(code: int, reader: ByteReader) -> WireType:
    kind, decode = _nullable(code, reader.u8())
    return WireType(kind, _short, decode)


def _read_decimal(code: int, reader: ByteReader) -> WireType:
    _, precision, scale = reader.u8(), reader.u8(), reader.u8()
    if not 1 <= precision <= numeric.LARGEST_PRECISION or scale > precision:
        raise ProtocolError(f"decimal({precision}, {scale}) does not exist")
    name = "decimal" if code == TypeCode.DECIMALN else "numeric"
    kind = SqlType(name, precision=precision, scale=scale)
    return WireType(kind, _short, lambda raw: numeric.decode_decimal(raw, scale))


def _read_date(_: int, __: ByteReader) -> WireType:
    return WireType(SqlType("date"), _short, temporal.decode_date)


def _read_scaled(code: int, reader: ByteReader) -> WireType:
    scale = reader.u8()
    if scale > 7:
        raise ProtocolError(f"a time cannot have {scale} decimal places")
    name, decode = _SCALED[code]
    return WireType(SqlType(name, scale=scale), _short, lambda raw: decode(raw, scale))


def _read_long(code: int, reader: ByteReader) -> WireType:
    """Characters and bytes with a length in two bytes, or (max)."""
    name, declared = _LONG[code], reader.u16()
    decode = _text_decoder(name, reader)
    if declared == MAX_LENGTH:
        return WireType(SqlType(name), _chunked, decode)
    length = declared // 2 if name.startswith("n") else declared
    return WireType(SqlType(name, length), _us_bytes, decode)


def _read_old_long(code: int, reader: ByteReader) -> WireType:
    """`text`, `ntext` and `image`, read as the (max) type that replaced them."""
    reader.u32()
    name = _OLD_LONG[code]
    return WireType(SqlType(name), _ul_bytes, _text_decoder(name, reader))


def _read_xml(_: int, reader: ByteReader) -> WireType:
    if reader.u8():
        raise not_modelled("A parameter of type xml with a schema")
    return WireType(SqlType("nvarchar"), _chunked, _wide_text)


def _text_decoder(name: str, reader: ByteReader) -> FromBytes:
    if name.endswith("binary"):
        return bytes
    flags = reader.u32()
    reader.u8()
    if name.startswith("n"):
        return _wide_text
    codec = "utf-8" if flags & UTF8_FLAG else "cp1252"
    return lambda raw: raw.decode(codec, "replace")


def _short(reader: ByteReader) -> bytes | None:
    size = reader.u8()
    return reader.take(size) if size else None


def _us_bytes(reader: ByteReader) -> bytes | None:
    size = reader.u16()
    return None if size == MAX_LENGTH else reader.take(size)


def _ul_bytes(reader: ByteReader) -> bytes | None:
    size = reader.u32()
    return None if size == 0xFFFFFFFF else reader.take(size)


def _chunked(reader: ByteReader) -> bytes | None:
    if reader.u64() == _NULL_MAX:
        return None
    value = bytearray()
    while size := reader.u32():
        value += reader.take(size)
    return bytes(value)


def _integer(raw: bytes) -> int:
    return int.from_bytes(raw, "little", signed=len(raw) > 1)


def _float(raw: bytes) -> float:
    return float(struct.unpack("<f" if len(raw) == 4 else "<d", raw)[0])


def _guid(raw: bytes) -> uuid.UUID:
    return uuid.UUID(bytes_le=raw)


def _wide_text(raw: bytes) -> str:
    return raw.decode("utf-16-le", "surrogatepass")


_SIZED: dict[tuple[int, int], tuple[str, FromBytes]] = {
    (TypeCode.INTN, 1): ("tinyint", _integer),
    (TypeCode.INTN, 2): ("smallint", _integer),
    (TypeCode.INTN, 4): ("int", _integer),
    (TypeCode.INTN, 8): ("bigint", _integer),
    (TypeCode.BITN, 1): ("bit", any),
    (TypeCode.FLTN, 4): ("real", _float),
    (TypeCode.FLTN, 8): ("float", _float),
    (TypeCode.MONEYN, 4): ("smallmoney", numeric.decode_money),
    (TypeCode.MONEYN, 8): ("money", numeric.decode_money),
    (TypeCode.DATETIMEN, 4): ("smalldatetime", temporal.decode_smalldatetime),
    (TypeCode.DATETIMEN, 8): ("datetime", temporal.decode_datetime),
    (TypeCode.GUID, 16): ("uniqueidentifier", _guid),
}
_FIXED: dict[int, int] = {
    TypeCode.NULL: 0,
    TypeCode.INT1: 1,
    TypeCode.BIT: 1,
    TypeCode.INT2: 2,
    TypeCode.INT4: 4,
    TypeCode.DATETIM4: 4,
    TypeCode.FLT4: 4,
    TypeCode.MONEY4: 4,
    TypeCode.MONEY: 8,
    TypeCode.DATETIME: 8,
    TypeCode.FLT8: 8,
    TypeCode.INT8: 8,
}
_NULLABLE_FORM: dict[int, int] = {
    TypeCode.INT1: TypeCode.INTN,
    TypeCode.BIT: TypeCode.BITN,
    TypeCode.INT2: TypeCode.INTN,
    TypeCode.INT4: TypeCode.INTN,
    TypeCode.DATETIM4: TypeCode.DATETIMEN,
    TypeCode.FLT4: TypeCode.FLTN,
    TypeCode.MONEY4: TypeCode.MONEYN,
    TypeCode.MONEY: TypeCode.MONEYN,
    TypeCode.DATETIME: TypeCode.DATETIMEN,
    TypeCode.FLT8: TypeCode.FLTN,
    TypeCode.INT8: TypeCode.INTN,
}
_SCALED: dict[int, tuple[str, Callable[[bytes, int], Any]]] = {
    TypeCode.TIMEN: ("time", temporal.decode_time),
    TypeCode.DATETIME2N: ("datetime2", temporal.decode_datetime2),
    TypeCode.DATETIMEOFFSETN: ("datetimeoffset", temporal.decode_datetimeoffset),
}
_LONG: dict[int, str] = {
    TypeCode.NVARCHAR: "nvarchar",
    TypeCode.NCHAR: "nchar",
    TypeCode.BIGVARCHAR: "varchar",
    TypeCode.BIGCHAR: "char",
    TypeCode.BIGVARBINARY: "varbinary",
    TypeCode.BIGBINARY: "binary",
}
_OLD_LONG: dict[int, str] = {TypeCode.TEXT: "varchar", TypeCode.NTEXT: "nvarchar", TypeCode.IMAGE: "varbinary"}
_READERS: dict[int, Callable[[int, ByteReader], WireType]] = {
    **dict.fromkeys(
        (TypeCode.INTN, TypeCode.BITN, TypeCode.FLTN, TypeCode.MONEYN, TypeCode.DATETIMEN, TypeCode.GUID),
        _read_nullable,
    ),
    **dict.fromkeys((TypeCode.DECIMALN, TypeCode.NUMERICN), _read_decimal),
    **dict.fromkeys(_SCALED, _read_scaled),
    **dict.fromkeys(_LONG, _read_long),
    **dict.fromkeys(_OLD_LONG, _read_old_long),
    TypeCode.DATEN: _read_date,
    TypeCode.XML: _read_xml,
}
