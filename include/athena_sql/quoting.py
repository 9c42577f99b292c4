"""Names and texts as SQL tokens: outside words enter the DuckDB text through `identifier` and `text` alone."""

from __future__ import annotations


def identifier(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def select(cells: str, source: str) -> str:
    """SELECT ... FROM ..., of parts that are DuckDB text already."""
    parts = ["SELECT", cells, "FROM", source]
    return " ".join(parts)


def text(value: str) -> str:
    """A quoted string literal."""
    return "'" + value.replace("'", "''") + "'"
