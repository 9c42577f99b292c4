"""What stands after FROM to SQLite: own tables, foreign ones, derived tables and joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.compilation import Emitted, quoted
from include.standins.sqlserver.query.query_columns import named_columns
from include.standins.sqlserver.query.scopes import OutputColumn, Scope, SourceColumns
from include.standins.sqlserver.tsql import query_tree as tree

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.query.compile_queries import QueryCompiler
    from include.standins.sqlserver.query.schema import TableDefinition
    from include.standins.sqlserver.tsql import expressions as ast

_SCHEMAS = frozenset(("", "dbo"))


def expand_star(queries: QueryCompiler, star: ast.Star, scope: Scope) -> list[tuple[str, Emitted]]:
    """Return the columns that * or t.* stands for.

    :raises SqlError: 107 when no source has the qualifier.
    """
    sources = [source for source in scope.sources if not star.qualifier or source.matches(star.qualifier)]
    if not sources:
        text = ".".join(star.qualifier)
        if not star.qualifier:
            raise SqlError(263, "Must specify table to select from.", severity=15, ends_batch=True)
        raise SqlError(
            107,
            f"The column prefix '{text}' does not match with a table name or alias name used in the query.",
            severity=15,
            ends_batch=True,
        )
    return [
        (column.name, scope.resolve((source.alias, column.name))) for source in sources for column in source.columns
    ]


def compile_source(queries: QueryCompiler, source: tree.Source, scope: Scope, compiler: ExpressionCompiler) -> str:
    """Compile what stands after FROM and add it to the scope."""
    if isinstance(source, tree.Join):
        left = compile_source(queries, source.left, scope, compiler)
        right = compile_source(queries, source.right, scope, compiler)
        if isinstance(source.right, tree.Join):
            right = f"({right})"
        if source.condition is None:
            return f"{left} CROSS JOIN {right}"
        return f"{left} {source.kind} JOIN {right} ON {compiler.condition(source.condition)}"
    if isinstance(source, tree.Derived):
        compiled = queries.query(source.query, _outer(scope), names=source.columns or None)
        columns = named_columns(compiled.columns, source.columns, source.alias)
        scope.add(SourceColumns(source.alias, columns))
        return f"({compiled.sql}) AS {quoted(source.alias)}"
    return _table(queries, source, scope)


def _table(queries: QueryCompiler, source: tree.Table, scope: Scope) -> str:
    name = source.parts[-1]
    alias = source.alias or name
    common = scope.common_table(name) if len(source.parts) == 1 else None
    if common is not None:
        scope.add(SourceColumns(alias, common))
        return f"{quoted(name)} AS {quoted(alias)}"
    database, schema = place_of(queries, source.parts)
    table = queries.context.schema.table(name) if not database and schema in _SCHEMAS else None
    if table is not None:
        scope.add(SourceColumns(alias, table_columns(table), (queries.context.database, "dbo", table.name)))
        return f"main.{quoted(table.name)} AS {quoted(alias)}"
    foreign = queries.context.foreign_table(database, schema, name)
    if foreign is None:
        raise unknown_object(source.parts)
    queries.context.foreign[foreign.key] = foreign
    columns = tuple(OutputColumn(column.name, column.type) for column in foreign.columns)
    scope.add(SourceColumns(alias, columns, (database or queries.context.database, schema or "dbo", name)))
    return f"temp.{quoted(foreign.key)} AS {quoted(alias)}"


def place_of(queries: QueryCompiler, parts: tuple[str, ...]) -> tuple[str, str]:
    """Return a name's database (empty for the home database) and schema, in lower case.

    :raises SqlError: 40515 for a linked server or a temporary table.
    """
    if len(parts) == 4:
        raise not_modelled("A linked server")
    if parts[-1].startswith("#"):
        raise not_modelled("A temporary table")
    database = parts[-3] if len(parts) > 2 else ""
    if database.lower() == queries.context.database.lower():
        database = ""
    schema = parts[-2].lower() if len(parts) > 1 else ""
    return database.lower(), schema


def table_columns(table: TableDefinition) -> tuple[OutputColumn, ...]:
    """The columns of a table as a query sees them."""
    return tuple(OutputColumn(column.name, column.type) for column in table.columns)


def unknown_object(parts: tuple[str, ...]) -> SqlError:
    """208."""
    return SqlError(208, f"Invalid object name '{'.'.join(parts)}'.", ends_batch=True)


def _outer(scope: Scope) -> Scope:
    """What a derived table sees: the common tables and outer queries, but not its neighbours in FROM."""
    return Scope(scope.parent, tables=scope.tables)
