"""The tokenizer of T-SQL: names, literals, variables and operators with their places in the text."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

_UNTYPED = SqlType("")


class Kind(Enum):
    """What a token is. WORD is a keyword or a regular identifier, QUOTED a [delimited] or "quoted" one."""

    WORD = "word"
    QUOTED = "quoted"
    LITERAL = "literal"
    VARIABLE = "variable"
    GLOBAL = "global"
    OPERATOR = "operator"
    END = "end"


class Token(NamedTuple):
    """One token.

    :param value: WORD in upper case, a QUOTED name without its delimiters, a literal's Python value.
    :param type: the literal's T-SQL type.
    :param slot: the literal's number within the batch, -1 for other tokens.
    """

    kind: Kind
    text: str
    start: int
    value: Any = None
    type: SqlType = _UNTYPED
    slot: int = -1


_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\r\n]*)
    |(?P<comment>/\*)
    |(?P<string>[Nn]?'(?:[^']|'')*(?P<closed>')?)
    |(?P<binary>0[xX][0-9A-Fa-f]*)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>(?:[^\W\d]|\#)[\w@$\#]*)
    |(?P<global>@@[\w$\#]+)
    |(?P<variable>@[\w@$\#]*)
    |(?P<bracket>\[(?:[^\]]|\]\])*(?P<shut>\])?)
    |(?P<quoted>"(?:[^"]|"")*(?P<ended>")?)
    |(?P<operator><=|>=|<>|!=|!<|!>|\+=|-=|\*=|/=|%=|&=|\|=|\^=|::|[-+*/%=<>(),.;~&|^:{}?$\\!])
    """,
    re.VERBOSE,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokenize(sql: str) -> list[Token]:
    """Return the tokens of a batch, ending with one of kind END.

    :raises SqlError: 105 for a string or name that never ends, 113 for such a comment, 102 for a character
        that T-SQL does not know.
    """
    tokens: list[Token] = []
    at, slot, size = 0, 0, len(sql)
    match = _TOKEN.match
    while at < size:
        found = match(sql, at)
        if found is None:
            raise SqlError(102, f"Incorrect syntax near '{sql[at]}'.", severity=15, ends_batch=True)
        kind = found.lastgroup
        if found["space"] is not None:
            at = found.end()
            continue
        if found["comment"] is not None:
            at = _end_of_comment(sql, at)
            continue
        token = _token(kind, found, slot)
        if token.kind is Kind.LITERAL:
            slot += 1
        tokens.append(token)
        at = found.end()
    tokens.append(Token(Kind.END, "", size))
    return tokens


_SIMPLE: dict[str | None, tuple[Kind, Callable[[str], str]]] = {
    "word": (Kind.WORD, str.upper),
    "operator": (Kind.OPERATOR, str),
    "variable": (Kind.VARIABLE, str.lower),
    "global": (Kind.GLOBAL, str.upper),
}


def _token(kind: str | None, found: re.Match[str], slot: int) -> Token:
    text, start = found[0], found.start()
    if kind in _SIMPLE:
        simple, fold = _SIMPLE[kind]
        return Token(simple, text, start, fold(text))
    if kind == "number":
        value, type_ = _number(text)
        return Token(Kind.LITERAL, text, start, value, type_, slot)
    if kind == "binary":
        digits = text[2:]
        data = bytes.fromhex(digits if len(digits) % 2 == 0 else "0" + digits)
        return Token(Kind.LITERAL, text, start, data, SqlType("varbinary", max(1, len(data))), slot)
    return _delimited(found, slot)


def _delimited(found: re.Match[str], slot: int) -> Token:
    text, start = found[0], found.start()
    if found["string"] is not None:
        if found["closed"] is None:
            raise _unclosed(text.lstrip("Nn"))
        national = text[0] != "'"
        value = text[2 if national else 1 : -1].replace("''", "'")
        return Token(Kind.LITERAL, text, start, value, _string_type(value, national=national), slot)
    closed = found["shut"] if found["bracket"] is not None else found["ended"]
    if closed is None:
        raise _unclosed(text)
    end = text[-1]
    return Token(Kind.QUOTED, text, start, text[1:-1].replace(end * 2, end))


def _unclosed(text: str) -> SqlError:
    return SqlError(
        105, f"Unclosed quotation mark after the character string '{text[1:100]}'.", severity=15, ends_batch=True
    )


def _string_type(value: str, *, national: bool) -> SqlType:
    name, longest = ("nvarchar", 4000) if national else ("varchar", 8000)
    return SqlType(name, longest if len(value) <= longest else None)


def _number(text: str) -> tuple[Any, SqlType]:
    if "e" in text or "E" in text:
        value = float(text)
        if not math.isfinite(value):
            raise SqlError(
                168,
                f"The floating point value '{text}' is out of the range of computer representation (8 bytes).",
                severity=15,
                ends_batch=True,
            )
        return value, SqlType("float")
    if "." not in text:
        whole = int(text)
        if whole < 2**31:
            return whole, SqlType("int", precision=len(str(whole)))
        return Decimal(whole), SqlType("numeric", precision=len(str(whole)))
    before, _, after = text.partition(".")
    digits = len(before.lstrip("0")) + len(after)
    if digits > 38:
        raise SqlError(
            1007, f"The number '{text}' is out of the range for numeric representation.", severity=15, ends_batch=True
        )
    return Decimal(text), SqlType("numeric", precision=max(1, digits), scale=len(after))


def _end_of_comment(sql: str, start: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError(113, "Missing end comment mark '*/'.", severity=15, ends_batch=True)
