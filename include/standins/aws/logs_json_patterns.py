"""JSON filter patterns: { ($.level = "ERROR" && $.code != 4*) || $.retry IS TRUE }.

Source: CloudWatch Logs user guide, "Matching terms in JSON log events". A comparison of a field that is missing or of
another type does not match, except NOT EXISTS; `= *` asks that the field is there.
"""

from __future__ import annotations

import operator
import re
from fnmatch import translate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.[A-Za-z0-9_\-@]+|\[(?:\d+|"[^"]+"|'[^']+')\])+)
      | (?P<logic>&&|\|\||[(){}])
      | (?P<compare>!=|<=|>=|=|<|>)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<state>IS\s+NULL|IS\s+TRUE|IS\s+FALSE|NOT\s+EXISTS)\b
      | (?P<word>[^\s(){}=<>!&|"]+)
    )""",
    re.VERBOSE,
)
_STEP = re.compile(r"\.([A-Za-z0-9_\-@]+)|\[(\d+)\]|\[[\"']([^\"']+)[\"']\]")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ABSENT = object()


class JsonPatternError(ValueError):
    """A JSON filter pattern that cannot be read."""


def compile_json(text: str) -> Callable[[dict[str, Any]], bool]:
    """Read `{ ... }`; raises JsonPatternError with what is wrong and where."""
    return _Reader(text).whole()


def select(value: object, selector: str) -> Any:
    """Give what `$.a.b[0]` selects, or None when it is not there."""
    found = _select(value, selector)
    return None if found is _ABSENT else found


def _select(value: Any, selector: str) -> Any:
    for name, index, quoted in _STEP.findall(selector[1:]):
        if index:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else _ABSENT
        else:
            value = value.get(name or quoted, _ABSENT) if isinstance(value, dict) else _ABSENT
        if value is _ABSENT:
            return _ABSENT
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while text[position:].strip():
            token = _TOKEN.match(text, position)
            if not token or not token.lastgroup:
                raise self._error(f"cannot read {text[position:].strip()[:30]!r}")
            self._tokens.append((token.lastgroup, token[token.lastgroup]))
            position = token.end()

    def _error(self, what: str) -> JsonPatternError:
        return JsonPatternError(f"Invalid metric filter pattern: {what} in {self._text}")

    def _peek(self) -> str:
        return self._tokens[0][1] if self._tokens else ""

    def _take(self, *kinds: str, text: str = "") -> str:
        if not self._tokens or self._tokens[0][0] not in kinds or (text and self._tokens[0][1] != text):
            raise self._error(f"{text or kinds[0]} is expected where {self._peek() or 'the end'} stands")
        return self._tokens.pop(0)[1]

    def whole(self) -> Callable[[dict[str, Any]], bool]:
        self._take("logic", text="{")
        matches = self._any()
        self._take("logic", text="}")
        if self._tokens:
            raise self._error(f"{self._peek()} stands behind the end")
        return matches

    def _any(self) -> Callable[[dict[str, Any]], bool]:
        options = [self._all()]
        while self._peek() == "||":
            self._take("logic")
            options.append(self._all())
        return lambda event: any(option(event) for option in options)

    def _all(self) -> Callable[[dict[str, Any]], bool]:
        conditions = [self._one()]
        while self._peek() == "&&":
            self._take("logic")
            conditions.append(self._one())
        return lambda event: all(condition(event) for condition in conditions)

    def _one(self) -> Callable[[dict[str, Any]], bool]:
        if self._peek() == "(":
            self._take("logic")
            inner = self._any()
            self._take("logic", text=")")
            return inner
        selector = self._take("selector")
        if self._tokens and self._tokens[0][0] == "state":
            return _state(selector, " ".join(self._take("state").split()))
        compare = self._take("compare")
        if compare in _ORDERS:
            return _order(selector, _ORDERS[compare], self._number(self._take("word")))
        kind = self._tokens[0][0] if self._tokens else ""
        wanted = self._take("string", "word")
        return _equality(selector, wanted, quoted=kind == "string", equal=compare == "=")

    def _number(self, word: str) -> float:
        try:
            return float(word)
        except ValueError:
            raise self._error(f"{word} is no number") from None


def _state(selector: str, state: str) -> Callable[[dict[str, Any]], bool]:
    wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False, "NOT EXISTS": _ABSENT}[state]
    return lambda event: _select(event, selector) is wanted


def _order(selector: str, compare: Callable[[float, float], bool], limit: float) -> Callable[[dict[str, Any]], bool]:
    def matches(event: dict[str, Any]) -> bool:
        value = _select(event, selector)
        return isinstance(value, int | float) and not isinstance(value, bool) and compare(value, limit)

    return matches


def _equality(selector: str, wanted: str, *, quoted: bool, equal: bool) -> Callable[[dict[str, Any]], bool]:
    """Compare as text with * for anything; an unquoted number compares as a number."""
    text = re.sub(r"\\(.)", r"\1", wanted[1:-1]) if quoted else wanted
    number = None if quoted else _as_number(text)
    pattern = re.compile(translate(text.replace("[", "[[]").replace("?", "[?]")))

    def same(value: object) -> bool:
        if number is not None and isinstance(value, int | float):
            return not isinstance(value, bool) and value == number
        if isinstance(value, bool):
            return text == str(value).lower()
        return text == "*" or (isinstance(value, str | int | float) and pattern.match(str(value)) is not None)

    def matches(event: dict[str, Any]) -> bool:
        value = _select(event, selector)
        return value is not _ABSENT and same(value) is equal

    return matches


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
