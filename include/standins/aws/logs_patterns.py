"""Filter patterns of CloudWatch Logs: which lines a metric filter counts and FilterLogEvents gives.

Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters, subscription filters, filter log events".
Modelled: terms, "phrases", -exclusions, ?options, %regular expressions%, and JSON selectors. Space-delimited
patterns ([a, b, ...]) are refused.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

from include.standins.aws.logs_json_patterns import JsonPatternError, compile_json

if TYPE_CHECKING:
    from collections.abc import Callable

_TERM = re.compile(r'\s*(?P<sign>[-?]?)(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<word>[^\s"]+))(?=\s|$)')
_REGEX = re.compile(r"\s*%(?P<body>.+)%\s*\Z", re.DOTALL)
_REGEX_BODY = re.compile(r"[A-Za-z0-9:_#=@/;,\-\s^$?\[\]{}|\\*+.]+\Z")


class PatternError(ValueError):
    """A filter pattern that CloudWatch Logs, or this model of it, does not take."""


class Pattern(Protocol):
    """A compiled filter pattern."""

    def fields(self, message: str) -> dict[str, Any] | None:
        """Give the fields of a line that matches (those of a JSON line, else none); None when it does not match."""
        ...


class _Terms:
    """Required, excluded and optional pieces of text, each found anywhere in the line."""

    def __init__(self, required: list[str], excluded: list[str], optional: list[str]) -> None:
        self._required = required
        self._excluded = excluded
        # The guide: a question mark that is combined with other terms is ignored.
        self._optional = [] if required or excluded else optional

    def fields(self, message: str) -> dict[str, Any] | None:
        matches = (
            all(term in message for term in self._required)
            and not any(term in message for term in self._excluded)
            and (not self._optional or any(term in message for term in self._optional))
        )
        return {} if matches else None


class _Regex:
    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern

    def fields(self, message: str) -> dict[str, Any] | None:
        return {} if self._pattern.search(message) else None


class _Json:
    def __init__(self, matches: Callable[[dict[str, Any]], bool]) -> None:
        self._matches = matches

    def fields(self, message: str) -> dict[str, Any] | None:
        try:
            value = json.loads(message)
        except ValueError:
            return None
        return value if isinstance(value, dict) and self._matches(value) else None


def compile_pattern(text: str) -> Pattern:
    """Read a filter pattern; raises PatternError."""
    stripped = text.strip()
    if stripped.startswith("{"):
        try:
            return _Json(compile_json(stripped))
        except JsonPatternError as error:
            raise PatternError(str(error)) from error
    if stripped.startswith("["):
        raise PatternError(f"Invalid metric filter pattern: the local AWS models no space-delimited patterns: {text}")
    if regex := _REGEX.match(text):
        return _Regex(_compile_regex(regex["body"]))
    return _terms(text)


def _compile_regex(body: str) -> re.Pattern[str]:
    if not _REGEX_BODY.match(body):
        raise PatternError(f"Invalid metric filter pattern: %{body}% holds a character that is not supported")
    try:
        return re.compile(body)
    except re.error as error:
        raise PatternError(f"Invalid metric filter pattern: %{body}%: {error}") from error


def _terms(text: str) -> _Terms:
    found: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while text[position:].strip():
        term = _TERM.match(text, position)
        if not term:
            raise PatternError(f"Invalid metric filter pattern: cannot read {text[position:].strip()!r}")
        word = term["word"]
        if word is not None and not re.fullmatch(r"\w+", word):
            raise PatternError(f"Invalid character(s) in term '{word}'; put it into double quotes")
        found[term["sign"]].append(word if word is not None else re.sub(r"\\(.)", r"\1", term["phrase"]))
        position = term.end()
    return _Terms(found[""], found["-"], found["?"])
