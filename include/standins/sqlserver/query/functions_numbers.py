"""Numeric and conditional functions."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.decimals import EXACT, decode_decimal, encode_decimal, overflow
from include.standins.sqlserver.query.function_library import Rule, arguments
from include.standins.sqlserver.query.types import FLOAT, INT, as_decimal, family
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.tsql import expressions as ast


def _number(compiler: ExpressionCompiler, node: ast.Expression, function: str) -> Emitted:
    value = compiler.value(node)
    if value.type is None:
        return Emitted("NULL", INT)
    kind = family(value.type)
    if kind == "string":
        return compiler.convert(value, FLOAT)
    if kind not in {"int", "decimal", "float"}:
        raise SqlError(8116, f"Argument data type {value.type.name} is invalid for argument 1 of {function} function.")
    return value


def _abs(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    value = _number(compiler, arguments(call, 1)[0], "abs")
    value_type = value.known_type
    if family(value_type) == "decimal":
        return Emitted(f"ts_decimal_abs({value.sql})", value_type)
    return Emitted(f"ts_{value_type.name if family(value_type) == 'int' else 'float'}(abs({value.sql}))", value_type)


def _round(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    nodes = arguments(call, 2, 3)
    value = _number(compiler, nodes[0], "round")
    places = compiler.convert(compiler.value(nodes[1]), INT).sql
    cut = compiler.convert(compiler.value(nodes[2]), INT).sql if len(nodes) > 2 else "0"
    value_type = value.known_type
    if family(value_type) == "float":
        return Emitted(f"ts_float_round({value.sql}, {places}, {cut})", value_type)
    exact = compiler.convert(value, as_decimal(value_type))
    type_ = as_decimal(value_type)
    rounded = f"ts_decimal_round({exact.sql}, {places}, {cut}, {type_.precision}, {type_.scale})"
    if family(value_type) == "int":
        return compiler.convert(Emitted(rounded, type_), value_type)
    return Emitted(rounded, value_type)


def _whole(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    value = _number(compiler, arguments(call, 1)[0], call.name.lower())
    value_type = value.known_type
    kind = family(value_type)
    if kind == "int":
        return value
    if kind == "float":
        return Emitted(f"ts_float_{call.name.lower()}({value.sql})", FLOAT)
    name = value_type.name
    type_ = value_type if "money" in name else SqlType("numeric", precision=value_type.precision, scale=0)
    return Emitted(f"ts_decimal_{call.name.lower()}({value.sql})", type_)


def _sign(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    value = _number(compiler, arguments(call, 1)[0], "sign")
    return Emitted(f"sign({compiler.convert(value, FLOAT).sql})", INT)


def _power(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    """The result has the base's type; a decimal base is refused, because its exact digits are not known here."""
    value = _number(compiler, arguments(call, 2)[0], "power")
    value_type = value.known_type
    exponent = compiler.convert(compiler.value(call.arguments[1]), FLOAT)
    if family(value_type) == "decimal":
        raise not_modelled("POWER of a decimal")
    if family(value_type) == "int":
        type_ = value_type if value_type.name == "bigint" else INT
        return Emitted(f"ts_{type_.name}(ts_whole_power({value.sql}, {exponent.sql}))", type_)
    return Emitted(f"ts_float(ts_power({value.sql}, {exponent.sql}))", FLOAT)


def _float_function(function: str) -> Rule:
    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        values = [compiler.convert(compiler.value(node), FLOAT).sql for node in arguments(call, function.count("?"))]
        sql = function
        for value in values:
            sql = sql.replace("?", value, 1)
        return Emitted(f"ts_float({sql})", FLOAT)

    return rule


def _coalesce(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    values = [compiler.value(node) for node in arguments(call, 2, 1024)]
    return compiler.choose([f"{value.sql} IS NOT NULL" for value in values[:-1]], values)


def _isnull(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    """The result has the first argument's type: ISNULL, unlike COALESCE, cuts the second to fit."""
    first, second = (compiler.value(node) for node in arguments(call, 2))
    if first.type is None:
        return Emitted(second.sql, second.type)
    return Emitted(f"ifnull({first.sql}, {compiler.convert(second, first.type).sql})", first.type)


def _nullif(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    first, second = (compiler.value(node) for node in arguments(call, 2))
    same = compiler.compare("=", first, second)
    return Emitted(f"(CASE WHEN {same.sql} THEN NULL ELSE {first.sql} END)", first.type)


def _iif(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    when, then, otherwise = arguments(call, 3)
    return compiler.choose([compiler.condition(when)], [compiler.value(then), compiler.value(otherwise)])


RULES: dict[str, Rule] = {
    "ABS": _abs,
    "ROUND": _round,
    "FLOOR": _whole,
    "CEILING": _whole,
    "SIGN": _sign,
    "SQRT": _float_function("ts_sqrt(?)"),
    "EXP": _float_function("exp(?)"),
    "PI": _float_function("pi()"),
    "POWER": _power,
    "SQUARE": _float_function("ts_power(?, 2)"),
    "COALESCE": _coalesce,
    "ISNULL": _isnull,
    "NULLIF": _nullif,
    "IIF": _iif,
}


# --- what the connection runs


def decimal_round(text: str | None, places: int | None, cut: int | None, precision: int, scale: int) -> str | None:
    """ROUND of an exact number; `cut` other than 0 truncates.

    :raises SqlError: 8115 when rounding up needs a digit more than the type has.
    """
    if text is None or places is None or cut is None:
        return None
    value = decode_decimal(text)
    step = EXACT.scaleb(1, -places)
    rounded = (value / step).to_integral_value(rounding=ROUND_DOWN if cut else ROUND_HALF_UP, context=EXACT) * step
    if abs(rounded) >= EXACT.scaleb(1, precision - scale):
        raise SqlError(8115, "Arithmetic overflow error converting expression to data type numeric.")
    return encode_decimal(rounded)


def decimal_abs(text: str | None) -> str | None:
    """ABS."""
    return None if text is None else encode_decimal(abs(decode_decimal(text)))


def decimal_floor(text: str | None) -> str | None:
    """FLOOR."""
    return None if text is None else encode_decimal(decode_decimal(text).to_integral_value(rounding=ROUND_FLOOR))


def decimal_ceiling(text: str | None) -> str | None:
    """CEILING."""
    return None if text is None else encode_decimal(decode_decimal(text).to_integral_value(rounding=ROUND_CEILING))


def float_round(value: float | None, places: int | None, cut: int | None) -> float | None:
    """ROUND of a float, halves away from zero."""
    if value is None or places is None or cut is None:
        return None
    factor = 10.0**places
    scaled = value * factor
    return (math.trunc(scaled) if cut else math.copysign(math.floor(abs(scaled) + 0.5), scaled)) / factor


def square_root(value: float | None) -> float | None:
    """SQRT.

    :raises SqlError: 3623 below zero.
    """
    if value is None:
        return None
    if value < 0:
        raise SqlError(3623, "An invalid floating point operation occurred.")
    return math.sqrt(value)


def power(base: float | None, exponent: float | None) -> float | None:
    """POWER of a float.

    :raises SqlError: 3623 where there is no real result, 8115 beyond the range.
    """
    if base is None or exponent is None:
        return None
    try:
        return math.pow(base, exponent)
    except ValueError:
        raise SqlError(3623, "An invalid floating point operation occurred.") from None
    except OverflowError:
        raise overflow("expression", "float") from None


def whole_power(base: int | None, exponent: float | None) -> int | None:
    """POWER of a whole number: exact, and cut to a whole number."""
    if base is None or exponent is None:
        return None
    if exponent >= 0 and exponent == int(exponent):
        if abs(base) > 1 and exponent > 64:
            raise overflow("expression", "int")
        return int(base ** int(exponent))
    return int(power(float(base), exponent) or 0)
