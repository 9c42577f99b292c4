"""Runs a client's requests on its session: batches, prepared statements, procedures, transactions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.results import DatabaseChanged, Event, Parameter, Session, SqlType
from include.standins.sqlserver.wire import tokens
from include.standins.sqlserver.wire.byte_reader import ProtocolError
from include.standins.sqlserver.wire.calls import (
    Argument,
    Call,
    TransactionVerb,
    named,
    read_batch,
    read_calls,
    read_transaction_request,
)
from include.standins.sqlserver.wire.packets import (
    RESET_CONNECTION,
    RESET_KEEPING_TRANSACTION,
    PacketType,
    Request,
)
from include.standins.sqlserver.wire.tokens import Done, DoneStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from include.standins.sqlserver.wire.answer import Answer

_HANDLE = SqlType("int")


@dataclass(frozen=True, slots=True)
class _Prepared:
    declaration: str
    sql: str


class Execution:
    """The requests of one session, in order."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._prepared: dict[int, _Prepared] = {}
        self._handles = itertools.count(1)

    def run(self, request: Request, answer: Answer) -> None:
        """Run a request and write everything but the end of its answer."""
        self._reset_if_asked(request, answer)
        try:
            self._run(request, answer)
        except SqlError as error:
            answer.fail(error)
        except ProtocolError as error:
            answer.fail(
                SqlError(8009, f"The incoming tabular data stream (TDS) is incorrect: {error}.", ends_batch=True)
            )

    def _run(self, request: Request, answer: Answer) -> None:
        if request.type is PacketType.SQL_BATCH:
            sql = read_batch(request.body)
            answer.run(lambda: self._session.execute(sql))
        elif request.type is PacketType.RPC:
            self._calls(read_calls(request.body), answer)
        elif request.type is PacketType.TRANSACTION_MANAGER:
            self._transaction(request.body, answer)
        elif request.type is PacketType.BULK_LOAD:
            raise not_modelled("Bulk copy")
        else:
            raise not_modelled(f"A {request.type.name} message after the login")

    def _reset_if_asked(self, request: Request, answer: Answer) -> None:
        """Do what a connection pool asks before it hands a connection out again."""
        keeps = request.status & RESET_KEEPING_TRANSACTION and self._session.transaction_descriptor
        if not request.status & (RESET_CONNECTION | RESET_KEEPING_TRANSACTION):
            return
        if not keeps and answer.run(self._reset):
            self._prepared.clear()
        answer.write(tokens.session_reset())

    def _reset(self) -> Iterator[Event]:
        before = self._session.database
        self._session.reset()
        if self._session.database != before:
            yield DatabaseChanged(before, self._session.database)

    def _transaction(self, body: bytes, answer: Answer) -> None:
        request = read_transaction_request(body)
        starts = {
            TransactionVerb.BEGIN: self._session.begin,
            TransactionVerb.COMMIT: self._session.commit,
            TransactionVerb.ROLLBACK: self._session.rollback,
        }
        if answer.run(starts[request.verb]) and request.begins_next:
            answer.run(self._session.begin)

    def _calls(self, calls: Sequence[Call], answer: Answer) -> None:
        answer.statement_end = Done.IN_PROCEDURE
        for call in calls:
            try:
                succeeded = self._call(call, answer)
            except SqlError as error:
                answer.fail(error, Done.PROCEDURE)
                continue
            if succeeded:
                answer.done(Done.PROCEDURE)
            else:
                answer.done(Done.PROCEDURE, DoneStatus.ERROR)

    def _call(self, call: Call, answer: Answer) -> bool:
        own = {
            "sp_executesql": self._execute_sql,
            "sp_prepare": self._prepare,
            "sp_execute": self._execute_prepared,
            "sp_prepexec": self._prepare_and_execute,
            "sp_unprepare": self._unprepare,
        }.get(call.procedure)
        if own is not None:
            return own(call.arguments, answer)
        if any(argument.is_output for argument in call.arguments):
            raise not_modelled(f"An output parameter of {call.procedure}")
        parameters = [argument.parameter for argument in call.arguments]
        return _succeeded(answer, lambda: self._session.call(call.procedure, parameters))

    def _execute_sql(self, arguments: Sequence[Argument], answer: Answer) -> bool:
        sql = _text(arguments, 0, "@statement")
        declaration = _text(arguments, 1, "@params") if len(arguments) > 1 else ""
        parameters = named(arguments[2:], declaration)
        return _succeeded(answer, lambda: self._session.execute(sql, parameters))

    def _prepare(self, arguments: Sequence[Argument], answer: Answer) -> bool:
        handle = self._keep(_Prepared(_text(arguments, 1, "@params"), _text(arguments, 2, "@stmt")))
        answer.write(tokens.return_status(0))
        answer.write(_returned_handle(arguments, handle))
        return True

    def _prepare_and_execute(self, arguments: Sequence[Argument], answer: Answer) -> bool:
        prepared = _Prepared(_text(arguments, 1, "@params"), _text(arguments, 2, "@stmt"))
        parameters = named(arguments[3:], prepared.declaration)
        if not _succeeded(answer, lambda: self._session.execute(prepared.sql, parameters)):
            return False
        answer.write(_returned_handle(arguments, self._keep(prepared)))
        return True

    def _execute_prepared(self, arguments: Sequence[Argument], answer: Answer) -> bool:
        prepared = self._prepared_by(_handle(arguments))
        parameters: list[Parameter] = named(arguments[1:], prepared.declaration)
        return _succeeded(answer, lambda: self._session.execute(prepared.sql, parameters))

    def _unprepare(self, arguments: Sequence[Argument], answer: Answer) -> bool:
        handle = _handle(arguments)
        self._prepared_by(handle)
        del self._prepared[handle]
        answer.write(tokens.return_status(0))
        return True

    def _keep(self, prepared: _Prepared) -> int:
        handle = next(self._handles)
        self._prepared[handle] = prepared
        return handle

    def _prepared_by(self, handle: int) -> _Prepared:
        if handle not in self._prepared:
            raise SqlError(8179, f"Could not find prepared statement with handle {handle}.", ends_batch=True)
        return self._prepared[handle]


def _succeeded(answer: Answer, events: Callable[[], Iterator[Event]]) -> bool:
    if not answer.run(events):
        return False
    answer.write(tokens.return_status(0))
    return True


def _returned_handle(arguments: Sequence[Argument], handle: int) -> bytes:
    return tokens.return_value(arguments[0].parameter.name, _HANDLE, handle)


def _text(arguments: Sequence[Argument], position: int, name: str) -> str:
    value = arguments[position].parameter.value if position < len(arguments) else None
    if value is None and name == "@params":
        return ""
    if not isinstance(value, str):
        raise SqlError(214, f"Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'.", ends_batch=True)
    return value


def _handle(arguments: Sequence[Argument]) -> int:
    value = arguments[0].parameter.value if arguments else None
    if not isinstance(value, int):
        raise SqlError(214, "Procedure expects parameter '@handle' of type 'int'.", ends_batch=True)
    return value
