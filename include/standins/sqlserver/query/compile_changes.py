"""UPDATE and DELETE to SQLite, and what INSERT shares with them: the table and OUTPUT."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.column_values import ColumnValues
from include.standins.sqlserver.query.compilation import Compiled, Context, quoted
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.compile_queries import QueryCompiler
from include.standins.sqlserver.query.query_sources import compile_source, place_of, table_columns, unknown_object
from include.standins.sqlserver.query.scopes import OutputColumn, Scope, SourceColumns, result_columns
from include.standins.sqlserver.query.types import BIGINT
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    from include.standins.sqlserver.query.schema import ColumnDefinition, TableDefinition

INSERT, DELETE, UPDATE = 0xC3, 0xC4, 0xC5
"""The DONE token's CurCmd."""


class ChangeCompiler:
    """Compiles the statements that change rows of the home database."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.queries = QueryCompiler(context)
        self.values = ColumnValues(context)

    def target(self, parts: tuple[str, ...]) -> TableDefinition:
        """Find the table that a statement changes.

        :raises SqlError: 208 unknown, 259 for a catalog view.
        """
        database, schema = place_of(self.queries, parts)
        if schema in {"sys", "information_schema"}:
            raise SqlError(259, "Ad hoc updates to system catalogs are not allowed.", ends_batch=True)
        table = self.context.schema.table(parts[-1]) if not database and schema in {"", "dbo"} else None
        if table is None:
            raise unknown_object(parts)
        return table

    def update(self, statement: st.Update) -> Compiled:
        """Compile UPDATE, with or without FROM."""
        table, alias, source = self._changed(statement.target, statement.source)
        scope = Scope()
        compiler = ExpressionCompiler(self.context, scope, self.queries)
        simple = source is None and statement.top is None
        sources = self._sources(source, table, alias, scope, compiler)
        where = f" WHERE {compiler.condition(statement.where)}" if statement.where is not None else ""
        values = [self._assignment(each, table, alias, compiler) for each in statement.assignments]
        output = self.output(statement.output, table, prefix="inserted")
        if simple:
            changes = ", ".join(f"{quoted(column.name)} = {sql}" for column, sql in values)
            sql = f"UPDATE main.{quoted(table.name)} AS {quoted(alias)} SET {changes}{where}"
        else:
            chosen = ", ".join(f"{sql} AS v{number}" for number, (_, sql) in enumerate(values))
            changes = ", ".join(f"{quoted(column.name)} = s.v{number}" for number, (column, _) in enumerate(values))
            limit = self._top(statement.top)
            sql = (
                f"UPDATE main.{quoted(table.name)} AS changed SET {changes} FROM (SELECT {quoted(alias)}.rowid AS row, "
                f"{chosen} FROM {sources}{where}{limit}) AS s WHERE changed.rowid = s.row"
            )
        made = self.context.compiled(sql + output[0], result_columns(output[1]), verb="UPDATE", command=UPDATE)
        return replace(made, table=table.name)

    def _assignment(
        self, assignment: st.Assignment, table: TableDefinition, alias: str, compiler: ExpressionCompiler
    ) -> tuple[ColumnDefinition, str]:
        column = table.column(assignment.column)
        if column is None:
            raise SqlError(207, f"Invalid column name '{assignment.column}'.", ends_batch=True)
        if column.identity is not None:
            raise SqlError(8102, f"Cannot update identity column '{column.name}'.")
        if isinstance(assignment.value, ast.Default):
            return column, self.values.filler(column, table)
        node = assignment.value
        if assignment.operator:
            node = ast.Binary(assignment.operator, ast.Name((alias, column.name)), node)
        return column, self.values.assign(compiler.value(node), column, table, compiler)

    def delete(self, statement: st.Delete) -> Compiled:
        """Compile DELETE, with or without a second FROM."""
        table, alias, source = self._changed(statement.target, statement.source)
        scope = Scope()
        compiler = ExpressionCompiler(self.context, scope, self.queries)
        sources = self._sources(source, table, alias, scope, compiler)
        where = f" WHERE {compiler.condition(statement.where)}" if statement.where is not None else ""
        output = self.output(statement.output, table, prefix="deleted")
        if source is None and statement.top is None:
            sql = f"DELETE FROM main.{quoted(table.name)} AS {quoted(alias)}{where}"
        else:
            limit = self._top(statement.top)
            sql = (
                f"DELETE FROM main.{quoted(table.name)} WHERE rowid IN "
                f"(SELECT {quoted(alias)}.rowid FROM {sources}{where}{limit})"
            )
        made = self.context.compiled(sql + output[0], result_columns(output[1]), verb="DELETE", command=DELETE)
        return replace(made, table=table.name)

    def _top(self, top: ast.Expression | None) -> str:
        if top is None:
            return ""
        compiler = ExpressionCompiler(self.context, Scope(), self.queries)
        return f" LIMIT ts_row_count({compiler.convert(compiler.value(top), BIGINT).sql})"

    def _changed(
        self, target: tuple[str, ...], source: tree.Source | None
    ) -> tuple[TableDefinition, str, tree.Source | None]:
        """Return the table that is changed, its alias and the sources."""
        if source is not None:
            for table in _tables(source):
                alias = table.alias or table.parts[-1]
                if len(target) == 1 and alias.lower() == target[0].lower():
                    return self.target(table.parts), alias, source
                if table.parts[-1].lower() == target[-1].lower() and table.alias is None:
                    return self.target(table.parts), alias, source
            own = self.target(target)
            return own, own.name, tree.Join("CROSS", tree.Table(target, own.name), source, None)
        own = self.target(target)
        return own, own.name, None

    def _sources(
        self,
        source: tree.Source | None,
        table: TableDefinition,
        alias: str,
        scope: Scope,
        compiler: ExpressionCompiler,
    ) -> str:
        if source is not None:
            return compile_source(self.queries, source, scope, compiler)
        scope.add(SourceColumns(alias, table_columns(table), (self.context.database, "dbo", table.name)))
        return f"main.{quoted(table.name)} AS {quoted(alias)}"

    def output(
        self, items: tuple[tree.SelectItem, ...], table: TableDefinition, *, prefix: str
    ) -> tuple[str, tuple[OutputColumn, ...]]:
        """OUTPUT as RETURNING: only inserted.* of INSERT and UPDATE, deleted.* of DELETE can be had."""
        if not items:
            return "", ()
        parts: list[str] = []
        columns: list[OutputColumn] = []
        for item in items:
            node = item.expression
            qualifier = (
                node.qualifier if isinstance(node, ast.Star) else node.parts[:-1] if isinstance(node, ast.Name) else ()
            )
            if tuple(part.lower() for part in qualifier) != (prefix,):
                raise not_modelled(f"OUTPUT of anything but {prefix} columns")
            if not isinstance(node, ast.Name):
                chosen = list(table.columns)
            else:
                column = table.column(node.parts[-1])
                if column is None:
                    raise SqlError(207, f"Invalid column name '{node.parts[-1]}'.", ends_batch=True)
                chosen = [column]
            parts.extend(quoted(column.name) for column in chosen)
            columns.extend(OutputColumn(item.alias or column.name, column.type) for column in chosen)
        return f" RETURNING {', '.join(parts)}", tuple(columns)


def _tables(source: tree.Source) -> list[tree.Table]:
    if isinstance(source, tree.Join):
        return _tables(source.left) + _tables(source.right)
    return [source] if isinstance(source, tree.Table) else []
