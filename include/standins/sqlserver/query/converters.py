"""Numbers for conversions: the compiled SQL names a conversion by its number, the connection looks it up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from include.standins.sqlserver.query.conversions import converter

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.query.values import Cell
    from include.standins.sqlserver.results import SqlType

_numbers: dict[tuple[SqlType, SqlType, int], int] = {}
_converters: list[Callable[[Cell], Cell]] = []
_lock = threading.Lock()


def converter_number(source: SqlType, target: SqlType, style: int) -> int:
    """Return the number of a conversion, the same one for the life of the process.

    :raises SqlError: 40515 for a pair of types that is not modelled.
    """
    key = (source, target, style)
    number = _numbers.get(key)
    if number is None:
        convert = converter(source, target, style)
        with _lock:
            number = _numbers.setdefault(key, len(_converters))
            if number == len(_converters):
                _converters.append(convert)
    return number


def convert(number: int, cell: Cell) -> Cell:
    """Apply a conversion by its number."""
    return _converters[number](cell)
