"""A session's events as the tokens of one answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import BatchCancelled, SessionKilled, SqlError
from include.standins.sqlserver.results import (
    DatabaseChanged,
    Event,
    Message,
    Rows,
    Session,
    StatementDone,
    StatementFailed,
    TransactionChanged,
)
from include.standins.sqlserver.wire import tokens
from include.standins.sqlserver.wire.channel import ConnectionEndedError
from include.standins.sqlserver.wire.encoders import row_encoder
from include.standins.sqlserver.wire.tokens import Change, Done, DoneStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from include.standins.sqlserver.wire.packets import MessageWriter

FATAL_SEVERITY = 20
_ROWS_PER_WRITE = 128
_TRANSACTION_CHANGES = {
    "begun": Change.TRANSACTION_BEGUN,
    "committed": Change.TRANSACTION_COMMITTED,
    "rolled back": Change.TRANSACTION_ROLLED_BACK,
}
_logger = logging.getLogger(__name__)


class Answer:
    """One message to the client, being written.

    A DONE is held back until it is known whether something follows, for its MORE flag.

    :param stopped: whether the client wants the request stopped, or is gone.
    """

    def __init__(
        self, writer: MessageWriter, *, server: str, session: Session | None, stopped: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._server = server
        self._session = session
        self._stopped = stopped
        self._held: tuple[Done, DoneStatus, int, int] | None = None
        self.statement_end = Done.DONE
        self.is_fatal = False

    def write(self, token: bytes) -> None:
        """Add a token that is no DONE."""
        self._release(DoneStatus.MORE)
        self._writer.write(token)

    def done(self, token: Done, status: DoneStatus = DoneStatus.FINAL, *, command: int = 0, count: int = 0) -> None:
        """End a statement or procedure."""
        self._release(DoneStatus.MORE)
        self._held = (token, status, command, count)

    def run(self, events: Callable[[], Iterator[Event]]) -> bool:
        """Send all events, whatever happens; return whether no error ended them."""
        try:
            self._send_all(events())
        except ConnectionEndedError:
            raise
        except SqlError as error:
            self.fail(error)
        except BatchCancelled:
            return False
        except SessionKilled:
            self.fail(
                SqlError(596, "Cannot continue the execution because the session is in the kill state.", severity=21)
            )
        except Exception:
            _logger.exception("A request failed inside the local SQL Server.")
            self.fail(_internal_error())
        else:
            return True
        return False

    def fail(self, error: SqlError, token: Done | None = None) -> None:
        """Send an error and those that follow it, each as its own token."""
        for each in _flat(error):
            self.write(tokens.error_token(each, server=self._server))
            self.is_fatal = self.is_fatal or each.severity >= FATAL_SEVERITY
        self.done(token or self.statement_end, DoneStatus.ERROR)

    def finish(self, *, attention: bool) -> None:
        """End the message; `attention` acknowledges that the client stopped the request."""
        if attention:
            self.done(Done.DONE, DoneStatus.ATTENTION)
        elif self._held is None:
            self.done(Done.DONE)
        self._release(DoneStatus.FINAL)
        self._writer.finish()

    def _release(self, more: DoneStatus) -> None:
        if self._held is None:
            return
        token, status, command, count = self._held
        if self._session is not None and self._session.transaction_descriptor:
            status |= DoneStatus.IN_TRANSACTION
        self._writer.write(tokens.done(token, status | more, command=command, count=count))
        self._held = None

    def _send_all(self, events: Iterator[Event]) -> None:
        try:
            event = next(events, None)
            while event is not None:
                if self._stopped():
                    raise BatchCancelled
                event = self._send(event, events)
        finally:
            close = getattr(events, "close", None)
            if close is not None:
                close()

    def _send(self, event: Event, events: Iterator[Event]) -> Event | None:
        """Send an event and return the next one."""
        if isinstance(event, Rows):
            try:
                self._rows(event)
            except (
                SqlError,
                BatchCancelled,
                SessionKilled,
            ) as error:  # the session decides what its statement's end means
                return _thrown_into(events, error)
        else:
            self._other(event)
        return next(events, None)

    def _rows(self, result: Rows) -> None:
        encode, parts = row_encoder(result.columns), []
        self.write(tokens.column_metadata(result.columns))
        try:
            for row in result.rows:
                parts.append(encode(row))
                if len(parts) == _ROWS_PER_WRITE:
                    self._writer.write(b"".join(parts))
                    parts.clear()
                    if self._stopped():
                        raise BatchCancelled
        finally:
            self._writer.write(b"".join(parts))

    def _other(self, event: Event) -> None:
        match event:
            case StatementDone(command, None):
                self.done(self.statement_end, command=command)
            case StatementDone(command, int() as count):
                self.done(self.statement_end, DoneStatus.COUNT, command=command, count=count)
            case Message():
                self.write(tokens.info_token(event, server=self._server))
                self._writer.flush()
            case StatementFailed(error):
                self.fail(error)
            case DatabaseChanged(old, new):
                self.write(tokens.text_change(Change.DATABASE, new=new, old=old))
            case TransactionChanged(kind, descriptor):
                self.write(tokens.transaction_change(_TRANSACTION_CHANGES[kind], descriptor))


def _thrown_into(events: Iterator[Event], error: Exception) -> Event | None:
    """Raise the error where the session's generator stands; return the event that it yields next."""
    throw = getattr(events, "throw", None)
    if throw is None:
        raise error
    try:
        following: Event = throw(error)
    except StopIteration:
        return None
    return following


def _flat(error: SqlError) -> Iterator[SqlError]:
    yield error
    for follower in error.follow:
        yield from _flat(follower)


def _internal_error() -> SqlError:
    return SqlError(
        50000,
        "The local SQL Server met an internal error; its log has the details. The connection is closed.",
        severity=FATAL_SEVERITY,
    )
