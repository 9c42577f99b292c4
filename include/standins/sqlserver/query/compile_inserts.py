"""INSERT to SQLite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compilation import Compiled, Emitted, quoted
from include.standins.sqlserver.query.compile_changes import INSERT, ChangeCompiler
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.scopes import Scope, result_columns
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    from include.standins.sqlserver.query.schema import ColumnDefinition, TableDefinition


class InsertCompiler(ChangeCompiler):
    """Compiles INSERT."""

    def insert(self, statement: st.Insert, *, identity_insert: bool) -> Compiled:
        """Compile INSERT.

        :raises SqlError: 544 and 545 for the identity column, 109, 110, 213 for a wrong number of values.
        """
        table = self.target(statement.table)
        columns = self._insert_columns(statement, table, identity_insert=identity_insert)
        rest = [column for column in table.columns if column not in columns]
        names = ", ".join(quoted(column.name) for column in (*columns, *rest))
        compiler = ExpressionCompiler(self.context, Scope(), self.queries)
        fillers = [self.values.filler(column, table) for column in rest]
        if statement.source is None:
            rows = "SELECT " + ", ".join(fillers)
        elif isinstance(statement.source, tree.ValueRows):
            rows = self._value_rows(statement.source, columns, fillers, table, compiler)
        else:
            rows = self._query_rows(statement.source, columns, fillers, table)
        sql = f"INSERT INTO main.{quoted(table.name)} ({names}) {rows}"
        output = self.output(statement.output, table, prefix="inserted")
        made = self.context.compiled(sql + output[0], result_columns(output[1]), verb="INSERT", command=INSERT)
        return replace(
            made,
            table=table.name,
            identity=table.name if table.identity is not None else None,
            explicit_identity=table.identity in columns,
        )

    def _insert_columns(
        self, statement: st.Insert, table: TableDefinition, *, identity_insert: bool
    ) -> list[ColumnDefinition]:
        identity = table.identity
        if not statement.columns:
            if statement.source is None:
                return []
            if identity is not None and identity_insert:
                raise SqlError(
                    8101,
                    f"An explicit value for the identity column in table '{table.name}' can only be specified when a "
                    "column list is used and IDENTITY_INSERT is ON.",
                    ends_batch=True,
                )
            return [column for column in table.columns if column is not identity]
        columns = []
        for name in statement.columns:
            column = table.column(name)
            if column is None:
                raise SqlError(207, f"Invalid column name '{name}'.", ends_batch=True)
            if column in columns:
                raise SqlError(
                    264, f"The column name '{name}' is specified more than once in the column list.", ends_batch=True
                )
            columns.append(column)
        self._check_identity(table, given=identity in columns, allowed=identity_insert)
        return columns

    @staticmethod
    def _check_identity(table: TableDefinition, *, given: bool, allowed: bool) -> None:
        if given and not allowed:
            raise SqlError(
                544,
                f"Cannot insert explicit value for identity column in table '{table.name}' when IDENTITY_INSERT is set "
                "to OFF.",
            )
        if table.identity is not None and not given and allowed:
            raise SqlError(
                545,
                f"Explicit value must be specified for identity column in table '{table.name}' either when "
                "IDENTITY_INSERT is set to ON or when a replication user is inserting into a NOT FOR "
                "REPLICATION identity "
                "column.",
            )

    def _value_rows(
        self,
        source: tree.ValueRows,
        columns: list[ColumnDefinition],
        fillers: list[str],
        table: TableDefinition,
        compiler: ExpressionCompiler,
    ) -> str:
        rows = []
        for row in source.rows:
            if len(row) != len(columns):
                raise _wrong_count(len(row), len(columns))
            cells = []
            for node, column in zip(row, columns, strict=True):
                if isinstance(node, ast.Default):
                    cells.append(self.values.filler(column, table))
                else:
                    cells.append(self.values.assign(compiler.value(node), column, table, compiler))
            rows.append("(" + ", ".join((*cells, *fillers)) + ")")
        return "VALUES " + ", ".join(rows)

    def _query_rows(
        self, query: tree.Query, columns: list[ColumnDefinition], fillers: list[str], table: TableDefinition
    ) -> str:
        names = tuple(f"c{number}" for number in range(len(columns)))
        compiled = self.queries.query(query, names=names)
        if len(compiled.columns) != len(columns):
            raise _wrong_count(len(compiled.columns), len(columns))
        compiler = ExpressionCompiler(self.context, Scope(), self.queries)
        cells = [
            self.values.assign(Emitted(f"s.{name}", source.type), column, table, compiler)
            for name, source, column in zip(names, compiled.columns, columns, strict=True)
        ]
        # WHERE true: SQLite would otherwise read a following ON as an upsert's.
        return f"SELECT {', '.join((*cells, *fillers))} FROM ({compiled.sql}) AS s WHERE true"


def _wrong_count(found: int, wanted: int) -> SqlError:
    if found > wanted:
        return SqlError(
            110,
            "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of "
            "values in the VALUES clause must match the number of columns specified in the INSERT statement.",
            severity=15,
            ends_batch=True,
        )
    return SqlError(
        109,
        "There are more columns in the INSERT statement than values specified in the VALUES clause. "
        "The number of values "
        "in the VALUES clause must match the number of columns specified in the INSERT statement.",
        severity=15,
        ends_batch=True,
    )
