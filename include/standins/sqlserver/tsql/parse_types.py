"""Type names of T-SQL, as in CREATE TABLE, CAST and DECLARE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_PLAIN = frozenset(
    """
    bit tinyint smallint int bigint float real date datetime smalldatetime money smallmoney uniqueidentifier sysname
    """.split()
)
_ALIASES = {"integer": "int", "dec": "decimal", "character": "char", "sysname": "nvarchar", "rowversion": "timestamp"}
_LENGTHS = {"varchar": 8000, "char": 8000, "nvarchar": 4000, "nchar": 4000, "varbinary": 8000, "binary": 8000}
_NOT_MODELLED = frozenset(
    "text ntext image xml sql_variant hierarchyid geography geometry timestamp datetimeoffset cursor table json".split()
)


def parse_type(cursor: TokenCursor, *, default_length: int = 1) -> SqlType:
    """Read a type. A character type without a length is `default_length` long: 1 in a declaration, 30 in CAST.

    :raises SqlError: 2715 for an unknown type, 1001 for a length or precision out of range.
    """
    spelling = cursor.name()
    if cursor.at_operator("."):
        cursor.advance()
        spelling = cursor.name()
    written = spelling.lower()
    name = _ALIASES.get(written, written)
    if written == "sysname":
        return SqlType("nvarchar", 128)
    if written == "double":
        raise not_modelled("Type DOUBLE PRECISION")
    if name in _NOT_MODELLED:
        raise not_modelled(f"Type {spelling}")
    if name == "float":
        return _float(cursor)
    if name in _PLAIN:
        return SqlType(name)
    if name in {"decimal", "numeric"}:
        return _decimal(cursor, name)
    if name in {"datetime2", "time"}:
        return SqlType(name, scale=_bounded(cursor, low=0, high=7, default=7))
    if name in _LENGTHS:
        return _sized(cursor, name, default_length=default_length)
    raise SqlError(
        243 if default_length != 1 else 2715,
        f"Type {spelling} is not a defined system type."
        if default_length != 1
        else f"Column, parameter, or variable: Cannot find data type {spelling}.",
        ends_batch=True,
    )


def _float(cursor: TokenCursor) -> SqlType:
    bits = _bounded(cursor, low=1, high=53, default=53)
    return SqlType("real" if bits <= 24 else "float")


def _decimal(cursor: TokenCursor, name: str) -> SqlType:
    precision, scale = 18, 0
    if cursor.accept_operator("("):
        precision = cursor.baked_integer()
        if cursor.accept_operator(","):
            scale = cursor.baked_integer()
        cursor.expect_operator(")")
    if not 1 <= precision <= 38:
        raise SqlError(
            2750,
            f"Column or parameter: Specified column precision {precision} is greater than the maximum precision of 38.",
            ends_batch=True,
        )
    if not 0 <= scale <= precision:
        raise SqlError(
            2751,
            f"Column or parameter: Specified column scale {scale} is greater than the specified "
            f"precision of {precision}.",
            ends_batch=True,
        )
    return SqlType(name, precision=precision, scale=scale)


def _bounded(cursor: TokenCursor, *, low: int, high: int, default: int) -> int:
    if not cursor.accept_operator("("):
        return default
    number = cursor.baked_integer()
    cursor.expect_operator(")")
    if not low <= number <= high:
        raise SqlError(1002, f"Line 1: Specified scale {number} is invalid.", severity=15, ends_batch=True)
    return number


def _sized(cursor: TokenCursor, name: str, *, default_length: int) -> SqlType:
    if not cursor.accept_operator("("):
        return SqlType(name, default_length)
    if cursor.accept("MAX"):
        cursor.expect_operator(")")
        return SqlType(name, None)
    length = cursor.baked_integer()
    cursor.expect_operator(")")
    if not 1 <= length <= _LENGTHS[name]:
        raise SqlError(
            131,
            f"The size ({length}) given to the type '{name}' exceeds the maximum allowed for any data type (8000).",
            severity=15,
            ends_batch=True,
        )
    return SqlType(name, length)
