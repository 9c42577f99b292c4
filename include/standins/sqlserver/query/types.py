"""What is known of T-SQL's types: families, precedence, ranges, names in SQLite's declarations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

INT = SqlType("int")
BIGINT = SqlType("bigint")
BIT = SqlType("bit")
FLOAT = SqlType("float")
DATETIME = SqlType("datetime")
DATETIME2 = SqlType("datetime2", scale=7)
GUID = SqlType("uniqueidentifier")
SYSNAME = SqlType("nvarchar", 128)
LSN = SqlType("numeric", precision=25)

INT_RANGES = {
    "bit": (0, 1),
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_FAMILIES = {
    **dict.fromkeys(INT_RANGES, "int"),
    **dict.fromkeys(("decimal", "numeric", "money", "smallmoney"), "decimal"),
    **dict.fromkeys(("float", "real"), "float"),
    **dict.fromkeys(("nvarchar", "nchar", "varchar", "char"), "string"),
    **dict.fromkeys(("varbinary", "binary"), "binary"),
    **dict.fromkeys(("datetime", "datetime2", "smalldatetime"), "datetime"),
    "date": "date",
    "time": "time",
    "uniqueidentifier": "guid",
}
# Highest first: learn.microsoft.com/sql/t-sql/data-types/data-type-precedence-transact-sql
_PRECEDENCE = (
    "datetime2 datetime smalldatetime date time float real decimal numeric money smallmoney bigint "
    "int smallint tinyint "
    "bit uniqueidentifier nvarchar nchar varchar char varbinary binary"
).split()
_RANK = {name: rank for rank, name in enumerate(_PRECEDENCE)}
_WHOLE_DIGITS = {"bit": 1, "tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
_DECLARED = re.compile(r"(\w+)(?:\((\w+)(?:,(\d+))?\))?$")


def family(type_: SqlType) -> str:
    """int, decimal, float, string, binary, datetime, date, time or guid."""
    return _FAMILIES[type_.name]


def as_decimal(type_: SqlType) -> SqlType:
    """The decimal type that holds every value of an exact numeric type."""
    if type_.name in _WHOLE_DIGITS:
        # A literal's type carries its own number of digits: 7.0 / 2 divides by a numeric(1,0).
        return SqlType("numeric", precision=type_.precision or _WHOLE_DIGITS[type_.name])
    if type_.name == "money":
        return SqlType("numeric", precision=19, scale=4)
    if type_.name == "smallmoney":
        return SqlType("numeric", precision=10, scale=4)
    return type_


def common_type(left: SqlType | None, right: SqlType | None) -> SqlType:
    """The type both sides of an operator, or all branches of CASE, are converted to.

    An untyped NULL takes the other side's type.
    """
    if left is None or right is None:
        return left or right or INT
    if left == right:
        return left
    winner, other = (left, right) if _RANK[left.name] <= _RANK[right.name] else (right, left)
    kinds = family(winner), family(other)
    merge = _MERGE.get(kinds)
    return merge(winner, other) if merge is not None else winner


def _longer(left: SqlType, right: SqlType) -> int | None:
    return None if left.length is None or right.length is None else max(left.length, right.length)


def _common_string(left: SqlType, right: SqlType) -> SqlType:
    national = "n" if left.name.startswith("n") or right.name.startswith("n") else ""
    fixed = left.name.endswith("char") and "var" not in left.name and "var" not in right.name
    return SqlType(f"{national}char" if fixed else f"{national}varchar", _longer(left, right))


def _wider_decimal(left: SqlType, right: SqlType) -> SqlType:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    return decimal_type(whole + scale, scale)


def decimal_type(precision: int, scale: int) -> SqlType:
    """A decimal whose precision is capped at 38, giving up scale (but not below 6) for whole digits."""
    if precision > 38:
        scale = max(scale - (precision - 38), min(scale, 6))
        precision = 38
    return SqlType("numeric", precision=precision, scale=scale)


def arithmetic_type(operator: str, left: SqlType, right: SqlType) -> SqlType:
    """The result of a decimal operation: learn.microsoft.com, "Precision, scale, and length"."""
    p1, s1, p2, s2 = left.precision, left.scale, right.precision, right.scale
    if operator in "+-":
        scale = max(s1, s2)
        return decimal_type(scale + max(p1 - s1, p2 - s2) + 1, scale)
    if operator == "*":
        return decimal_type(p1 + p2 + 1, s1 + s2)
    if operator == "/":
        scale = max(6, s1 + p2 + 1)
        return decimal_type(p1 - s1 + s2 + scale, scale)
    return SqlType("numeric", precision=min(p1 - s1, p2 - s2) + max(s1, s2), scale=max(s1, s2))


def declared(type_: SqlType) -> str:
    """The type in T-SQL's spelling, as nvarchar(50) or decimal(18,2): kept as SQLite's declared type."""
    name = type_.name
    if name in {"decimal", "numeric"}:
        return f"{name}({type_.precision},{type_.scale})"
    if family(type_) in {"string", "binary"}:
        return f"{name}({'max' if type_.length is None else type_.length})"
    if name in {"datetime2", "time"}:
        return f"{name}({type_.scale})"
    return name


def read_declared(text: str) -> SqlType:
    """The inverse of `declared`."""
    found = _DECLARED.match(text)
    if found is None:
        raise ValueError(f"not a declared type: {text}")
    name, first, second = found.groups()
    if name in {"decimal", "numeric"}:
        return SqlType(name, precision=int(first), scale=int(second))
    if name in {"datetime2", "time"}:
        return SqlType(name, scale=int(first))
    if first is not None:
        return SqlType(name, None if first == "max" else int(first))
    return SqlType(name)


def refuse_conversion(source: SqlType, target: SqlType) -> SqlError:
    """For pairs of types that the stand-in does not convert."""
    return not_modelled(f"Converting {source.name} to {target.name}")


def _merge_decimals(winner: SqlType, other: SqlType) -> SqlType:
    return winner if "money" in winner.name else _wider_decimal(winner, as_decimal(other))


def _merge_times(winner: SqlType, other: SqlType) -> SqlType:
    if winner.name == other.name == "datetime2":
        return SqlType("datetime2", scale=max(winner.scale, other.scale))
    return winner


_MERGE: dict[tuple[str, str], Callable[[SqlType, SqlType], SqlType]] = {
    ("int", "int"): lambda winner, _: SqlType(winner.name),
    ("string", "string"): _common_string,
    ("binary", "binary"): lambda winner, other: SqlType("varbinary", _longer(winner, other)),
    ("decimal", "int"): _merge_decimals,
    ("decimal", "decimal"): _merge_decimals,
    ("datetime", "datetime"): _merge_times,
}
"""How two types of these families share their lengths, precisions and scales; other pairs take the winner's."""
