"""Which types Trino converts by itself, and the type two of them meet in."""

from __future__ import annotations

from include.athena_sql.types import DATE, DOUBLE, REAL, UNKNOWN, VARCHAR, WHOLE_DIGITS, Type

_TIMES = ("date", "timestamp", "timestamp with time zone")


def common_type(left: Type, right: Type) -> Type | None:
    """The type both convert to implicitly, or None (docs: language/types, "Implicit coercion")."""
    if left == UNKNOWN:
        return right
    if right == UNKNOWN:
        return left
    if left.name == right.name:
        return _same_kind(left, right)
    if _is_numeric(left) and _is_numeric(right):
        return _numeric(left, right)
    if left.name in _TIMES and right.name in _TIMES:
        return _times(left, right)
    return None


def can_coerce(source: Type, target: Type) -> bool:
    """Whether Trino converts `source` to `target` without a cast."""
    return common_type(source, target) == target


def _same_kind(left: Type, right: Type) -> Type | None:
    if left.name == "row":
        return _rows(left, right)
    if left.items:
        items = [common_type(a, b) for a, b in zip(left.items, right.items, strict=True)]
        return None if None in items else Type(left.name, items=tuple(i for i in items if i))
    if left.name == "varchar":
        sized = left.numbers and right.numbers
        return Type("varchar", (max(left.numbers[0], right.numbers[0]),)) if sized else VARCHAR
    if left.name == "decimal":
        return _decimals(left, right)
    if left.name in _TIMES:
        return _times(left, right)
    return left


def _rows(left: Type, right: Type) -> Type | None:
    if len(left.items) != len(right.items):
        return None
    items = [common_type(a, b) for a, b in zip(left.items, right.items, strict=True)]
    fields = tuple(
        a if a and b and a.lower() == b.lower() else None for a, b in zip(left.fields, right.fields, strict=True)
    )
    return None if None in items else Type("row", items=tuple(i for i in items if i), fields=fields)


def _times(left: Type, right: Type) -> Type:
    name = max(left.name, right.name, key=_TIMES.index)
    if name == "date":
        return DATE
    precision = max(left.numbers + right.numbers)
    zone = left.zone if left.name == name else right.zone
    return Type(name, (precision,), zone=zone)


def _is_numeric(kind: Type) -> bool:
    return kind.name in WHOLE_DIGITS or kind.name in {"decimal", "real", "double"}


def as_decimal(kind: Type) -> Type:
    """The decimal that holds every value of a whole-number type."""
    return kind if kind.name == "decimal" else Type("decimal", (WHOLE_DIGITS[kind.name], 0))


def _decimals(left: Type, right: Type) -> Type:
    scale = max(left.numbers[1], right.numbers[1])
    whole = max(left.numbers[0] - left.numbers[1], right.numbers[0] - right.numbers[1])
    return Type("decimal", (min(38, whole + scale), scale))


def _numeric(left: Type, right: Type) -> Type:
    names = {left.name, right.name}
    if "double" in names:
        return DOUBLE
    if "real" in names:
        return REAL
    if "decimal" in names:
        return _decimals(as_decimal(left), as_decimal(right))
    return max(left, right, key=lambda kind: WHOLE_DIGITS[kind.name])
