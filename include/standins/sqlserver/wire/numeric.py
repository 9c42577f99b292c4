"""Exact numbers: decimal and money. [MS-TDS] 2.2.5.5.1.6 and 2.2.5.5.1.2."""

from __future__ import annotations

import decimal
import struct
from decimal import Decimal

from include.standins.sqlserver.errors import SqlError

LARGEST_PRECISION = 38
# Python's default context rounds at 28 digits; 38 digits times 10**38 must stay exact.
_EXACT = decimal.Context(prec=100, rounding=decimal.ROUND_HALF_UP, Emax=999_999, Emin=-999_999, traps=[])
_MONEY = struct.Struct("<iI")


def decimal_bytes(precision: int) -> int:
    """Bytes of a decimal with its sign."""
    return 5 if precision <= 9 else 9 if precision <= 19 else 13 if precision <= 28 else 17


def scaled(value: Decimal | int | float, scale: int) -> int:
    """`value` times 10**scale as an integer, rounded half away from zero."""
    exact = value if isinstance(value, Decimal) else Decimal(value)
    if not exact.is_finite():
        raise overflow("numeric")
    return int(_EXACT.to_integral_value(_EXACT.scaleb(exact, scale)))


def unscaled(number: int, scale: int) -> Decimal:
    """Return the decimal that `scaled` made, with its trailing zeros."""
    return _EXACT.scaleb(Decimal(number), -scale)


def encode_decimal(value: Decimal | int | float, *, precision: int, scale: int) -> bytes:
    """Sign (1 is positive) and magnitude."""
    number = scaled(value, scale)
    if abs(number) >= 10**precision:
        raise overflow("numeric")
    return bytes([number >= 0]) + abs(number).to_bytes(decimal_bytes(precision) - 1, "little")


def decode_decimal(raw: bytes, scale: int) -> Decimal:
    """Undo encode_decimal."""
    magnitude = int.from_bytes(raw[1:], "little")
    return unscaled(magnitude if raw[0] else -magnitude, scale)


def encode_money(value: Decimal | int | float) -> bytes:
    """Ten-thousandths in 8 bytes, the high half first."""
    number = scaled(value, 4)
    if not -(2**63) <= number < 2**63:
        raise overflow("money")
    return _MONEY.pack(number >> 32, number & 0xFFFFFFFF)


def encode_smallmoney(value: Decimal | int | float) -> bytes:
    """Ten-thousandths in 4 bytes."""
    number = scaled(value, 4)
    if not -(2**31) <= number < 2**31:
        raise overflow("smallmoney")
    return struct.pack("<i", number)


def decode_money(raw: bytes) -> Decimal:
    """Money from 8 bytes, smallmoney from 4."""
    if len(raw) == 4:
        return unscaled(struct.unpack("<i", raw)[0], 4)
    high, low = _MONEY.unpack(raw)
    return unscaled((high << 32) | low, 4)


def overflow(type_name: str) -> SqlError:
    """SQL Server's 8115."""
    return SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_name}.")
