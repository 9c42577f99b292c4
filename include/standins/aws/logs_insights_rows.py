"""Rows of an Insights query, and how its values compare and look.

Source: CloudWatch Logs user guide, "Supported logs and discovered fields": JSON members are fields with dots between
levels. What is missing equals nothing and is not shown. Numbers are rounded to four digits; how CloudWatch rounds was
not compared.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, TypeAlias

Value: TypeAlias = "str | int | float | None"
FIELDS_FOUND = 1_000


class Moment(int):
    """Milliseconds since the epoch, shown as a time."""


class Row:
    """Named values; those of a JSON message are found when they are asked for."""

    __slots__ = ("_found", "values")

    def __init__(self, values: dict[str, Value]) -> None:
        self.values = values
        self._found: dict[str, Value] | None = None

    def get(self, name: str) -> Value:
        """Give a field, or None when the row has none of that name."""
        if name in self.values:
            return self.values[name]
        if self._found is None:
            self._found = _discovered(self.values.get("@message"))
        return self._found.get(name)


def _discovered(message: Value) -> dict[str, Value]:
    if not isinstance(message, str) or not message.startswith("{"):
        return {}
    try:
        document = json.loads(message)
    except ValueError:
        return {}
    found: dict[str, Value] = {}
    _flatten("", document, found)
    return found


def _flatten(name: str, value: Any, found: dict[str, Value]) -> None:
    if len(found) >= FIELDS_FOUND:
        return
    if isinstance(value, dict):
        for key, member in value.items():
            _flatten(f"{name}.{key}" if name else str(key), member, found)
    elif isinstance(value, list):
        for position, member in enumerate(value):
            _flatten(f"{name}.{position}", member, found)
    elif value is not None:
        found[name] = int(value) if isinstance(value, bool) else value


def number(value: Value) -> float | None:
    """Give a value as a number, or None when it is none."""
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if value else None
    except ValueError:
        return None


def compare(left: Value, right: Value) -> int | None:
    """Give -1, 0 or 1: as numbers where both are, else as text; None when one is missing."""
    if left is None or right is None:
        return None
    a, b = number(left), number(right)
    if a is not None and b is not None:
        return (a > b) - (a < b)
    text, other = shown(left), shown(right)
    return (text > other) - (text < other)


def shown(value: Value) -> str:
    """Give a value as results show it."""
    if isinstance(value, Moment):
        return datetime.fromtimestamp(value / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, float):
        return f"{round(value, 4):.4f}".rstrip("0").rstrip(".")
    return str(value)


def sort_key(value: Value) -> tuple[int, float, str]:
    """Order values: what is missing first, then text, then numbers (user guide, "sort")."""
    if value is None:
        return (0, 0.0, "")
    as_number = number(value)
    return (1, 0.0, str(value)) if as_number is None else (2, as_number, "")
