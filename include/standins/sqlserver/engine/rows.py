"""SELECT, INSERT, UPDATE, DELETE and TRUNCATE TABLE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine.compiling import Errors, compiled, run
from include.standins.sqlserver.engine.transacting import begin_implicitly
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compilation import Compiled, Context, quoted
from include.standins.sqlserver.query.compile_changes import ChangeCompiler
from include.standins.sqlserver.query.compile_inserts import InsertCompiler
from include.standins.sqlserver.query.compile_selects import SELECT, compile_select
from include.standins.sqlserver.query.conversions import converter
from include.standins.sqlserver.query.query_sources import unknown_object
from include.standins.sqlserver.query.schema import IDENTITIES, TableDefinition
from include.standins.sqlserver.query.values import decoder
from include.standins.sqlserver.results import Column, Event, Rows, StatementDone
from include.standins.sqlserver.tsql import query_tree as tree
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.session import LocalSession

_ROWS_AT_ONCE = 256


class Counted:
    """The rows of a result, decoded one after another and counted.

    The first rows are read at once: most errors show there, before the client has been told of a result.
    """

    def __init__(
        self, cursor: sqlite3.Cursor, columns: Sequence[Column], errors: Callable[[], Errors], *, most: int
    ) -> None:
        self.count = 0
        self._cursor = cursor
        self._errors = errors
        self._left = most or None
        self._decoders = [decoder(column.type) for column in columns]
        self._plain = not any(self._decoders)
        self._first = self._fetch()

    def _fetch(self) -> list[Any]:
        with self._errors():
            found = self._cursor.fetchmany(_ROWS_AT_ONCE)
        if self._left is not None:
            found = found[: self._left]
            self._left -= len(found)
        return found

    def __iter__(self) -> Iterator[Sequence[Any]]:
        found = self._first
        while found:
            self.count += len(found)
            yield from found if self._plain else self._decoded(found)
            found = self._fetch() if self._left != 0 else []

    def _decoded(self, found: list[Any]) -> Iterator[Sequence[Any]]:
        decoders = self._decoders
        for row in found:
            yield [
                cell if cell is None or decode is None else decode(cell)
                for cell, decode in zip(row, decoders, strict=True)
            ]


def select(session: LocalSession, frame: Frame, statement: st.SelectRows) -> Iterator[Event]:
    """Run a SELECT: rows to the client, or values into variables."""
    if isinstance(statement.query.body, tree.Select) and statement.query.body.source is not None:
        yield from begin_implicitly(session)
    home = session.home()
    made = compiled(session, frame, home, statement, lambda context: compile_select(statement.query, context))
    if made.assigns:
        _fill_variables(session, frame, home, made)
        return
    with Errors(session, home, made):
        cursor = run(session, frame, home, made)
    found = Counted(cursor, made.columns, lambda: Errors(session, home, made), most=session.settings.row_count)
    try:
        yield Rows(made.columns, found)
        if not found.count:
            for _ in found:
                pass
    finally:
        cursor.close()
    session.rowcount = found.count
    yield StatementDone(SELECT, None if session.settings.nocount else found.count)


def _fill_variables(session: LocalSession, frame: Frame, home: Home, made: Compiled) -> None:
    """SELECT @x = ...: the last row's values stay; no row changes nothing."""
    with Errors(session, home, made):
        found = run(session, frame, home, made).fetchall()
    session.rowcount = len(found)
    if found:
        for name, cell, column in zip(made.assigns, found[-1], made.columns, strict=True):
            target = frame.type_of(name)
            frame.cells[name] = cell if cell is None or column.type == target else converter(column.type, target)(cell)


def home_of(session: LocalSession, parts: tuple[str, ...]) -> Home:
    """The database in which a statement's table is.

    :raises SqlError: 208 for a table outside dbo.
    """
    if len(parts) > 1 and parts[-2].lower() not in {"", "dbo", "sys", "information_schema"}:
        raise unknown_object(parts)
    return session.home(parts[-3] if len(parts) > 2 and parts[-3] else None)


def change(session: LocalSession, frame: Frame, statement: st.Insert | st.Update | st.Delete) -> Iterator[Event]:
    """Run INSERT, UPDATE or DELETE."""
    yield from begin_implicitly(session)
    parts = _target(statement)
    home = home_of(session, parts)
    with session.transaction.statement(home):
        made = compiled(session, frame, home, statement, lambda context: _compile(session, statement, context, home))
        home.check_writable(made.table or "")
        found, count = _run_change(session, frame, home, made)
    session.rowcount = count
    if made.columns:
        yield Rows(made.columns, found)
    yield StatementDone(made.command, None if session.settings.nocount else count)


def _target(statement: st.Insert | st.Update | st.Delete) -> tuple[str, ...]:
    if isinstance(statement, st.Insert):
        return statement.table
    return statement.target


def _compile(
    session: LocalSession, statement: st.Insert | st.Update | st.Delete, context: Context, home: Home
) -> Compiled:
    if isinstance(statement, st.Insert):
        inserting = session.settings.identity_insert == f"{home.name.lower()}.{statement.table[-1].lower()}"
        return InsertCompiler(context).insert(statement, identity_insert=inserting)
    compiler = ChangeCompiler(context)
    if isinstance(statement, st.Update):
        return compiler.update(statement)
    return compiler.delete(statement)


def _run_change(session: LocalSession, frame: Frame, home: Home, made: Compiled) -> tuple[list[Sequence[Any]], int]:
    table = home.schema().table(made.identity) if made.identity is not None else None
    if table is not None:
        _take_identity(session, home, table)
    with Errors(session, home, made):
        cursor = run(session, frame, home, made)
        found = cursor.fetchall() if made.columns else []
    count = len(found) if made.columns else cursor.rowcount
    if table is not None and count:
        _keep_identity(session, home, table, explicit=made.explicit_identity)
    decoders = [decoder(column.type) for column in made.columns]
    return [
        [cell if cell is None or decode is None else decode(cell) for cell, decode in zip(row, decoders, strict=True)]
        for row in found
    ], count


def _take_identity(session: LocalSession, home: Home, table: TableDefinition) -> None:
    seed, increment = _declared_identity(table)
    row = home.connection.execute(
        f"SELECT last FROM main.{IDENTITIES} WHERE name = ?", (table.name.lower(),)
    ).fetchone()
    session.facts.increment = increment
    session.facts.identity = row[0] if row is not None else seed - increment


def _declared_identity(table: TableDefinition) -> tuple[int, int]:
    """Seed and increment."""
    declared = table.identity.identity if table.identity is not None else None
    return declared or (1, 1)


def _keep_identity(session: LocalSession, home: Home, table: TableDefinition, *, explicit: bool) -> None:
    last = session.facts.identity
    if explicit and table.identity is not None:
        name = quoted(table.identity.name)
        extreme = "max" if session.facts.increment > 0 else "min"
        highest = home.connection.execute(f"SELECT {extreme}({name}) FROM main.{quoted(table.name)}").fetchone()[0]
        last = max(last, highest) if session.facts.increment > 0 else min(last, highest)
    home.connection.execute(f"INSERT OR REPLACE INTO main.{IDENTITIES} VALUES (?, ?)", (table.name.lower(), last))
    session.last_identity = last


def truncate(session: LocalSession, frame: Frame, statement: st.TruncateTable) -> Iterator[Event]:
    """TRUNCATE TABLE, which also starts the identity anew."""
    del frame
    yield from begin_implicitly(session)
    home = home_of(session, statement.table)
    with session.transaction.statement(home):
        table = home.schema().table(statement.table[-1])
        if table is None:
            raise SqlError(
                4701,
                f'Cannot find the object "{statement.table[-1]}" because it does not exist or you do not have '
                "permissions.",
            )
        home.check_writable(table.name)
        referring = [
            other.name
            for other in home.schema().tables.values()
            for key in other.foreign_keys
            if key.table.lower() == table.name.lower() and other.name != table.name
        ]
        if referring:
            raise SqlError(
                4712,
                f"Cannot truncate table '{table.name}' because it is being referenced by a FOREIGN KEY constraint.",
            )
        home.connection.execute(f"DELETE FROM main.{quoted(table.name)}")
        home.connection.execute(f"DELETE FROM main.{IDENTITIES} WHERE name = ?", (table.name.lower(),))
