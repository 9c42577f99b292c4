"""Expressions and conditions to SQLite's SQL, each with its T-SQL type: nothing is emitted whose type is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query import compile_arithmetic as arithmetic
from include.standins.sqlserver.query import compile_conditions as conditions
from include.standins.sqlserver.query import shapes
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.compilation import Context, Emitted, text_literal
from include.standins.sqlserver.query.conversions import fits_without_change
from include.standins.sqlserver.query.converters import converter_number
from include.standins.sqlserver.query.types import INT, common_type, family
from include.standins.sqlserver.query.values import encode
from include.standins.sqlserver.results import SqlType
from include.standins.sqlserver.tsql import expressions as ast

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.query.compile_queries import QueryCompiler
    from include.standins.sqlserver.query.scopes import Scope

_DATABASE_COLLATIONS = frozenset(("DATABASE_DEFAULT", "SQL_LATIN1_GENERAL_CP1_CI_AS", "LATIN1_GENERAL_CI_AS"))


class ExpressionCompiler:
    """Compiles expressions within one scope."""

    def __init__(self, context: Context, scope: Scope, queries: QueryCompiler) -> None:
        self.context = context
        self.scope = scope
        self.queries = queries

    def value(self, node: ast.Expression) -> Emitted:
        """Compile a value.

        :raises SqlError: 207 and kin for names, 8116, 402 for types, 40515 for what is not modelled.
        """
        emitted = self._emit(node)
        if emitted.condition:
            raise SqlError(
                102, "Incorrect syntax near a condition where a value is expected.", severity=15, ends_batch=True
            )
        return emitted

    def condition(self, node: ast.Expression) -> str:
        """Compile a condition.

        :raises SqlError: 4145 for a value.
        """
        emitted = self._emit(node)
        if not emitted.condition:
            raise SqlError(
                4145,
                "An expression of non-boolean type specified in a context where a condition is expected.",
                severity=15,
                ends_batch=True,
            )
        return emitted.sql

    def _emit(self, node: ast.Expression) -> Emitted:
        scope = self.scope
        if scope.groups and not scope.free and self.shape(node) in scope.groups:
            scope.free = True
            try:
                return _EMIT[type(node)](self, node)
            finally:
                scope.free = False
        return _EMIT[type(node)](self, node)

    def shape(self, node: ast.Expression) -> object:
        """The structure of an expression, for recognising GROUP BY's expressions again."""
        return shapes.shape(node, self.scope.shape, self.context.bake)

    # --- atoms

    def _literal(self, node: ast.Literal) -> Emitted:
        if self.context.inline:
            return Emitted(inline_cell(encode(self.context.literals[node.slot], node.type)), node.type)
        return Emitted(self.context.bind("literal", (node.slot, node.type)), node.type)

    def _null(self, node: ast.Null) -> Emitted:
        del node
        return Emitted("NULL", None)

    def _default(self, node: ast.Default) -> Emitted:
        del node
        raise SqlError(156, "Incorrect syntax near the keyword 'DEFAULT'.", severity=15, ends_batch=True)

    def _name(self, node: ast.Name) -> Emitted:
        return self.scope.resolve(node.parts)

    def _star(self, node: ast.Star) -> Emitted:
        del node
        raise SqlError(102, "Incorrect syntax near '*'.", severity=15, ends_batch=True)

    def _variable(self, node: ast.Variable) -> Emitted:
        type_ = self.context.variables.get(node.name)
        if type_ is None:
            raise SqlError(137, f'Must declare the scalar variable "{node.name}".', severity=15, ends_batch=True)
        return Emitted(self.context.bind("variable", node.name), type_)

    def _global(self, node: ast.Global) -> Emitted:
        from include.standins.sqlserver.query.functions_system import GLOBALS

        if node.name not in GLOBALS:
            raise not_modelled(node.name)
        return Emitted(self.context.bind("global", node.name), GLOBALS[node.name])

    # --- common types

    def compare(self, operator: str, left: Emitted, right: Emitted) -> Emitted:
        """Compare two values in their common type and collation."""
        left, right = self.alike(left, right)
        a, b = left.sql, right.sql
        if left.type is not None and family(left.type) == "guid" and operator not in {"=", "<>"}:
            a, b = f"ts_guid_key({a})", f"ts_guid_key({b})"
        return Emitted(f"({a} {operator} {b})", None, condition=True)

    def alike(self, *values: Emitted) -> list[Emitted]:
        """Convert values to their common type; strings that are no columns get the collation."""
        common: SqlType | None = None
        for each in values:
            common = common_type(common, each.type) if each.type is not None or common is not None else None
        if common is None:
            return list(values)
        found = [self.convert(each, common, comparing=True) for each in values]
        if family(common) == "string" and not any(each.column for each in found):
            found[0] = Emitted(f"({found[0].sql}) COLLATE {COLLATION}", common)
        return found

    # --- the rest

    def _case(self, node: ast.Case) -> Emitted:
        conditions = []
        for when, _ in node.branches:
            if node.operand is None:
                conditions.append(self.condition(when))
            else:
                conditions.append(self.compare("=", self.value(node.operand), self.value(when)).sql)
        values = [self.value(then) for _, then in node.branches]
        otherwise = self.value(node.otherwise) if node.otherwise is not None else Emitted("NULL", None)
        return self.choose(conditions, [*values, otherwise])

    def choose(self, conditions: list[str], values: list[Emitted]) -> Emitted:
        """Emit CASE WHEN with one value more than conditions, all in their common type."""
        type_: SqlType | None = None
        for each in values:
            if each.type is not None:
                type_ = common_type(type_, each.type) if type_ is not None else each.type
        type_ = type_ or INT
        converted = [self.convert(each, type_).sql for each in values]
        branches = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(conditions, converted, strict=False))
        return Emitted(f"(CASE {branches} ELSE {converted[-1]} END)", type_)

    def _call(self, node: ast.Call) -> Emitted:
        from include.standins.sqlserver.query.function_library import compile_call

        return compile_call(self, node)

    def _convert(self, node: ast.Convert) -> Emitted:
        style = 0
        if node.style is not None:
            style = self.constant(node.style, what="The style of CONVERT")
        return self.convert(self.value(node.operand), node.type, style=style, tries=node.tries, always=True)

    def constant(self, node: ast.Expression, *, what: str) -> int:
        """Return a whole number that must be written as a literal."""
        if not isinstance(node, ast.Literal) or node.type.name != "int":
            raise not_modelled(f"{what} other than a constant")
        return int(self.context.bake(node.slot))

    def _collate(self, node: ast.Collate) -> Emitted:
        operand = self.value(node.operand)
        name = node.collation.upper()
        if name in _DATABASE_COLLATIONS:
            return operand
        if name.endswith(("_BIN", "_BIN2")):
            return Emitted(f"({operand.sql}) COLLATE BINARY", operand.type, column=True)
        raise not_modelled(f"Collation {node.collation}")

    def _subquery(self, node: ast.Subquery) -> Emitted:
        query = self.queries.query(node.query, self.scope, names=("value",))
        if len(query.columns) != 1:
            raise conditions.one_column_only()
        if query.single:
            return Emitted(f"({query.sql})", query.columns[0].type)
        return Emitted(f"(SELECT ts_only(value) FROM ({query.sql}))", query.columns[0].type)

    # --- conversions

    def as_text(self, emitted: Emitted) -> Emitted:
        """Convert to a string unless it is one."""
        if emitted.type is None or family(emitted.type) == "string":
            return emitted
        return self.convert(emitted, SqlType("varchar", 8000))

    def convert(
        self,
        emitted: Emitted,
        target: SqlType,
        *,
        style: int = 0,
        tries: bool = False,
        always: bool = False,
        comparing: bool = False,
    ) -> Emitted:
        """Convert to a type; a value that already is one stays as it is.

        :param comparing: only the cell must be comparable: lengths, precisions and scales do not matter.
        """
        source = emitted.type
        if source is None:
            return Emitted(emitted.sql, target)
        if not style and (fits_without_change(source, target) or (comparing and _same_cells(source, target))):
            return Emitted(emitted.sql, target, column=emitted.column and not always)
        number = converter_number(source, target, style)
        return Emitted(f"ts_{'try_' if tries else ''}convert({number}, {emitted.sql})", target)


def _same_cells(source: SqlType, target: SqlType) -> bool:
    """Whether both types keep the same value in the same cell, so that cells can be compared."""
    if {source.name, target.name} & {"char", "nchar"} and family(source) == "string":
        return True
    return family(source) == family(target) and family(source) not in {"time"}


def inline_cell(cell: Any) -> str:
    """A cell as a literal of SQLite's SQL."""
    if cell is None:
        return "NULL"
    if isinstance(cell, bytes):
        return f"x'{cell.hex()}'"
    return text_literal(cell) if isinstance(cell, str) else repr(cell)


_EMIT: dict[type, Callable[[ExpressionCompiler, Any], Emitted]] = {
    ast.Literal: ExpressionCompiler._literal,
    ast.Null: ExpressionCompiler._null,
    ast.Default: ExpressionCompiler._default,
    ast.Name: ExpressionCompiler._name,
    ast.Star: ExpressionCompiler._star,
    ast.Variable: ExpressionCompiler._variable,
    ast.Global: ExpressionCompiler._global,
    ast.Unary: arithmetic.unary,
    ast.Binary: arithmetic.binary,
    ast.Comparison: conditions.comparison,
    ast.Logical: conditions.logical,
    ast.Not: conditions.negation,
    ast.IsNull: conditions.is_null,
    ast.Between: conditions.between,
    ast.InList: conditions.in_list,
    ast.InQuery: conditions.in_query,
    ast.Like: conditions.like,
    ast.Exists: conditions.exists,
    ast.Case: ExpressionCompiler._case,
    ast.Call: ExpressionCompiler._call,
    ast.Convert: ExpressionCompiler._convert,
    ast.Collate: ExpressionCompiler._collate,
    ast.Subquery: ExpressionCompiler._subquery,
}
