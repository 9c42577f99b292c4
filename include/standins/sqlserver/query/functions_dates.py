"""Date functions. GETDATE and its kin are one value per statement, as in SQL Server."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.dates import BASE, at_midnight, decode_datetime, encode_datetime
from include.standins.sqlserver.query.function_library import Rule, arguments
from include.standins.sqlserver.query.types import BIGINT, DATETIME, DATETIME2, INT, family
from include.standins.sqlserver.results import SqlType
from include.standins.sqlserver.tsql import expressions as ast

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler

_PARTS = {
    **dict.fromkeys(("year", "yy", "yyyy"), "year"),
    **dict.fromkeys(("quarter", "qq", "q"), "quarter"),
    **dict.fromkeys(("month", "mm", "m"), "month"),
    **dict.fromkeys(("day", "dd", "d"), "day"),
    **dict.fromkeys(("dayofyear", "dy", "y"), "dayofyear"),
    **dict.fromkeys(("week", "wk", "ww"), "week"),
    **dict.fromkeys(("weekday", "dw"), "weekday"),
    **dict.fromkeys(("hour", "hh"), "hour"),
    **dict.fromkeys(("minute", "mi", "n"), "minute"),
    **dict.fromkeys(("second", "ss", "s"), "second"),
    **dict.fromkeys(("millisecond", "ms"), "millisecond"),
    **dict.fromkeys(("microsecond", "mcs"), "microsecond"),
    **dict.fromkeys(("nanosecond", "ns"), "nanosecond"),
    **dict.fromkeys(("isowk", "isoww", "iso_week"), "iso_week"),
}
_MONTHS_EACH = {"year": 12, "quarter": 3, "month": 1}
_SECONDS = {"week": 604800, "day": 86400, "dayofyear": 86400, "weekday": 86400, "hour": 3600, "minute": 60, "second": 1}
_FRACTIONS = {"millisecond": 1000, "microsecond": 1_000_000, "nanosecond": 1_000_000_000}
_A_SUNDAY = at_midnight(date(1899, 12, 31))


def _part(node: ast.Expression, function: str) -> str:
    if not isinstance(node, ast.Name) or node.parts[0].lower() not in _PARTS:
        text = node.parts[0] if isinstance(node, ast.Name) else "?"
        raise SqlError(155, f"'{text}' is not a recognized {function.lower()} option.", severity=15, ends_batch=True)
    return _PARTS[node.parts[0].lower()]


def _moment(compiler: ExpressionCompiler, node: ast.Expression) -> Emitted:
    """A date argument; a string is read as datetime2 and then has type datetime, as DATEADD has it."""
    value = compiler.value(node)
    if value.type is None:
        return Emitted("NULL", DATETIME)
    if family(value.type) == "string":
        return Emitted(compiler.convert(value, DATETIME2).sql, DATETIME)
    if family(value.type) not in {"datetime", "date"}:
        raise not_modelled(f"A date function of {value.type.name}")
    return value


def _dateadd(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    part_node, number, moment_node = arguments(call, 3)
    part = _part(part_node, "DATEADD")
    moment = _moment(compiler, moment_node)
    moment_type = moment.known_type
    count = compiler.convert(compiler.value(number), INT)
    full = compiler.convert(moment, DATETIME2).sql
    added = Emitted(f"ts_dateadd('{part}', {count.sql}, {full})", DATETIME2)
    return compiler.convert(added, moment_type)


def _datediff(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    part_node, first, second = arguments(call, 3)
    part = _part(part_node, "DATEDIFF")
    start, end = (compiler.convert(_moment(compiler, each), DATETIME2).sql for each in (first, second))
    type_ = BIGINT if call.name == "DATEDIFF_BIG" else INT
    return Emitted(f"ts_{type_.name}_difference(ts_datediff('{part}', {start}, {end}))", type_)


def _datepart(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    part_node, moment = arguments(call, 2)
    part = _part(part_node, call.name)
    return _read_part(compiler, part, moment)


def _read_part(compiler: ExpressionCompiler, part: str, moment: ast.Expression) -> Emitted:
    return Emitted(f"ts_datepart('{part}', {compiler.convert(_moment(compiler, moment), DATETIME2).sql})", INT)


def _datename(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    part_node, moment = arguments(call, 2)
    part = _part(part_node, call.name)
    text = f"ts_datename('{part}', {compiler.convert(_moment(compiler, moment), DATETIME2).sql})"
    return Emitted(text, SqlType("nvarchar", 30))


def _fixed_part(part: str) -> Rule:
    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        return _read_part(compiler, part, arguments(call, 1)[0])

    return rule


def _now(type_: SqlType) -> Rule:
    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        arguments(call, 0)
        return Emitted(compiler.context.bind("now", type_), type_)

    return rule


def _eomonth(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    nodes = arguments(call, 1, 2)
    moment = compiler.convert(_moment(compiler, nodes[0]), DATETIME2).sql
    count = compiler.convert(compiler.value(nodes[1]), INT).sql if len(nodes) > 1 else "0"
    return Emitted(f"ts_eomonth({moment}, {count})", SqlType("date"))


RULES: dict[str, Rule] = {
    "DATEADD": _dateadd,
    "DATEDIFF": _datediff,
    "DATEDIFF_BIG": _datediff,
    "DATEPART": _datepart,
    "DATENAME": _datename,
    "YEAR": _fixed_part("year"),
    "MONTH": _fixed_part("month"),
    "DAY": _fixed_part("day"),
    "EOMONTH": _eomonth,
    "GETDATE": _now(DATETIME),
    "GETUTCDATE": _now(DATETIME),
    "CURRENT_TIMESTAMP": _now(DATETIME),
    "SYSDATETIME": _now(DATETIME2),
    "SYSUTCDATETIME": _now(DATETIME2),
}


# --- what the connection runs


def dateadd(part: str, count: int | None, text: str | None) -> str | None:
    """DATEADD on sortable text.

    :raises SqlError: 517 when the result is no date.
    """
    if count is None or text is None:
        return None
    moment = decode_datetime(text)
    try:
        if part in _MONTHS_EACH:
            return encode_datetime(_add_months(moment, count * _MONTHS_EACH[part]))
        if part in _SECONDS:
            return encode_datetime(moment + timedelta(seconds=count * _SECONDS[part]))
        return encode_datetime(moment + timedelta(microseconds=round(count * 1_000_000 / _FRACTIONS[part])))
    except (OverflowError, ValueError):
        raise SqlError(517, "Adding a value to a 'datetime' column caused an overflow.") from None


def _add_months(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def datediff(part: str, start_text: str | None, end_text: str | None) -> int | None:
    """DATEDIFF: boundaries crossed, not time elapsed."""
    if start_text is None or end_text is None:
        return None
    start, end = decode_datetime(start_text), decode_datetime(end_text)
    if part in _MONTHS_EACH:
        return _months(end) // _MONTHS_EACH[part] - _months(start) // _MONTHS_EACH[part]
    if part == "week":
        return (_since_sunday(end) - _since_sunday(start)) // 7
    if part in _SECONDS:
        return _whole_units(end, _SECONDS[part]) - _whole_units(start, _SECONDS[part])
    if part == "millisecond":
        return (end - BASE) // timedelta(milliseconds=1) - (start - BASE) // timedelta(milliseconds=1)
    return (end - start) // timedelta(microseconds=1) * (_FRACTIONS[part] // 1_000_000)


def _months(moment: datetime) -> int:
    return moment.year * 12 + moment.month - 1


def _since_sunday(moment: datetime) -> int:
    """Days from a Sunday to the Sunday that begins the moment's week: DATEDIFF's weeks always begin on Sunday."""
    days = (moment - _A_SUNDAY).days
    return days - days % 7


def _whole_units(moment: datetime, seconds: int) -> int:
    return (moment - BASE) // timedelta(seconds=seconds)


def datepart(part: str, text: str | None) -> int | None:
    """DATEPART with DATEFIRST 7 (us_english)."""
    if text is None:
        return None
    moment = decode_datetime(text)
    first_weekday = (moment.replace(month=1, day=1).weekday() + 1) % 7
    values = {
        "quarter": (moment.month + 2) // 3,
        "dayofyear": moment.timetuple().tm_yday,
        "week": (moment.timetuple().tm_yday - 1 + first_weekday) // 7 + 1,
        "weekday": (moment.weekday() + 1) % 7 + 1,
        "iso_week": moment.isocalendar().week,
        "millisecond": moment.microsecond // 1000,
        "nanosecond": moment.microsecond * 1000,
    }
    return int(values[part] if part in values else getattr(moment, part))


def eomonth(text: str | None, months: int | None) -> str | None:
    """EOMONTH."""
    if text is None:
        return None
    moment = _add_months(decode_datetime(text), months or 0)
    return moment.replace(day=calendar.monthrange(moment.year, moment.month)[1]).date().isoformat()


def datename(part: str, text: str | None) -> str | None:
    """DATENAME in English."""
    if text is None:
        return None
    if part == "month":
        return calendar.month_name[decode_datetime(text).month]
    if part == "weekday":
        return calendar.day_name[decode_datetime(text).weekday()]
    return str(datepart(part, text))
