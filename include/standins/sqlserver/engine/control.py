"""Runs statements one after another: control flow, variables, errors and what they end."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.engine import backups, databases, indexes, messages, rows, settings, tables, transacting
from include.standins.sqlserver.engine.compiling import evaluate, holds
from include.standins.sqlserver.engine.session import ROLLS_BACK
from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.conversions import converter
from include.standins.sqlserver.results import Event, StatementDone, StatementFailed, TransactionChanged
from include.standins.sqlserver.tsql import server_statements as server
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession

Handler: TypeAlias = "Callable[[LocalSession, Frame, Any], Iterator[Event]]"

_UNCATCHABLE = frozenset((40515, 208, 207, 102, 156, 105, 113, 596))
"""Errors found while a batch is compiled: TRY of the same batch does not catch them."""


class _Left(Exception):  # noqa: N818 -- BREAK, CONTINUE and RETURN are no errors
    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


def run_statements(session: LocalSession, frame: Frame, statements: Sequence[st.Statement]) -> Iterator[Event]:
    """Run a batch."""
    try:
        for statement in statements:
            yield from _run(session, frame, statement)
    except _Left as left:
        if left.kind != "RETURN":
            raise SqlError(
                135,
                f"Cannot use a {left.kind} statement outside the scope of a WHILE statement.",
                severity=15,
                ends_batch=True,
            ) from None


def _run(session: LocalSession, frame: Frame, statement: st.Statement) -> Iterator[Event]:
    session.check()
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        raise not_modelled(f"Statement {type(statement).__name__}")
    if isinstance(statement, _CONTAINERS):
        yield from handler(session, frame, statement)
        return
    try:
        yield from handler(session, frame, statement)
        if type(statement) not in _KEEP_ERROR:
            session.last_error = 0
    except sqlite3.OperationalError:
        session.check()  # an interrupted COMMIT or DDL: the client cancelled it or the session was killed
        raise
    except SqlError as error:
        session.last_error = error.number
        session.rowcount = 0
        if session.trying or error.ends_batch or error.number in ROLLS_BACK or session.settings.xact_abort:
            if error.number in ROLLS_BACK and not session.trying:
                error.ends_batch = True
            raise
        yield StatementFailed(error)


def _block(session: LocalSession, frame: Frame, statement: st.Block) -> Iterator[Event]:
    for each in statement.statements:
        yield from _run(session, frame, each)


def _if(session: LocalSession, frame: Frame, statement: st.If) -> Iterator[Event]:
    if holds(session, frame, statement.condition):
        yield from _run(session, frame, statement.then)
    elif statement.otherwise is not None:
        yield from _run(session, frame, statement.otherwise)


def _while(session: LocalSession, frame: Frame, statement: st.While) -> Iterator[Event]:
    while holds(session, frame, statement.condition):
        try:
            yield from _run(session, frame, statement.body)
        except _Left as left:
            if left.kind == "BREAK":
                return
            if left.kind == "RETURN":
                raise


def _leave(session: LocalSession, frame: Frame, statement: st.Leave) -> Iterator[Event]:
    raise _Left(statement.kind)


def _try_catch(session: LocalSession, frame: Frame, statement: st.TryCatch) -> Iterator[Event]:
    session.trying += 1
    caught: SqlError | None = None
    try:
        for each in statement.tried:
            yield from _run(session, frame, each)
    except SqlError as error:
        if error.number in _UNCATCHABLE or error.severity >= 20:
            raise
        caught = error
    finally:
        session.trying -= 1
    if caught is None:
        return
    yield from _doom(session, caught)
    session.caught.append(caught)
    try:
        for each in statement.caught:
            yield from _run(session, frame, each)
    finally:
        session.caught.pop()


def _doom(session: LocalSession, caught: SqlError) -> Iterator[Event]:
    """What a caught error leaves of the transaction: a deadlock's victim has none, others can only roll back."""
    if not session.transaction.is_open:
        return
    if caught.number == 1205:
        descriptor = session.transaction.descriptor
        session.transaction.rollback()
        yield TransactionChanged("rolled back", descriptor)
    elif session.settings.xact_abort or caught.number in ROLLS_BACK:
        session.transaction.doomed = True


def _declare(session: LocalSession, frame: Frame, statement: st.Declare) -> Iterator[Event]:
    for name, type_, value in statement.variables:
        if name not in frame.types or frame.types[name] != type_:
            frame.declare(name, type_)
        if value is not None:
            assign_variable(session, frame, name, evaluate(session, frame, value))
    yield from ()


def _set_variable(session: LocalSession, frame: Frame, statement: st.SetVariable) -> Iterator[Event]:
    frame.type_of(statement.name)
    assign_variable(session, frame, statement.name, evaluate(session, frame, statement.value))
    session.rowcount = 1
    yield from ()


def assign_variable(session: LocalSession, frame: Frame, name: str, value: tuple[Any, Any]) -> None:
    """Convert a value and keep it in a variable; strings are cut to fit, as the engine does."""
    del session
    cell, source = value
    target = frame.type_of(name)
    frame.cells[name] = cell if cell is None or source == target else converter(source, target)(cell)


def _done(handler: Handler) -> Handler:
    """End the statement with a DONE without a count."""

    def run(session: LocalSession, frame: Frame, statement: Any) -> Iterator[Event]:
        yield from handler(session, frame, statement)
        session.rowcount = 0
        yield StatementDone()

    return run


_CONTAINERS = (st.Block, st.If, st.While, st.Leave, st.TryCatch)
_KEEP_ERROR = frozenset((st.Declare,))
_HANDLERS: dict[type[st.Statement], Handler] = {
    st.Block: _block,
    st.If: _if,
    st.While: _while,
    st.Leave: _leave,
    st.TryCatch: _try_catch,
    st.Declare: _declare,
    st.SetVariable: _set_variable,
    st.SelectRows: rows.select,
    st.Insert: rows.change,
    st.Update: rows.change,
    st.Delete: rows.change,
    st.TruncateTable: _done(rows.truncate),
    st.CreateTable: _done(tables.create_table),
    st.AlterTable: _done(tables.alter_table),
    st.DropTable: _done(tables.drop_table),
    st.CreateIndex: _done(indexes.create_index),
    st.DropIndex: _done(indexes.drop_index),
    server.CreateDatabase: _done(databases.create_database),
    server.DropDatabase: _done(databases.drop_database),
    server.AlterDatabase: _done(databases.alter_database),
    server.Use: _done(databases.use),
    server.CheckDatabase: _done(databases.check_database),
    server.Checkpoint: _done(databases.checkpoint),
    server.Backup: _done(backups.back_up_database),
    server.Restore: _done(backups.restore_database),
    server.ReadMedia: backups.read_media,
    st.Begin: _done(transacting.begin),
    st.Commit: _done(transacting.commit),
    st.Rollback: _done(transacting.rollback),
    st.Save: _done(transacting.save),
    server.SetOption: _done(settings.set_option),
    st.Print: messages.print_text,
    st.RaiseError: messages.raise_error,
    st.Throw: messages.throw,
    st.Execute: messages.execute,
    st.ExecuteText: messages.execute_text,
    server.Kill: _done(settings.kill),
    server.WaitFor: _done(settings.wait_for),
}
