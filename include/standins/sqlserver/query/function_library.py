"""The allow-list of functions: each has a rule for its types and its SQL; any other name is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.shapes import AGGREGATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.standins.sqlserver.query.compilation import Emitted
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.tsql import expressions as ast

Rule: TypeAlias = "Callable[[ExpressionCompiler, ast.Call], Emitted]"


def compile_call(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    """Compile a function call.

    :raises SqlError: 195 for a name that is no function, 174 for a wrong number of arguments, 40515 for what is not
        modelled.
    """
    from include.standins.sqlserver.query import (
        functions_aggregate,
        functions_dates,
        functions_numbers,
        functions_system,
        functions_text,
    )

    if call.name in functions_aggregate.WINDOW_ONLY or (call.name in AGGREGATES):
        return functions_aggregate.compile_aggregate(compiler, call)
    if call.over is not None or call.within or call.distinct:
        raise not_modelled(f"{call.name} with OVER, WITHIN GROUP or DISTINCT")
    libraries: tuple[Mapping[str, Rule], ...] = (
        functions_text.RULES,
        functions_numbers.RULES,
        functions_dates.RULES,
        functions_system.RULES,
    )
    for library in libraries:
        rule = library.get(call.name)
        if rule is not None:
            return rule(compiler, call)
    raise not_modelled(f"Function {call.name}")


def arguments(call: ast.Call, low: int, high: int | None = None) -> tuple[ast.Expression, ...]:
    """Return the arguments of a call.

    :raises SqlError: 174 when their number is wrong.
    """
    if not low <= len(call.arguments) <= (high or low):
        wanted = f"{low}" if high in {None, low} else f"{low} to {high}"
        raise SqlError(
            174, f"The {call.name.lower()} function requires {wanted} argument(s).", severity=15, ends_batch=True
        )
    return call.arguments
