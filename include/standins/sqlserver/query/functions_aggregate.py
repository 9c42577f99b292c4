"""Aggregates and window functions, exact for decimals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.function_library import arguments
from include.standins.sqlserver.query.types import BIGINT, FLOAT, INT, as_decimal, family
from include.standins.sqlserver.results import SqlType
from include.standins.sqlserver.tsql import expressions as ast

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler

RANKINGS = frozenset(("ROW_NUMBER", "RANK", "DENSE_RANK", "NTILE"))
OFFSETS = frozenset(("LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"))
WINDOW_ONLY = RANKINGS | OFFSETS
_PLACE_OF_OVER = "\x01"
"""Where OVER goes when the aggregate stands inside the check of its range."""


def compile_aggregate(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    """Compile an aggregate or a window function."""
    if call.name in WINDOW_ONLY:
        emitted = _window_only(compiler, call)
    else:
        scope = compiler.scope
        if scope.groups is None and call.over is None:
            raise SqlError(
                147,
                "An aggregate may not appear here: only in a select list, HAVING or ORDER BY.",
                severity=15,
                ends_batch=True,
            )
        before, scope.free = scope.free, call.over is None or scope.free
        try:
            emitted = _aggregate(compiler, call)
        finally:
            scope.free = before
    over = _over(compiler, call.over) if call.over is not None else ""
    marked = emitted.sql if _PLACE_OF_OVER in emitted.sql else emitted.sql + _PLACE_OF_OVER
    return Emitted(marked.replace(_PLACE_OF_OVER, over), emitted.type)


def _over(compiler: ExpressionCompiler, over: ast.Over) -> str:
    parts = []
    if over.partition:
        parts.append("PARTITION BY " + ", ".join(_collated(compiler.value(each)) for each in over.partition))
    if over.order:
        items = (
            f"{_collated(compiler.value(each.expression))}{' DESC' if each.descending else ''}" for each in over.order
        )
        parts.append("ORDER BY " + ", ".join(items))
    if over.frame:
        parts.append(over.frame)
    return f" OVER ({' '.join(parts)})"


def _collated(value: Emitted) -> str:
    if value.type is not None and family(value.type) == "string" and not value.column:
        return f"({value.sql}) COLLATE {COLLATION}"
    if value.type is not None and family(value.type) == "guid":
        return f"ts_guid_key({value.sql})"
    return value.sql


def _window_only(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    if call.over is None:
        raise SqlError(10753, f"The function '{call.name}' must have an OVER clause.", severity=15, ends_batch=True)
    if not call.over.order:
        raise SqlError(
            4112, f"The function '{call.name}' must have an OVER clause with ORDER BY.", severity=15, ends_batch=True
        )
    if call.name in RANKINGS:
        if call.name == "NTILE":
            count = compiler.convert(compiler.value(arguments(call, 1)[0]), INT)
            return Emitted(f"ntile({count.sql})", BIGINT)
        arguments(call, 0)
        return Emitted(f"{call.name.lower()}()", BIGINT)
    nodes = arguments(call, 1, 3 if call.name in {"LAG", "LEAD"} else 1)
    values = [compiler.value(node) for node in nodes]
    if len(values) > 2:
        values[2] = compiler.convert(values[2], values[0].type or INT)
    return Emitted(f"{call.name.lower()}({', '.join(each.sql for each in values)})", values[0].type or INT)


def _aggregate(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    if call.name in {"COUNT", "COUNT_BIG"}:
        type_ = INT if call.name == "COUNT" else BIGINT
        if call.star:
            return Emitted("count(*)", type_)
        value = compiler.value(arguments(call, 1)[0])
        return Emitted(f"count({'DISTINCT ' if call.distinct else ''}{_distinct(value, call)})", type_)
    if call.name == "STRING_AGG":
        return _string_agg(compiler, call)
    value = compiler.value(arguments(call, 1)[0])
    if value.type is None:
        raise SqlError(8117, f"Operand data type NULL is invalid for {call.name.lower()} operator.")
    if call.name in {"MIN", "MAX"}:
        return _extreme(value, call)
    if call.name == "CHECKSUM_AGG":
        return Emitted(f"ts_checksum_agg({compiler.convert(value, INT).sql})", INT)
    if call.name in {"SUM", "AVG"}:
        return _total(compiler, value, call)
    raise not_modelled(f"Aggregate {call.name}")


def _distinct(value: Emitted, call: ast.Call) -> str:
    if call.distinct and value.type is not None and family(value.type) == "string" and not value.column:
        return f"({value.sql}) COLLATE {COLLATION}"
    return value.sql


def _extreme(value: Emitted, call: ast.Call) -> Emitted:
    value_type = value.known_type
    if family(value_type) == "guid":
        return Emitted(f"ts_from_guid_key({call.name.lower()}(ts_guid_key({value.sql})){_PLACE_OF_OVER})", value_type)
    if value_type.name == "bit":
        raise SqlError(8117, f"Operand data type bit is invalid for {call.name.lower()} operator.")
    return Emitted(f"{call.name.lower()}({_distinct(value, ast.Call('', (), distinct=True))})", value_type)


def _total(compiler: ExpressionCompiler, value: Emitted, call: ast.Call) -> Emitted:
    value_type = value.known_type
    kind = family(value_type)
    word = "DISTINCT " if call.distinct else ""
    average = call.name == "AVG"
    if kind == "int" and value_type.name != "bit":
        type_ = BIGINT if value_type.name == "bigint" else INT
        function = "ts_whole_average" if average else "ts_whole_sum"
        return Emitted(f"ts_{type_.name}({function}({word}{value.sql}){_PLACE_OF_OVER})", type_)
    if kind == "float":
        return Emitted(f"{'avg' if average else 'sum'}({word}{value.sql})", FLOAT)
    if kind != "decimal":
        raise SqlError(8117, f"Operand data type {value_type.name} is invalid for {call.name.lower()} operator.")
    if "money" in value_type.name:
        return Emitted(f"ts_decimal_{call.name.lower()}_4({word}{value.sql})", SqlType("money"))
    scale = as_decimal(value_type).scale
    result = SqlType("numeric", precision=38, scale=max(scale, 6) if average else scale)
    return Emitted(f"ts_decimal_{call.name.lower()}_{result.scale}({word}{value.sql})", result)


def _string_agg(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    if call.over is not None or call.distinct:
        raise not_modelled("STRING_AGG with OVER or DISTINCT")
    value, separator = (compiler.as_text(compiler.value(node)) for node in arguments(call, 2))
    if len(call.within) > 1:
        raise not_modelled("STRING_AGG ordered by more than one value")
    key, descending = "NULL", 0
    if call.within:
        item = call.within[0]
        emitted = compiler.value(item.expression)
        key, descending = emitted.sql, int(item.descending)
        if emitted.type is not None and family(emitted.type) == "guid":
            key = f"ts_guid_key({key})"
    name = "nvarchar" if value.type is not None and value.type.name.startswith("n") else "varchar"
    return Emitted(f"ts_string_agg({value.sql}, {separator.sql}, {key}, {descending})", SqlType(name, None))
