"""SET options, KILL and WAITFOR."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from include.standins.sqlserver.engine.operands import value_of
from include.standins.sqlserver.errors import SqlError, not_modelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.results import Event
    from include.standins.sqlserver.tsql import server_statements as server

_ONLY: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("ANSI_NULLS", "CONCAT_NULL_YIELDS_NULL"), ("on",)),
    **dict.fromkeys(
        ("NUMERIC_ROUNDABORT", "FMTONLY", "NOEXEC", "PARSEONLY", "SHOWPLAN_ALL", "SHOWPLAN_TEXT", "SHOWPLAN_XML"),
        ("off",),
    ),
    "DATEFORMAT": ("mdy",),
    "DATEFIRST": ("7",),
    "LANGUAGE": ("us_english", "english"),
}
"""Options whose other values would change results."""
_DELAY = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.:](\d{1,7}))?)?$")


def set_option(session: LocalSession, frame: Frame, statement: server.SetOption) -> Iterator[Event]:
    """SET: what changes results is followed or refused; what only tunes the engine is accepted."""
    del frame
    if statement.options[0] == "IDENTITY_INSERT":
        _identity_insert(session, statement)
        return
    for option in statement.options:
        _set(session, option, statement.value)
    yield from ()


def _set(session: LocalSession, option: str, value: str) -> None:
    settings = session.settings
    on = value == "ON"
    if option == "NOCOUNT":
        settings.nocount = on
    elif option == "XACT_ABORT":
        settings.xact_abort = on
    elif option == "IMPLICIT_TRANSACTIONS":
        settings.implicit_transactions = on
    elif option == "LOCK_TIMEOUT":
        milliseconds = int(value)
        session.transaction.lock_timeout = None if milliseconds < 0 else milliseconds / 1000
    elif option == "ROWCOUNT":
        settings.row_count = int(value)
    elif value.lower() not in _ONLY.get(option, (value.lower(),)):
        raise not_modelled(f"SET {option} {value}")


def _identity_insert(session: LocalSession, statement: server.SetOption) -> None:
    table = statement.options[1].rsplit(".", 1)[-1].lower()
    key = f"{session.database.lower()}.{table}"
    if statement.value == "OFF":
        session.settings.identity_insert = None
        return
    found = session.home().schema().table(table)
    if found is None:
        raise SqlError(
            1088,
            f'Cannot find the object "{statement.options[1]}" because it does not exist or you do not have '
            "permissions.",
        )
    if found.identity is None:
        raise SqlError(8106, f"Table '{found.name}' does not have the identity property. Cannot perform SET operation.")
    taken = session.settings.identity_insert
    if taken is not None and taken != key:
        raise SqlError(
            8107,
            f"IDENTITY_INSERT is already ON for table '{taken}'. Cannot perform SET operation for "
            f"table '{found.name}'.",
        )
    session.settings.identity_insert = key


def kill(session: LocalSession, frame: Frame, statement: server.Kill) -> Iterator[Event]:
    """KILL.

    :raises SqlError: 6104 for oneself, 6106 for a session that does not exist, 6107 for the engine's own.
    """
    del frame
    if statement.session == session.spid:
        raise SqlError(6104, "Cannot use KILL to kill your own process.")
    if 0 < statement.session <= 50:
        raise SqlError(6107, "Only user processes can be killed.", severity=14)
    victim = session.instance.session(statement.session)
    if victim is None:
        raise SqlError(6106, f"Process ID {statement.session} is not an active process ID.")
    victim.kill()
    yield from ()


def wait_for(session: LocalSession, frame: Frame, statement: server.WaitFor) -> Iterator[Event]:
    """WAITFOR DELAY and TIME."""
    text = str(value_of(frame, statement.value) or "")
    found = _DELAY.match(text.strip())
    if found is None:
        raise SqlError(148, f"Incorrect time syntax in time string '{text}' used with WAITFOR.", severity=15)
    hours, minutes, seconds, fraction = found.groups()
    delay = timedelta(hours=int(hours), minutes=int(minutes), seconds=float(f"{seconds or 0}.{fraction or 0}"))
    if statement.until:
        now = session.instance.catalog.clock.now()
        moment = now.replace(hour=0, minute=0, second=0, microsecond=0) + delay
        delay = moment - now if moment >= now else moment + timedelta(days=1) - now
    if session.request is not None:
        session.request.command = "WAITFOR"
        session.request.wait = "WAITFOR"
    deadline = time.monotonic() + delay.total_seconds()
    session.check()
    while (left := deadline - time.monotonic()) > 0:
        session.wait(left)
    yield from ()
