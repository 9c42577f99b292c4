"""Who waits for whom: deadlocks between sessions that write to two databases, and transaction numbers."""

from __future__ import annotations

import itertools
import threading

from include.standins.sqlserver.engine.homes import Home, UserHome
from include.standins.sqlserver.errors import SqlError


class Waiting:
    """The sessions that wait for a database's one writer's place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._databases: dict[object, UserHome] = {}
        self._descriptors = itertools.count(1)

    def next_descriptor(self) -> int:
        """Return a number for a transaction."""
        return next(self._descriptors)

    def enter(self, owner: object, home: Home) -> None:
        """Note that a session waits for a database."""
        if isinstance(home, UserHome):
            with self._lock:
                self._databases[owner] = home

    def leave(self, owner: object) -> None:
        """Note that it waits no longer."""
        with self._lock:
            self._databases.pop(owner, None)

    def blocker(self, owner: object) -> object | None:
        """Return the session that a waiting session waits for."""
        home = self._databases.get(owner)
        return None if home is None else home.database.writer

    def check_deadlock(self, owner: object) -> None:
        """Choose the asking session as the victim when the sessions it waits for end in itself.

        :raises SqlError: 1205.
        """
        with self._lock:
            seen = set()
            blocker = self.blocker(owner)
            while blocker is not None and blocker not in seen:
                if blocker is owner:
                    del self._databases[owner]
                    raise _deadlock(owner)
                seen.add(blocker)
                blocker = self.blocker(blocker)


def _deadlock(owner: object) -> SqlError:
    spid = getattr(owner, "spid", "?")
    return SqlError(
        1205,
        f"Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as "
        "the deadlock victim. Rerun the transaction.",
        severity=13,
        state=51,
        ends_batch=True,
    )
