"""T-SQL values in SQLite cells, and back to Python's values for the wire."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

from include.standins.sqlserver.query import dates
from include.standins.sqlserver.query.decimals import at_scale, decode_decimal, encode_decimal
from include.standins.sqlserver.query.types import family

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.results import SqlType

Cell: TypeAlias = int | float | str | bytes | None
"""What SQLite keeps: whole numbers and bits as integers, decimals and times as sortable text."""


def encode(value: Any, type_: SqlType) -> Cell:
    """Return the cell of a Python value of this type (as the wire or a catalog view brings it)."""
    return None if value is None else _ENCODERS[family(type_)](value)


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return dates.at_midnight(value)
    return dates.parse_datetime(str(value))


def to_python(cell: Cell, type_: SqlType) -> Any:
    """Return the Python value of a cell."""
    decode = decoder(type_)
    return cell if cell is None or decode is None else decode(cell)


def decoder(type_: SqlType) -> Callable[[Any], Any] | None:
    """Return what turns a cell that is not NULL into the wire's value; None when it is that value already."""
    kind = family(type_)
    if kind == "decimal":
        scale = 4 if type_.name in {"money", "smallmoney"} else type_.scale
        return lambda cell: at_scale(decode_decimal(cell), scale)
    if type_.name == "bit":
        return bool
    return _DECODERS.get(kind)


_ENCODERS: dict[str, Callable[[Any], Cell]] = {
    "int": int,
    "decimal": lambda value: encode_decimal(value if isinstance(value, Decimal) else Decimal(str(value))),
    "float": float,
    "string": str,
    "binary": bytes,
    "datetime": lambda value: dates.encode_datetime(_datetime(value)),
    "date": lambda value: _datetime(value).date().isoformat(),
    "time": lambda value: dates.encode_time(value if isinstance(value, time) else _datetime(value).time()),
    "guid": lambda value: str(value).upper(),
}
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "datetime": dates.decode_datetime,
    "date": date.fromisoformat,
    "time": dates.decode_time,
    "guid": UUID,
    "float": float,
}
