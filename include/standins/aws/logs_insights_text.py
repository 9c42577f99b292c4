"""The words of an Insights query, read one by one, and the error for a query that makes no sense.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights language query syntax"; API reference,
MalformedQueryException.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from include.standins.aws.errors import AwsError

_SKIP = re.compile(r"(?:\s+|\#[^\n]*)*")
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<quoted>`[^`]+`)
      | (?P<span>\d+(?:ms|[smhdw])\b)
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<name>[A-Za-z_@][\w@]*(?:\.[\w@]+)*)
      | (?P<sign>!=|<=|>=|=~|[-+*/%^=<>()\[\],|])""",
    re.VERBOSE,
)
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/(i?)")


class Token(NamedTuple):
    """A word with its kind and place; at the end of the query kind and text are empty."""

    kind: str
    text: str
    start: int
    end: int


class Scanner:
    """Reads a query; words are looked at before they are taken."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._position = 0

    def peek(self) -> Token:
        """Give the next word without taking it; raises AwsError MalformedQueryException for what is none."""
        skipped = _SKIP.match(self.text, self._position)
        start = skipped.end() if skipped else self._position
        if start == len(self.text):
            return Token("", "", start, start)
        found = _TOKEN.match(self.text, start)
        if not found or not found.lastgroup:
            raise self.unexpected(Token("", self.text[start], start, start + 1))
        return Token(found.lastgroup, found[0], start, found.end())

    def take(self) -> Token:
        """Take the next word."""
        token = self.peek()
        self._position = token.end
        return token

    def is_next(self, *texts: str) -> bool:
        """Tell whether one of these words or signs, in any case, comes next."""
        token = self.peek()
        return token.kind in ("name", "sign") and token.text.lower() in texts

    def take_if(self, *texts: str) -> bool:
        """Take the next word if it is one of these."""
        if self.is_next(*texts):
            self.take()
            return True
        return False

    def expect(self, text: str) -> Token:
        """Take this word or sign; raises AwsError when another comes."""
        if not self.is_next(text):
            raise self.unexpected(self.peek(), f"{text} is expected")
        return self.take()

    def expect_kind(self, *kinds: str) -> Token:
        """Take a word of one of these kinds; raises AwsError when another comes."""
        token = self.peek()
        if token.kind not in kinds:
            raise self.unexpected(token, f"a {kinds[0]} is expected")
        return self.take()

    def regex(self) -> re.Pattern[str] | None:
        """Take a /regular expression/ if one comes next; raises AwsError when it cannot be compiled."""
        skipped = _SKIP.match(self.text, self._position)
        start = skipped.end() if skipped else self._position
        found = _REGEX.match(self.text, start)
        if not found:
            return None
        self._position = found.end()
        # Java and Python write named groups differently.
        source = re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", found[1].replace(r"\/", "/"))
        try:
            return re.compile(source, re.IGNORECASE if found[2] else 0)
        except re.error as error:
            token = Token("regex", found[0], start, found.end())
            raise self.unexpected(token, f"the regular expression is wrong: {error}") from error

    def unexpected(self, token: Token, why: str = "") -> AwsError:
        """Build the error for a word that cannot stand where it stands."""
        line = self.text.count("\n", 0, token.start) + 1
        column = token.start - (self.text.rfind("\n", 0, token.start) + 1)
        symbol = token.text or "end of query"
        message = f"unexpected symbol found {symbol} at line {line} and position {column}{': ' if why else ''}{why}"
        location = {"startCharOffset": token.start, "endCharOffset": token.end}
        return AwsError(
            "MalformedQueryException",
            message,
            members={"queryCompileError": {"location": location, "message": message}},
        )


def plain(token: Token) -> str:
    """Give the text that a string or a `quoted name` stands for."""
    if token.kind == "string":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1])
    return token.text.strip("`")
