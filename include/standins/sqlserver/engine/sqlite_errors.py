"""SQLite's complaints in SQL Server's numbers and words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from include.standins.sqlserver.query.schema import KeyDefinition, Schema, TableDefinition

_VERBS = {"INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE"}
_NOT_NULL = re.compile(r"NOT NULL constraint failed: (.+)\.([^.]+)$")
_INDEX = re.compile(r"UNIQUE constraint failed: index '(.+)'$")
_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)$")
_CHECK = re.compile(r"CHECK constraint failed: (.+)$")


def translated(error: sqlite3.Error, *, verb: str, table: str | None, schema: Schema, database: str) -> SqlError | None:
    """Return SQL Server's error for SQLite's; None when it is none of the statement's making."""
    text = str(error)
    definition = schema.table(table) if table is not None else None
    if found := _NOT_NULL.match(text):
        return null_refused(found[2], table=found[1], database=database, verb=verb)
    if text.startswith("UNIQUE constraint failed") and definition is not None:
        return _duplicate(text, definition)
    if found := _CHECK.match(text):
        return _conflict(verb, "CHECK", found[1], definition, database)
    if text.startswith("FOREIGN KEY constraint failed"):
        names = [key.name for key in definition.foreign_keys] if definition is not None else []
        kind = "REFERENCE" if verb == "DELETE" or not names else "FOREIGN KEY"
        return _conflict(verb, kind, names[0] if len(names) == 1 else "FOREIGN KEY", definition, database)
    return next((error() for part, error in _LIMITS.items() if part in text), None)


def null_refused(column: str, *, table: str, database: str, verb: str) -> SqlError:
    """515."""
    return SqlError(
        515,
        f"Cannot insert the value NULL into column '{column}', table '{database}.dbo.{table}'; column does not allow "
        f"nulls. {_VERBS.get(verb, 'INSERT')} fails.",
        state=2,
    )


def _duplicate(text: str, table: TableDefinition) -> SqlError:
    key = _broken_key(text, table)
    if key is None or "INDEX" in key.kind:
        name = key.name if key is not None else "?"
        return SqlError(
            2601,
            f"Cannot insert duplicate key row in object 'dbo.{table.name}' with unique index '{name}'.",
            severity=14,
        )
    return SqlError(
        2627,
        f"Violation of {'PRIMARY' if key.kind == 'PRIMARY KEY' else 'UNIQUE'} KEY constraint "
        f"'{key.name}'. Cannot insert "
        f"duplicate key in object 'dbo.{table.name}'.",
        severity=14,
    )


def _broken_key(text: str, table: TableDefinition) -> KeyDefinition | None:
    if found := _INDEX.match(text):
        return next((key for key in table.keys if f"{table.name}.{key.name}" == found[1]), None)
    found = _UNIQUE.match(text)
    if found is None:
        return None
    columns = {part.rsplit(".", 1)[-1] for part in found[1].split(", ")}
    return next((key for key in table.keys if set(key.columns) == columns and key.kind != "INDEX"), None)


def _conflict(verb: str, kind: str, name: str, table: TableDefinition | None, database: str) -> SqlError:
    where = (
        f'The conflict occurred in database "{database}", table "dbo.{table.name}"'
        if table is not None
        else (f'The conflict occurred in database "{database}"')
    )
    check = next((each for each in table.checks if each.name == name), None) if table is not None else None
    column = f", column '{check.column}'" if check is not None and check.column else ""
    return SqlError(
        547,
        f'The {_VERBS.get(verb, "ALTER TABLE")} statement conflicted with the {kind} constraint "{name}". '
        f"{where}{column}.",
    )


def _too_complex() -> SqlError:
    return SqlError(8623, "The query processor ran out of internal resources and could not produce a query plan.")


_LIMITS: dict[str, Callable[[], SqlError]] = {
    "string or blob too big": lambda: SqlError(8152, "String or binary data would be truncated."),
    "too many SQL variables": _too_complex,
    "parser stack overflow": _too_complex,
    "too many terms": _too_complex,
    "Expression tree is too large": _too_complex,
}
