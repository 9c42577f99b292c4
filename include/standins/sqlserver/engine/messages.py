"""PRINT, RAISERROR, THROW and EXEC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine.compiling import evaluate, evaluate_python
from include.standins.sqlserver.engine.procedures import call_procedure
from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.conversions import to_text
from include.standins.sqlserver.query.values import encode, to_python
from include.standins.sqlserver.results import Event, Message, Parameter, SqlType
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.cursor import TokenCursor
from include.standins.sqlserver.tsql.parse_control import parse_declare
from include.standins.sqlserver.tsql.tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.session import LocalSession

_PLACEHOLDER = re.compile(r"%(?:[-+0 #]*\d*(?:\.\d+)?)(?:l|h|I64)?([diosuxX])|%%")
_USER_ERROR = 50000


def print_text(session: LocalSession, frame: Frame, statement: st.Print) -> Iterator[Event]:
    """PRINT."""
    cell, type_ = evaluate(session, frame, statement.value)
    text = " " if cell is None else to_text(to_python(cell, type_), type_)
    yield Message(0, text[:8000])


def raise_error(session: LocalSession, frame: Frame, statement: st.RaiseError) -> Iterator[Event]:
    """RAISERROR: a message up to severity 10, an error above."""
    message, severity, state, *rest = (evaluate_python(session, frame, each) for each in statement.arguments)
    if not isinstance(message, str):
        raise not_modelled("RAISERROR with a message number")
    if int(severity) > 18:
        raise SqlError(
            2754,
            "Error severity levels greater than 18 can only be specified by members of the sysadmin "
            "role, using the WITH LOG option.",
        )
    text = _formatted(message, rest)[:2047]
    if int(severity) <= 10:
        yield Message(_USER_ERROR, text, int(severity), int(state))
        return
    raise SqlError(_USER_ERROR, text, severity=int(severity), state=max(1, int(state)))


def _formatted(message: str, values: list[Any]) -> str:
    left = list(values)

    def replace(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = left.pop(0) if left else None
        if value is None:
            return "(null)"
        return f"{value:x}" if found[1] in "xX" else str(value)

    return _PLACEHOLDER.sub(replace, message)


def throw(session: LocalSession, frame: Frame, statement: st.Throw) -> Iterator[Event]:
    """THROW: a new error, or the caught one again.

    :raises SqlError: always; 10704 for THROW without arguments outside CATCH.
    """
    if not statement.arguments:
        if not session.caught:
            raise SqlError(
                10704,
                "To rethrow an error, a THROW statement must be used inside a CATCH block.",
                severity=15,
                ends_batch=True,
            )
        caught = session.caught[-1]
        raise SqlError(
            caught.number,
            caught.message,
            severity=caught.severity,
            state=caught.state,
            follow=caught.follow,
            ends_batch=True,
        )
    number, message, state = (evaluate_python(session, frame, each) for each in statement.arguments)
    if int(number) < _USER_ERROR:
        raise SqlError(
            35100,
            f"Error number {number} in the THROW statement is outside the valid range. Specify an error number in the "
            "valid range of 50000 to 2147483647.",
            severity=15,
            ends_batch=True,
        )
    raise SqlError(int(number), str(message), state=int(state), ends_batch=True)


def execute_text(session: LocalSession, frame: Frame, statement: st.ExecuteText) -> Iterator[Event]:
    """EXEC (text)."""
    text = evaluate_python(session, frame, statement.text)
    if text is not None:
        yield from session.run(str(text), nesting=frame.nesting + 1)


def execute(session: LocalSession, frame: Frame, statement: st.Execute) -> Iterator[Event]:
    """EXEC procedure."""
    name = statement.procedure[-1].lower()
    if any(argument.output for argument in statement.arguments):
        raise not_modelled("An OUTPUT argument of EXEC")
    if name == "sp_executesql":
        yield from _execute_sql(session, frame, statement)
    else:
        values: dict[str, Any] = {}
        for place, argument in enumerate(statement.arguments):
            values[argument.name or f"#{place}"] = _value(session, frame, argument.value)
        yield from call_procedure(session, statement.procedure[-1], values)
    if statement.result is not None:
        frame.cells[statement.result] = encode(0, frame.type_of(statement.result))


def _value(session: LocalSession, frame: Frame, node: ast.Expression) -> Any:
    if isinstance(node, ast.Default):
        return None
    return evaluate_python(session, frame, node)


def _execute_sql(session: LocalSession, frame: Frame, statement: st.Execute) -> Iterator[Event]:
    """sp_executesql N'text', N'@a int, ...', values."""
    first, *rest = statement.arguments
    text = str(evaluate_python(session, frame, first.value))
    parameters: list[Parameter] = []
    if rest:
        declared = _declared(str(evaluate_python(session, frame, rest[0].value)))
        for place, (name, type_) in enumerate(declared):
            given = next((each for each in rest[1:] if each.name == name), None)
            if given is None and place + 1 < len(rest) and rest[place + 1].name is None:
                given = rest[place + 1]
            if given is None:
                raise SqlError(8178, f"The parameterized query expects the parameter '{name}', which was not supplied.")
            cell, source = evaluate(session, frame, given.value)
            parameters.append(Parameter(name, type_, to_python(_converted(cell, source, type_), type_)))
    yield from session.run(text, parameters, nesting=frame.nesting + 1)


def _converted(cell: Any, source: SqlType, target: SqlType) -> Any:
    from include.standins.sqlserver.query.conversions import converter

    return cell if cell is None or source == target else converter(source, target)(cell)


def _declared(text: str) -> list[tuple[str, SqlType]]:
    if not text.strip():
        return []
    declaration = parse_declare(TokenCursor(tokenize(f"DECLARE {text}")))
    return [(name, type_) for name, type_, _ in declaration.variables]
