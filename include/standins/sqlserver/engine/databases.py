"""CREATE, ALTER and DROP DATABASE, USE, DBCC CHECKDB, CHECKPOINT."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from include.standins.sqlserver.engine.operands import text_of
from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.results import DatabaseChanged, Event, Message
from include.standins.sqlserver.storage.properties import DatabaseState, RecoveryModel, UserAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.storage.database import Database
    from include.standins.sqlserver.tsql import server_statements as server

_PATIENCE_SECONDS = 60.0
"""How long a killed session may take to end before the statement that waits for it gives up."""
_NEEDS_ALL = {"ACCESS", "STATE", "UPDATES"}


def _alone(session: LocalSession, what: str) -> None:
    """These statements cannot be part of a transaction."""
    if session.transaction.is_open:
        raise SqlError(226, f"{what} statement not allowed within multi-statement transaction.", ends_batch=True)


def create_database(session: LocalSession, frame: Frame, statement: server.CreateDatabase) -> Iterator[Event]:
    """CREATE DATABASE."""
    del frame
    _alone(session, "CREATE DATABASE")
    if session.instance.is_system(statement.name):
        raise SqlError(1801, f"Database '{statement.name}' already exists. Choose a different database name.", state=3)
    session.instance.catalog.create(statement.name)
    yield from ()


def drop_database(session: LocalSession, frame: Frame, statement: server.DropDatabase) -> Iterator[Event]:
    """DROP DATABASE."""
    del frame
    _alone(session, "DROP DATABASE")
    for name in statement.names:
        if session.instance.is_system(name):
            raise SqlError(3708, f"Cannot drop the database '{name}' because it is a system database.")
        if statement.if_exists and session.instance.catalog.find(name) is None:
            continue
        if session.database.lower() == name.lower():
            raise SqlError(3702, f'Cannot drop database "{name}" because it is currently in use.', state=3)
        session.release_database(name)
        session.instance.catalog.drop(name, session)
    yield from ()


def use(session: LocalSession, frame: Frame, statement: server.Use) -> Iterator[Event]:
    """USE."""
    del frame
    old = session.database
    new = session.enter_database(statement.database)
    yield DatabaseChanged(old, new)
    yield Message(5701, f"Changed database context to '{new}'.", 0, 2)


def alter_database(session: LocalSession, frame: Frame, statement: server.AlterDatabase) -> Iterator[Event]:
    """ALTER DATABASE.

    :raises SqlError: 5011 or 911 unknown, 5052 while restoring, 5064, 5070 and 5069 when others are in the way.
    """
    del frame
    _alone(session, "ALTER DATABASE")
    name = statement.name or session.database
    if session.instance.is_system(name):
        raise not_modelled(f"ALTER DATABASE {name}")
    database = session.instance.catalog.find(name)
    if database is None:
        raise SqlError(
            5011,
            f"User does not have permission to alter database '{name}', the database does not exist, "
            "or the database is "
            "not in a state that allows access checks.",
            severity=14,
            state=5,
            follow=(_failed(),),
        )
    if statement.new_name is not None:
        session.release_database(database.name)
        current = session.database.lower() == database.name.lower()
        session.instance.catalog.rename(database.name, statement.new_name, session)
        if current:
            session.leave_database(statement.new_name)
        yield Message(5021, f"The database name '{statement.new_name}' has been set.")
        return
    for kind, value in statement.options:
        _set(session, database, kind, value, wait=statement.wait)


def _failed() -> SqlError:
    return SqlError(5069, "ALTER DATABASE statement failed.")


def _set(session: LocalSession, database: Database, kind: str, value: str, *, wait: float | None) -> None:
    if kind == "IGNORED":
        return
    if database.state is DatabaseState.RESTORING:
        raise SqlError(
            5052, "ALTER DATABASE is not permitted while a database is in the Restoring state.", follow=(_failed(),)
        )
    if kind == "RECOVERY":
        if database.state is DatabaseState.STANDBY:
            raise SqlError(
                3906,
                f'Failed to update database "{database.name}" because the database is read-only.',
                follow=(_failed(),),
            )
        database.set_recovery_model(RecoveryModel(value))
        return
    if kind in _NEEDS_ALL:
        _make_way(session, database, value, wait=wait)
    _APPLY[kind](session, database, value)


def _make_way(session: LocalSession, database: Database, value: str, *, wait: float | None) -> None:
    """Wait for the other sessions, or end them, as the termination clause says."""
    current = database.properties.user_access
    others = session.instance.in_use(database.name, session)
    if value == "MULTI_USER":
        if current is UserAccess.SINGLE_USER and others and wait is None:
            raise SqlError(
                5064,
                f"Changes to the state or options of database '{database.name}' cannot be made at "
                "this time. The database is "
                "in single-user mode, and a user is currently connected to it.",
                follow=(_failed(),),
            )
        if current is UserAccess.SINGLE_USER and wait is not None:
            _end(session, database, wait)
        return
    if value in {"RESTRICTED_USER", "ONLINE"} and wait is None:
        return
    if wait is not None and wait < 0:
        if others:
            raise SqlError(
                5070,
                f"Database state cannot be changed while other users are using the database '{database.name}'",
                state=2,
                follow=(_failed(),),
            )
        return
    if wait is None:
        _wait_until_free(session, database, seconds=None)
        return
    _end(session, database, wait)


def _end(session: LocalSession, database: Database, seconds: float) -> None:
    """ROLLBACK AFTER n: give the others their time, then end them and wait until they are gone."""
    if seconds:
        _wait_until_free(session, database, seconds=seconds)
    for spid in session.instance.in_use(database.name, session):
        victim = session.instance.session(spid)
        if victim is not None:
            victim.kill()
    if not _wait_until_free(session, database, seconds=_PATIENCE_SECONDS):
        raise SqlError(
            5061,
            f"ALTER DATABASE failed because a lock could not be placed on database '{database.name}'. Try again later.",
            follow=(_failed(),),
        )


def _wait_until_free(session: LocalSession, database: Database, *, seconds: float | None) -> bool:
    deadline = None if seconds is None else time.monotonic() + seconds
    while session.instance.in_use(database.name, session):
        if deadline is not None and time.monotonic() >= deadline:
            return False
        session.wait(0.01)
    return True


def _set_access(session: LocalSession, database: Database, value: str) -> None:
    del session
    database.set_user_access(UserAccess(value))


def _set_updates(session: LocalSession, database: Database, value: str) -> None:
    if database.state is DatabaseState.STANDBY:
        raise SqlError(
            5063,
            f'Database "{database.name}" is in warm standby. A warm-standby database is read-only.',
            follow=(_failed(),),
        )
    session.release_database(database.name)
    database.set_read_only(read_only=value == "READ_ONLY")


def _set_state(session: LocalSession, database: Database, value: str) -> None:
    session.release_database(database.name)
    if value == "ONLINE":
        database.set_online()
        return
    if session.database.lower() == database.name.lower():
        session.leave_database("master")
    database.set_offline(session)


_APPLY: dict[str, Callable[[LocalSession, Database, str], None]] = {
    "ACCESS": _set_access,
    "UPDATES": _set_updates,
    "STATE": _set_state,
}


def check_database(session: LocalSession, frame: Frame, statement: server.CheckDatabase) -> Iterator[Event]:
    """DBCC CHECKDB: SQLite's integrity check over the data file.

    :raises SqlError: 8921-like when it finds damage: 8939 with SQLite's sentence.
    """
    name = session.database if statement.database is None else text_of(frame, statement.database)
    if session.request is not None:
        session.request.command = "DBCC TABLE CHECK"
    home = session.home(name)
    problems = [row[0] for row in home.connection.execute("PRAGMA main.integrity_check(100)")]
    if problems != ["ok"]:
        raise SqlError(8939, f"Table error in database '{home.name}': {problems[0]}", severity=16, state=98)
    if not statement.no_messages:
        yield Message(
            8989, f"CHECKDB found 0 allocation errors and 0 consistency errors in database '{home.name}'.", severity=10
        )
        yield Message(
            2528, "DBCC execution completed. If DBCC printed error messages, contact your system administrator.", 10
        )


def checkpoint(session: LocalSession, frame: Frame, statement: server.Checkpoint) -> Iterator[Event]:
    """CHECKPOINT."""
    del frame, statement
    database = session.instance.catalog.find(session.database)
    if database is not None:
        database.checkpoint()
    yield from ()
