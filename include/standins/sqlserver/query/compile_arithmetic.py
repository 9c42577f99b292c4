"""Arithmetic, bits and concatenation to SQLite, checked for overflow as T-SQL's types demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.types import INT, arithmetic_type, as_decimal, common_type, family
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.tsql import expressions as ast


def unary(compiler: ExpressionCompiler, node: ast.Unary) -> Emitted:
    """A sign, or ~."""
    operand = compiler.value(node.operand)
    type_ = operand.type or INT
    if node.operator == "+":
        return operand
    if node.operator == "~":
        if family(type_) != "int":
            raise SqlError(8117, f"Operand data type {type_.name} is invalid for '~' operator.")
        return Emitted(f"(1 - {operand.sql})" if type_.name == "bit" else f"(~{operand.sql})", type_)
    if family(type_) == "decimal":
        return Emitted(f"ts_negate({operand.sql})", type_)
    if family(type_) == "int":
        return _checked(f"(-{operand.sql})", type_ if type_.name != "bit" else INT)
    if family(type_) == "float":
        return Emitted(f"(-{operand.sql})", type_)
    raise SqlError(8117, f"Operand data type {type_.name} is invalid for minus operator.")


def binary(compiler: ExpressionCompiler, node: ast.Binary) -> Emitted:
    """An operator between two values, in the family of their common type."""
    left, right = compiler.value(node.left), compiler.value(node.right)
    common = common_type(left.type, right.type)
    kind = family(common)
    if node.operator in {"&", "|", "^"}:
        return _bits(compiler, node.operator, left, right, common)
    if kind == "int":
        return _whole(compiler, node.operator, left, right, common)
    if kind == "decimal":
        return _decimal(compiler, node.operator, left, right)
    if kind == "float":
        return _float(compiler, node.operator, left, right, common)
    if kind == "string" and node.operator == "+":
        return _concatenate(compiler, left, right)
    raise _no_operator(node.operator, common)


def _float(compiler: ExpressionCompiler, operator: str, left: Emitted, right: Emitted, common: SqlType) -> Emitted:
    if operator == "%":
        raise _no_operator(operator, common)
    a, b = compiler.convert(left, common).sql, compiler.convert(right, common).sql
    return Emitted(f"ts_float_divide({a}, {b})" if operator == "/" else f"ts_float(({a}) {operator} ({b}))", common)


def _concatenate(compiler: ExpressionCompiler, left: Emitted, right: Emitted) -> Emitted:
    types = [each.type or SqlType("varchar", 1) for each in (left, right)]
    lengths = [each.length for each in types]
    national = any(each.name.startswith("n") for each in types)
    name, longest = ("nvarchar", 4000) if national else ("varchar", 8000)
    length = None if None in lengths else min(longest, sum(each or 0 for each in lengths))
    sql = f"({left.sql} || {right.sql})"
    if length == longest:
        sql = f"substr({sql}, 1, {longest})"
    return Emitted(sql, SqlType(name, length))


def _bits(compiler: ExpressionCompiler, operator: str, left: Emitted, right: Emitted, common: SqlType) -> Emitted:
    if family(common) != "int":
        raise _no_operator(operator, common)
    if operator == "^":
        return Emitted(f"(({left.sql} | {right.sql}) - ({left.sql} & {right.sql}))", common)
    return Emitted(f"({left.sql} {operator} {right.sql})", common)


def _whole(compiler: ExpressionCompiler, operator: str, left: Emitted, right: Emitted, common: SqlType) -> Emitted:
    type_ = INT if common.name == "bit" else common
    a, b = compiler.convert(left, type_).sql, compiler.convert(right, type_).sql
    if operator in "/%":
        return _checked(f"ts_whole_{'divide' if operator == '/' else 'modulo'}({a}, {b})", type_)
    return _checked(f"({a} {operator} {b})", type_)


def _decimal(compiler: ExpressionCompiler, operator: str, left: Emitted, right: Emitted) -> Emitted:
    types = [
        as_decimal(each.type) if each.type is not None and family(each.type) in {"int", "decimal"} else None
        for each in (left, right)
    ]
    known = next(each for each in types if each is not None)
    a, b = types[0] or known, types[1] or known
    result = arithmetic_type(operator, a, b)
    first, second = compiler.convert(left, a).sql, compiler.convert(right, b).sql
    return Emitted(f"ts_decimal('{operator}', {first}, {second}, {result.precision}, {result.scale})", result)


def _checked(sql: str, type_: SqlType) -> Emitted:
    """Guard a whole-number result against overflow."""
    return Emitted(f"ts_{type_.name}({sql})", type_)


def _no_operator(operator: str, type_: SqlType) -> SqlError:
    kind = family(type_)
    if kind in {"datetime", "date", "time"}:
        return not_modelled("Arithmetic on dates other than DATEADD and DATEDIFF")
    if kind == "binary":
        return not_modelled("Arithmetic on binary values")
    words = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
    return SqlError(8117, f"Operand data type {type_.name} is invalid for {words.get(operator, operator)} operator.")
