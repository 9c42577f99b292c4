"""An instance in this process, and sessions whose answers are easy to look at."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine.instance import LocalInstance, open_instance
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import Event, Login, Message, Parameter, Rows, StatementDone, StatementFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from include.standins.sqlserver.engine.session import LocalSession

PASSWORD = "Local-password-1"


@dataclass
class Answer:
    """What a batch answered."""

    results: list[list[tuple[Any, ...]]] = field(default_factory=list)
    columns: list[list[str]] = field(default_factory=list)
    types: list[list[str]] = field(default_factory=list)
    counts: list[int | None] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The last result's rows."""
        return self.results[-1]

    @property
    def value(self) -> Any:
        """The first cell of the last result."""
        return self.results[-1][0][0]


class LabSession:
    """A session; `run` raises a statement's error, `answer` collects it."""

    def __init__(self, session: LocalSession) -> None:
        self.session = session
        self.disconnected = threading.Event()

    def run(self, sql: str, parameters: Sequence[Parameter] = ()) -> Answer:
        """Run a batch and raise its first error."""
        answer = Answer()
        self._collect(self.session.execute(sql, parameters), answer, raising=True)
        return answer

    def answer(self, sql: str) -> Answer:
        """Run a batch and collect its errors."""
        answer = Answer()
        try:
            self._collect(self.session.execute(sql), answer, raising=False)
        except SqlError as error:
            answer.errors.append(error.number)
        return answer

    def error(self, sql: str) -> SqlError:
        """Run a batch that must fail and return its first error."""
        try:
            self.run(sql)
        except SqlError as error:
            return error
        raise AssertionError(f"no error: {sql}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of the last result."""
        return self.run(sql).rows

    def value(self, sql: str) -> Any:
        """The first cell of the last result."""
        return self.run(sql).value

    def close(self) -> None:
        """End the session."""
        self.session.close()

    def _collect(self, events: Iterator[Event], answer: Answer, *, raising: bool) -> None:
        with closing(events):  # as the wire closes it
            for event in events:
                answer.events.append(event)
                _add(event, answer, raising=raising)


def _add(event: Event, answer: Answer, *, raising: bool) -> None:
    if isinstance(event, Rows):
        answer.columns.append([column.name for column in event.columns])
        answer.types.append([column.type.name for column in event.columns])
        answer.results.append([tuple(row) for row in event.rows])
    elif isinstance(event, StatementDone):
        answer.counts.append(event.count)
    elif isinstance(event, Message):
        answer.messages.append(event.text)
    elif isinstance(event, StatementFailed):
        if raising:
            raise event.error
        answer.errors.append(event.error.number)


class Lab:
    """An instance under a folder."""

    def __init__(self, root: Path, name: str = "LAB01") -> None:
        self.root = root
        self.instance: LocalInstance = open_instance(name=name, root=root, password=PASSWORD)
        self._sessions: list[LabSession] = []

    def session(self, database: str = "", *, password: str = PASSWORD, user: str = "sa") -> LabSession:
        """Log in."""
        login = Login(
            user=user, password=password, database=database, host="desk", application="lab", interface="tests"
        )
        gone = threading.Event()
        lab = LabSession(self.instance.login(login, disconnect=gone.set))
        lab.disconnected = gone
        self._sessions.append(lab)
        return lab

    def close(self) -> None:
        """End all sessions and the instance."""
        for session in self._sessions:
            session.close()
        self.instance.catalog.close()
