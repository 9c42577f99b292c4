"""CREATE INDEX and DROP INDEX."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.engine.tables import home_for_ddl, known_table
from include.standins.sqlserver.engine.transacting import begin_implicitly
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query import compile_tables as ddl
from include.standins.sqlserver.query.compilation import quoted
from include.standins.sqlserver.query.schema import KeyDefinition, TableDefinition, save_table, with_key
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.results import Event


def create_index(session: LocalSession, frame: Frame, statement: st.CreateIndex) -> Iterator[Event]:
    """CREATE INDEX.

    :raises SqlError: 1913 when the table has one of that name, 1505 when a unique one finds duplicates.
    """
    del frame
    yield from begin_implicitly(session)
    home = home_for_ddl(session, statement.table)
    with session.transaction.statement(home):
        table = known_table(home, statement.table)
        if any(key.name.lower() == statement.name.lower() for key in table.keys):
            raise SqlError(
                1913,
                "The operation failed because an index or statistics with name "
                f"'{statement.name}' already exists on table 'dbo.{table.name}'.",
            )
        columns = tuple(column.name for name, _ in statement.columns if (column := _column(table, name)))
        key = KeyDefinition(
            "UNIQUE INDEX" if statement.unique else "INDEX",
            statement.name,
            columns,
            tuple(descending for _, descending in statement.columns),
        )
        _make_index(home, lambda: ddl.index_statement(table, key), table, key)
        save_table(home.connection, with_key(table, key))
        home.forget_schema()


def _column(table: TableDefinition, name: str) -> st.ColumnSpec | None:
    column = table.column(name)
    if column is None:
        raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
    return st.ColumnSpec(column.name, column.type)


def _make_index(home: Home, sql: Callable[[], str], table: TableDefinition, key: KeyDefinition) -> None:
    try:
        home.connection.execute(sql())
    except sqlite3.IntegrityError:
        raise SqlError(
            1505,
            f"The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name "
            f"'dbo.{table.name}' and the index name '{key.name}'.",
        ) from None


def drop_index(session: LocalSession, frame: Frame, statement: st.DropIndex) -> Iterator[Event]:
    """DROP INDEX.

    :raises SqlError: 3701 unknown, 3723 when it belongs to a constraint.
    """
    del frame
    yield from begin_implicitly(session)
    home = home_for_ddl(session, statement.table)
    with session.transaction.statement(home):
        table = known_table(home, statement.table)
        key = next((key for key in table.keys if key.name.lower() == statement.name.lower()), None)
        if key is None:
            if statement.if_exists:
                return
            raise SqlError(
                3701,
                f"Cannot drop the index '{table.name}.{statement.name}', because it does not exist or you do not have "
                "permission.",
                severity=11,
                state=7,
            )
        if "INDEX" not in key.kind:
            raise SqlError(
                3723,
                f"An explicit DROP INDEX is not allowed on index '{table.name}.{key.name}'. It is "
                "being used for a constraint.",
            )
        home.connection.execute(f"DROP INDEX main.{quoted(ddl.index_name(table, key))}")
        save_table(home.connection, replace(table, keys=tuple(each for each in table.keys if each is not key)))
        home.forget_schema()
