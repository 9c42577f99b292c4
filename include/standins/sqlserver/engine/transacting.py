"""BEGIN, COMMIT, ROLLBACK and SAVE as statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import Event, TransactionChanged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.tsql import statements as st


def begin(session: LocalSession, frame: Frame, statement: st.Begin) -> Iterator[Event]:
    """BEGIN TRAN."""
    del frame
    if session.transaction.begin(statement.name):
        yield TransactionChanged("begun", session.transaction.descriptor)


def begin_implicitly(session: LocalSession) -> Iterator[Event]:
    """Begin the transaction that SET IMPLICIT_TRANSACTIONS ON asks for before a statement."""
    if session.settings.implicit_transactions and not session.transaction.is_open:
        session.transaction.begin()
        yield TransactionChanged("begun", session.transaction.descriptor)


def commit(session: LocalSession, frame: Frame, statement: st.Commit) -> Iterator[Event]:
    """COMMIT."""
    del frame, statement
    descriptor = session.transaction.descriptor
    if session.transaction.commit():
        yield TransactionChanged("committed", descriptor)


def rollback(session: LocalSession, frame: Frame, statement: st.Rollback) -> Iterator[Event]:
    """ROLLBACK, of all or to a savepoint."""
    del frame
    transaction = session.transaction
    if not transaction.is_open:
        raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
    descriptor = transaction.descriptor
    if statement.name is not None and not transaction.rollback_to(statement.name):
        return
    transaction.rollback()
    yield TransactionChanged("rolled back", descriptor)


def save(session: LocalSession, frame: Frame, statement: st.Save) -> Iterator[Event]:
    """SAVE TRAN."""
    del frame
    session.transaction.save(statement.name)
    yield from ()
