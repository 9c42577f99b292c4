"""The instance: logins, sessions, who uses which database."""

from __future__ import annotations

import hmac
import itertools
import os
import threading
from typing import TYPE_CHECKING

from include.standins.sqlserver.backup.opening import open_catalog
from include.standins.sqlserver.engine.batches import Batches
from include.standins.sqlserver.engine.homes import SYSTEM_DATABASES
from include.standins.sqlserver.engine.msdb_cells import cell_format
from include.standins.sqlserver.engine.session import LocalSession
from include.standins.sqlserver.engine.waiting import Waiting
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.storage.properties import UserAccess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from include.standins.sqlserver.results import Login
    from include.standins.sqlserver.storage.database import Database

LOGIN_NAME = "sa"
_FIRST_SPID = 51


class LocalInstance:
    """One local SQL Server.

    :ivar name: @@SERVERNAME.
    """

    def __init__(self, *, name: str, root: Path, password: str) -> None:
        self.name = name
        self.batches = Batches()
        self.waiting = Waiting()
        self.process_id = os.getpid()
        self._password = password.encode()
        self._sessions: dict[int, LocalSession] = {}
        self._lock = threading.RLock()
        self.catalog = open_catalog(root, server_name=name, in_use=self.in_use, cells=cell_format())
        self.started = self.catalog.clock.now()

    def login(self, login: Login, *, disconnect: Callable[[], None]) -> LocalSession:
        """Open a session.

        :raises SqlError: 18456, or 4060 followed by 18456.
        """
        right = hmac.compare_digest(login.password.encode(), self._password)
        if not right or login.user.lower() != LOGIN_NAME:
            raise _login_failed(login.user)
        with self._lock:
            session = LocalSession(self, login, spid=self._next_spid(), disconnect=disconnect)
            self._sessions[session.spid] = session
        if login.database:
            try:
                session.enter_database(login.database)
            except SqlError as error:
                session.close()
                refused = SqlError(
                    4060,
                    f'Cannot open database "{login.database}" requested by the login. The login failed.',
                    severity=11,
                    follow=(_login_failed(login.user),),
                )
                raise refused from error
        return session

    def _next_spid(self) -> int:
        """The lowest session number that nobody has, as SQL Server counts."""
        return next(spid for spid in itertools.count(_FIRST_SPID) if spid not in self._sessions)

    def sessions(self) -> list[LocalSession]:
        """All sessions, by number."""
        with self._lock:
            return [self._sessions[spid] for spid in sorted(self._sessions)]

    def session(self, spid: int) -> LocalSession | None:
        """Find a session."""
        return self._sessions.get(spid)

    def forget(self, session: LocalSession) -> None:
        """Remove a closed session."""
        with self._lock:
            if self._sessions.get(session.spid) is session:
                del self._sessions[session.spid]

    def in_use(self, name: str, owner: object) -> list[int]:
        """The sessions other than `owner` that use a database."""
        return [session.spid for session in self.sessions() if session is not owner and session.uses(name)]

    def check_access(self, database: Database, session: LocalSession) -> None:
        """Raise 924 when another session has a SINGLE_USER database."""
        alone = database.properties.user_access is UserAccess.SINGLE_USER
        if alone and self.in_use(database.name, session):
            raise SqlError(
                924, f"Database '{database.name}' is already open and can only have one user at a time.", severity=14
            )

    @staticmethod
    def is_system(name: str) -> bool:
        """Whether a name is one of master, tempdb, model and msdb."""
        return name.lower() in SYSTEM_DATABASES


def open_instance(*, name: str, root: Path, password: str) -> LocalInstance:
    """Open the instance whose state is under `root`, recovering its databases."""
    return LocalInstance(name=name, root=root, password=password)


def _login_failed(user: str) -> SqlError:
    return SqlError(18456, f"Login failed for user '{user}'.", severity=14)
