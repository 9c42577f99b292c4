"""Constants and variables where a statement takes either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.values import to_python
from include.standins.sqlserver.tsql.expressions import Variable

if TYPE_CHECKING:
    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.tsql.server_statements import Operand


def value_of(frame: Frame, operand: Operand) -> str | int | None:
    """Return a constant, or what the variable holds."""
    if isinstance(operand, Variable):
        type_ = frame.type_of(operand.name)
        value = to_python(frame.cells[operand.name], type_)
        return value if value is None or isinstance(value, int | str) else str(value)
    return operand


def text_of(frame: Frame, operand: Operand) -> str:
    """Return a text.

    :raises SqlError: 3044 when a variable holds NULL.
    """
    value = value_of(frame, operand)
    if value is None:
        raise SqlError(3044, "Invalid zero-length device name. Reissue the BACKUP statement with a valid device name.")
    return str(value)


def number_of(frame: Frame, operand: Operand, *, option: str) -> int:
    """Return a whole number.

    :raises SqlError: 3013-like 102 when it is none.
    """
    value = value_of(frame, operand)
    try:
        return int(value if value is not None else "")
    except ValueError:
        raise SqlError(102, f"Incorrect syntax near '{value}': option {option} takes a number.", severity=15) from None
