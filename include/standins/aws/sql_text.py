"""Text put into DuckDB statements, quoted: the only way by which names and values from outside get into SQL here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Iterable[str]) -> str:
    """Quote a list of strings."""
    return "[" + ", ".join(map(literal, texts)) + "]"


def struct(fields: Mapping[str, str]) -> str:
    """Quote a struct of strings."""
    return "{" + ", ".join(f"{literal(name)}: {literal(value)}" for name, value in fields.items()) + "}"


def call(function: str, *arguments: str, **options: str) -> str:
    """Write a function call; arguments and options are SQL already."""
    named = [f"{name} = {value}" for name, value in options.items()]
    return f"{function}({', '.join([*arguments, *named])})"
