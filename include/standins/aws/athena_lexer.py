"""Words of an Athena statement with their places, enough to tell DDL from queries without parsing queries."""

from __future__ import annotations

import re
from typing import NamedTuple

from include.standins.aws.athena_errors import QueryFailedError, syntax_error

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
      | (?P<number>-?\d+(?:\.\d+)?)
      | (?P<word>[A-Za-z_@$][\w@$]*)
      | (?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word, string, quoted name, number or symbol."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def upper(self) -> str:
        """The text in upper case, for keywords."""
        return self.text.upper()

    @property
    def name(self) -> str:
        """The identifier it stands for, in lower case as Glue keeps names."""
        text = self.text
        if self.kind == "quoted":
            text = text[1:-1].replace(text[0] * 2, text[0])
        return text.lower()

    @property
    def value(self) -> str:
        """The content of a string or number literal."""
        return self.text[1:-1].replace("''", "'") if self.kind == "string" else self.text


class Reader:
    """Reads tokens from left to right; a wrong one raises Athena's syntax error with its place."""

    def __init__(self, sql: str) -> None:
        self.sql = sql.strip().rstrip(";").rstrip()
        found = _TOKEN.finditer(self.sql)
        self._tokens = [Token(m.lastgroup or "", m[0], m.start(), m.end()) for m in found if m.lastgroup != "space"]
        self._at = 0

    def peek(self, ahead: int = 0) -> Token:
        """Give a coming token; past the end an empty one."""
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else Token("end", "", len(self.sql), len(self.sql))

    def next(self) -> Token:
        """Take one token."""
        token = self.peek()
        self._at += 1
        return token

    def take(self, *words: str) -> bool:
        """Take the words if they come next, all of them or none."""
        if all(self.peek(i).upper == word for i, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Take the words or refuse the statement."""
        for word in words:
            if not self.take(word):
                raise self.mismatch(word)

    def name(self) -> str:
        """Take one identifier."""
        token = self.next()
        if token.kind not in ("word", "quoted"):
            raise self.mismatch("<identifier>", token)
        return token.name

    def dotted(self) -> tuple[str | None, str]:
        """Take [catalog.][database.]name and give (database or None, name)."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return (parts[-2] if len(parts) > 1 else None), parts[-1]

    def string(self) -> str:
        """Take one string literal and give its content."""
        token = self.next()
        if token.kind != "string":
            raise self.mismatch("<string>", token)
        return token.value

    def rest(self) -> str:
        """Take the remaining text as written."""
        text = self.sql[self.peek().start :]
        self._at = len(self._tokens)
        return text

    def end(self) -> None:
        """Refuse anything that is left."""
        if self.peek().kind != "end":
            raise self.mismatch("<EOF>")

    def until_comma(self) -> str:
        """Take the text up to a comma or closing parenthesis at this depth, as written."""
        start, depth = self.peek().start, 0
        end = start
        while (token := self.peek()).kind != "end":
            if depth == 0 and token.text in (",", ")"):
                break
            depth += {"(": 1, "<": 1, "[": 1, ")": -1, ">": -1, "]": -1}.get(token.text, 0)
            end = token.end
            self._at += 1
        return self.sql[start:end]

    def parenthesised(self) -> str:
        """Take a balanced (...) and give the text inside, as written."""
        self.expect("(")
        start, depth = self.peek().start, 1
        while (token := self.next()).kind != "end":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0:
                return self.sql[start : token.start]
        raise self.mismatch(")")

    def mismatch(self, wanted: str, token: Token | None = None) -> QueryFailedError:
        """Make the error for an unexpected token."""
        token = token or self.peek()
        before = self.sql[: token.start]
        line, column = before.count("\n") + 1, token.start - (before.rfind("\n") + 1) + 1
        return syntax_error(f"line {line}:{column}: mismatched input '{token.text or '<EOF>'}'. Expecting: {wanted}")
