"""SELECT to SQLite: sources, grouping, set operations, ordering and limits, with the type of every column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query import shapes
from include.standins.sqlserver.query.compilation import Context, Emitted, quoted
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.query_columns import (
    CompiledQuery,
    collated,
    common_columns,
    named_columns,
    spelling,
)
from include.standins.sqlserver.query.query_order import limit_of, order_of, order_of_set
from include.standins.sqlserver.query.query_sources import compile_source, expand_star
from include.standins.sqlserver.query.scopes import OutputColumn, Scope
from include.standins.sqlserver.query.types import INT, common_type
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree

if TYPE_CHECKING:
    from include.standins.sqlserver.results import SqlType


class QueryCompiler:
    """Compiles queries of one statement."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def query(
        self,
        query: tree.Query,
        parent: Scope | None = None,
        *,
        targets: tuple[SqlType, ...] | None = None,
        names: tuple[str, ...] | None = None,
    ) -> CompiledQuery:
        """Compile a query.

        :param targets: types to which the columns are converted.
        :param names: names that the columns get, as those of a derived table.
        """
        scope = Scope(parent)
        heads = [self._common_table(table, scope) for table in query.tables]
        head = f"WITH RECURSIVE {', '.join(heads)} " if heads else ""
        if isinstance(query.body, tree.Select):
            compiled = self._select(query.body, scope, query, targets=targets, names=names)
        else:
            compiled = self._body(query.body, scope, targets=targets, names=names)
            compiled = replace(compiled, sql=compiled.sql + order_of_set(self, query, compiled, scope))
        return replace(compiled, sql=head + compiled.sql)

    # --- common tables and set operations

    def _common_table(self, table: tree.CommonTable, scope: Scope) -> str:
        body = table.query.body
        recursive = isinstance(body, tree.SetOperation) and body.operator == "UNION ALL"
        if recursive and isinstance(body, tree.SetOperation):
            anchor = self.query(tree.Query(body.left, tables=table.query.tables), scope)
            scope.tables[table.name.lower()] = named_columns(anchor.columns, table.columns, table.name)
            types = tuple(column.type for column in anchor.columns)
            compiled = self.query(table.query, scope, targets=types)
        else:
            compiled = self.query(table.query, scope)
        columns = named_columns(compiled.columns, table.columns, table.name)
        scope.tables[table.name.lower()] = columns
        return f"{quoted(table.name)}({', '.join(quoted(column.name) for column in columns)}) AS ({compiled.sql})"

    def _body(
        self,
        body: tree.Body,
        scope: Scope,
        *,
        targets: tuple[SqlType, ...] | None,
        names: tuple[str, ...] | None,
        branch: bool = False,
    ) -> CompiledQuery:
        if isinstance(body, tree.Select):
            own = Scope(scope)
            return self._select(body, own, None, targets=targets, names=names, branch=branch)
        if isinstance(body, tree.ValueRows):
            return self._values(body, scope, targets=targets, names=names)
        left = self._body(body.left, scope, targets=targets, names=names, branch=True)
        right = self._body(body.right, scope, targets=targets, names=None, branch=True)
        if len(left.columns) != len(right.columns):
            raise SqlError(
                205,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
                "expressions in their target lists.",
                ends_batch=True,
            )
        if targets is None:
            common = common_columns(left, right)
            if common != tuple(column.type for column in left.columns) or common != tuple(
                column.type for column in right.columns
            ):
                return self._body(body, scope, targets=common, names=names)
        right_sql = right.sql
        if isinstance(body.right, tree.SetOperation):
            right_sql = f"SELECT * FROM ({right.sql})"
        left_sql = left.sql
        if isinstance(body.left, tree.SetOperation) and body.operator == "INTERSECT":
            left_sql = f"SELECT * FROM ({left.sql})"
        return CompiledQuery(f"{left_sql} {body.operator} {right_sql}", left.columns)

    def _values(
        self, body: tree.ValueRows, scope: Scope, *, targets: tuple[SqlType, ...] | None, names: tuple[str, ...] | None
    ) -> CompiledQuery:
        compiler = ExpressionCompiler(self.context, Scope(scope), self)
        rows = [[compiler.value(item) for item in row] for row in body.rows]
        if len({len(row) for row in rows}) != 1:
            raise SqlError(
                10709,
                "The number of columns for each row in a table value constructor must be the same.",
                ends_batch=True,
            )
        if targets is None:
            types: list[SqlType | None] = [None] * len(rows[0])
            for row in rows:
                types = [
                    common_type(known, item.type) if known is not None and item.type is not None else known or item.type
                    for known, item in zip(types, row, strict=True)
                ]
            targets = tuple(type_ or INT for type_ in types)
        chosen = names or ("",) * len(targets)
        columns = tuple(OutputColumn(name, type_) for name, type_ in zip(chosen, targets, strict=True))
        selects = []
        for row in rows:
            cells = [
                self._item(compiler.convert(item, type_), name)
                for item, type_, name in zip(row, targets, chosen, strict=True)
            ]
            selects.append("SELECT " + ", ".join(cells))
        return CompiledQuery(" UNION ALL ".join(selects), columns)

    # --- SELECT

    def _select(
        self,
        select: tree.Select,
        scope: Scope,
        query: tree.Query | None,
        *,
        targets: tuple[SqlType, ...] | None,
        names: tuple[str, ...] | None,
        branch: bool = False,
    ) -> CompiledQuery:
        compiler = ExpressionCompiler(self.context, scope, self)
        source = f" FROM {compile_source(self, select.source, scope, compiler)}" if select.source is not None else ""
        where = f" WHERE {compiler.condition(select.where)}" if select.where is not None else ""
        grouping = self._grouping(select, query, scope, compiler)
        items, columns = self._items(select, scope, compiler)
        if targets is not None:
            if len(targets) != len(items):
                raise SqlError(
                    120,
                    "The select list for the INSERT statement does not match the number of insert columns.",
                    ends_batch=True,
                )
            items = [compiler.convert(item, type_) for item, type_ in zip(items, targets, strict=True)]
            columns = [OutputColumn(column.name, type_) for column, type_ in zip(columns, targets, strict=True)]
        labels = names if names is not None and len(names) == len(items) else [column.name for column in columns]
        listed = ", ".join(self._item(item, label) for item, label in zip(items, labels, strict=True))
        having = f" HAVING {compiler.condition(select.having)}" if select.having is not None else ""
        order = order_of(self, query, items, columns, compiler, distinct=select.distinct) if query is not None else ""
        limit = limit_of(self, query, select.top, compiler)
        sql = f"SELECT {'DISTINCT ' if select.distinct else ''}{listed}{source}{where}{grouping}{having}{order}{limit}"
        if branch and limit:
            sql = f"SELECT * FROM ({sql})"
        single = (grouping == "" and scope.groups is not None) or select.source is None
        return CompiledQuery(sql, tuple(columns), single=single)

    def _grouping(
        self, select: tree.Select, query: tree.Query | None, scope: Scope, compiler: ExpressionCompiler
    ) -> str:
        ordered: tuple[tree.OrderItem, ...] = query.order_by if query is not None else ()
        aggregates = any(
            shapes.has_aggregate(node)
            for node in (*(item.expression for item in select.items), *(item.expression for item in ordered))
        )
        if not select.group_by and not aggregates and select.having is None:
            return ""
        parts = []
        groups = set()
        for node in select.group_by:
            value = compiler.value(node)
            if isinstance(node, ast.Literal):
                raise SqlError(
                    164,
                    "Each GROUP BY expression must contain at least one column that is not an outer reference.",
                    severity=15,
                    ends_batch=True,
                )
            groups.add(compiler.shape(node))
            parts.append(collated(value))
        scope.groups = frozenset(groups)
        return f" GROUP BY {', '.join(parts)}" if parts else ""

    def _items(
        self, select: tree.Select, scope: Scope, compiler: ExpressionCompiler
    ) -> tuple[list[Emitted], list[OutputColumn]]:
        items: list[Emitted] = []
        columns: list[OutputColumn] = []
        for item in select.items:
            if isinstance(item.expression, ast.Star):
                for name, emitted in expand_star(self, item.expression, scope):
                    items.append(emitted)
                    columns.append(OutputColumn(name, emitted.type or INT))
                continue
            emitted = compiler.value(item.expression)
            name = item.alias or (item.expression.parts[-1] if isinstance(item.expression, ast.Name) else "")
            if isinstance(item.expression, ast.Name) and item.alias is None:
                name = spelling(emitted, name)
            items.append(emitted)
            columns.append(OutputColumn(name, emitted.type or INT))
        return items, columns

    @staticmethod
    def _item(item: Emitted, label: str) -> str:
        sql = collated(item, ordering=False)
        return f"{sql} AS {quoted(label)}" if label else sql
