"""String functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.function_library import Rule, arguments
from include.standins.sqlserver.query.types import BIGINT, INT, family
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
    from include.standins.sqlserver.tsql import expressions as ast


def _text(compiler: ExpressionCompiler, node: ast.Expression) -> Emitted:
    return compiler.as_text(compiler.value(node))


def _varying(type_: SqlType | None, length: int | None = -1) -> SqlType:
    """The varying string type of a function's result; -1 keeps the argument's length."""
    name = "nvarchar" if type_ is not None and type_.name.startswith("n") else "varchar"
    own = type_.length if type_ is not None else 1
    return SqlType(name, own if length == -1 else length)


def _same(function: str) -> Rule:
    """A function of one string with the same type."""

    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        text = _text(compiler, arguments(call, 1)[0])
        return Emitted(f"{function}({text.sql})", _varying(text.type))

    return rule


def _len(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    return Emitted(f"length(rtrim({_text(compiler, arguments(call, 1)[0]).sql}, ' '))", INT)


def _datalength(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    value = compiler.value(arguments(call, 1)[0])
    type_ = value.type
    if type_ is None:
        return Emitted("NULL", INT)
    kind = family(type_)
    if kind == "binary":
        return Emitted(f"length({value.sql})", INT)
    if kind == "string":
        return Emitted(f"length({value.sql}){' * 2' if type_.name.startswith('n') else ''}", INT)
    sizes = {
        "bit": 1,
        "tinyint": 1,
        "smallint": 2,
        "int": 4,
        "bigint": 8,
        "float": 8,
        "real": 4,
        "datetime": 8,
        "money": 8,
    }
    size = 16 if kind == "guid" else sizes.get(type_.name)
    if size is None:
        raise not_modelled(f"DATALENGTH of {type_.name}")
    return Emitted(f"(CASE WHEN {value.sql} IS NULL THEN NULL ELSE {size} END)", INT)


def _substring(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    node, start, length = arguments(call, 3)
    value = compiler.value(node)
    if value.type is not None and family(value.type) == "binary":
        source, type_ = value, SqlType("varbinary", value.type.length)
    else:
        source = compiler.as_text(value)
        type_ = _varying(source.type)
    first, count = (compiler.convert(compiler.value(each), BIGINT).sql for each in (start, length))
    return Emitted(f"ts_substring({source.sql}, {first}, {count})", type_)


def _left(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    text, count = _text(compiler, arguments(call, 2)[0]), compiler.convert(compiler.value(call.arguments[1]), BIGINT)
    return Emitted(f"ts_{call.name.lower()}({text.sql}, {count.sql})", _varying(text.type))


def _replace(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    text, old, new = (_text(compiler, each) for each in arguments(call, 3))
    return Emitted(f"ts_replace({text.sql}, {old.sql}, {new.sql})", _varying(text.type, 8000))


def _charindex(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    nodes = arguments(call, 2, 3)
    wanted, text = (_text(compiler, each) for each in nodes[:2])
    start = compiler.convert(compiler.value(nodes[2]), BIGINT).sql if len(nodes) > 2 else "1"
    return Emitted(f"ts_charindex({wanted.sql}, {text.sql}, {start})", INT)


def _patindex(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    pattern, text = (_text(compiler, each) for each in arguments(call, 2))
    return Emitted(f"ts_patindex({pattern.sql}, {text.sql})", INT)


def _concat(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    parts = [_text(compiler, each) for each in arguments(call, 2, 254)]
    national = any(part.type is not None and part.type.name.startswith("n") for part in parts)
    joined = " || ".join(f"ifnull({part.sql}, '')" for part in parts)
    return Emitted(f"({joined})", SqlType("nvarchar", 4000) if national else SqlType("varchar", 8000))


def _replicate(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    text, count = _text(compiler, arguments(call, 2)[0]), compiler.convert(compiler.value(call.arguments[1]), INT)
    long = text.type is not None and text.type.length is None
    limit = "NULL" if long else ("4000" if text.type is not None and text.type.name.startswith("n") else "8000")
    return Emitted(f"ts_replicate({text.sql}, {count.sql}, {limit})", _varying(text.type, None if long else int(limit)))


def _space(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    count = compiler.convert(compiler.value(arguments(call, 1)[0]), INT)
    return Emitted(f"ts_replicate(' ', {count.sql}, 8000)", SqlType("varchar", 8000))


def _str(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    nodes = arguments(call, 1, 3)
    number = compiler.convert(compiler.value(nodes[0]), SqlType("float")).sql
    rest = [compiler.convert(compiler.value(each), INT).sql for each in nodes[1:]] + ["10", "0"][len(nodes) - 1 :]
    return Emitted(f"ts_str({number}, {rest[0]}, {rest[1]})", SqlType("varchar", 8000))


def _char(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    code = compiler.convert(compiler.value(arguments(call, 1)[0]), INT)
    type_ = SqlType("nchar" if call.name == "NCHAR" else "char", 1)
    return Emitted(f"ts_{call.name.lower()}({code.sql})", type_)


def _ascii(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    return Emitted(f"unicode({_text(compiler, arguments(call, 1)[0]).sql})", INT)


def _quotename(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    text = _text(compiler, arguments(call, 1)[0])
    return Emitted(f"('[' || replace({text.sql}, ']', ']]') || ']')", SqlType("nvarchar", 258))


RULES: dict[str, Rule] = {
    "LEN": _len,
    "DATALENGTH": _datalength,
    "SUBSTRING": _substring,
    "LEFT": _left,
    "RIGHT": _left,
    "UPPER": _same("ts_upper"),
    "LOWER": _same("ts_lower"),
    "LTRIM": _same("ltrim"),
    "RTRIM": _same("rtrim"),
    "TRIM": _same("trim"),
    "REVERSE": _same("ts_reverse"),
    "REPLACE": _replace,
    "CHARINDEX": _charindex,
    "PATINDEX": _patindex,
    "CONCAT": _concat,
    "REPLICATE": _replicate,
    "SPACE": _space,
    "STR": _str,
    "CHAR": _char,
    "NCHAR": _char,
    "ASCII": _ascii,
    "UNICODE": _ascii,
    "QUOTENAME": _quotename,
}


# --- what the connection runs


def substring(text: str | bytes | None, start: int | None, length: int | None) -> str | bytes | None:
    """SUBSTRING: counted from 1; a start before the text shortens it.

    :raises SqlError: 537 for a negative length.
    """
    if text is None or start is None or length is None:
        return None
    if length < 0:
        raise SqlError(537, "Invalid length parameter passed to the substring function.")
    return text[max(start - 1, 0) : max(start - 1 + length, 0)]


def left(text: str | None, count: int | None) -> str | None:
    """LEFT."""
    if text is None or count is None:
        return None
    if count < 0:
        raise SqlError(536, "Invalid length parameter passed to the LEFT function.")
    return text[:count]


def right(text: str | None, count: int | None) -> str | None:
    """RIGHT."""
    if text is None or count is None:
        return None
    if count < 0:
        raise SqlError(536, "Invalid length parameter passed to the RIGHT function.")
    return text[max(len(text) - count, 0) :]


def replace(text: str | None, old: str | None, new: str | None) -> str | None:
    """REPLACE, which looks without regard to case."""
    if text is None or old is None or new is None:
        return None
    return text if not old else re.sub(re.escape(old), lambda _: new, text, flags=re.IGNORECASE)


def charindex(wanted: str | None, text: str | None, start: int | None) -> int | None:
    """CHARINDEX: 0 when it is not there."""
    if wanted is None or text is None:
        return None
    if not wanted:
        return 0
    found = re.compile(re.escape(wanted), re.IGNORECASE).search(text, max((start or 1) - 1, 0))
    return found.start() + 1 if found else 0


def replicate(text: str | None, count: int | None, limit: int | None) -> str | None:
    """REPLICATE: NULL for a negative count, cut at the type's longest."""
    if text is None or count is None or count < 0:
        return None
    return (text * count)[:limit]


def str_function(number: float | None, length: int | None, decimals: int | None) -> str | None:
    """STR: right-aligned; asterisks when the number is too long."""
    if number is None or length is None or decimals is None:
        return None
    whole = f"{number:.0f}"
    if len(whole) > length:
        return "*" * length
    digits = max(0, min(decimals, 16, length - len(whole) - 1))
    return f"{number:.{digits}f}".rjust(length)[:length]
