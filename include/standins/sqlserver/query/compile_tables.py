"""CREATE TABLE and ALTER TABLE: definitions made from statements, and the SQLite tables made from definitions."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query.collation import COLLATION
from include.standins.sqlserver.query.compilation import Context, quoted
from include.standins.sqlserver.query.inline_expressions import inline_compiler, inline_condition
from include.standins.sqlserver.query.schema import (
    CheckDefinition,
    ColumnDefinition,
    ForeignKeyDefinition,
    KeyDefinition,
    Schema,
    TableDefinition,
)
from include.standins.sqlserver.query.scopes import OutputColumn, Scope, SourceColumns
from include.standins.sqlserver.query.types import declared, family

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql import statements as st

_COLLATIONS = frozenset((None, "SQL_LATIN1_GENERAL_CP1_CI_AS", "DATABASE_DEFAULT", "LATIN1_GENERAL_CI_AS"))


def define_table(statement: st.CreateTable, schema: Schema, *, object_id: int, created: str) -> TableDefinition:
    """Turn CREATE TABLE into a definition.

    :raises SqlError: 2705 for a column named twice, 1911 for keys of unknown columns, 8110 for two primary keys.
    """
    name = statement.table[-1]
    table = TableDefinition(name, object_id, created, ())
    for spec in statement.columns:
        table = add_column(table, spec, primary=_primary_columns(statement))
    if len([column for column in table.columns if column.identity]) > 1:
        raise SqlError(
            2744,
            f"Multiple identity columns specified for table '{name}'. Only one identity column per table is allowed.",
        )
    for constraint in statement.constraints:
        table = add_constraint(table, constraint, schema)
    return table


def _primary_columns(statement: st.CreateTable) -> frozenset[str]:
    return frozenset(
        name.lower() for each in statement.constraints if each.kind == "PRIMARY KEY" for name in each.columns
    )


def add_column(
    table: TableDefinition, spec: st.ColumnSpec, *, primary: frozenset[str] = frozenset()
) -> TableDefinition:
    """Return the table with one more column."""
    if table.column(spec.name) is not None:
        raise SqlError(
            2705,
            f"Column names in each table must be unique. Column name '{spec.name}' in table '{table.name}' is "
            "specified more than once.",
        )
    if spec.collation is not None and spec.collation.upper() not in _COLLATIONS:
        raise not_modelled(f"Collation {spec.collation}")
    if spec.identity is not None and (family(spec.type) != "int" or spec.type.name == "bit"):
        raise SqlError(
            2749, f"Identity column '{spec.name}' must be of data type int, bigint, smallint, tinyint, or decimal."
        )
    key = spec.name.lower() in primary
    if key and spec.nullable:
        raise SqlError(8147, f"Could not create a PRIMARY KEY constraint on nullable column '{spec.name}'.")
    nullable = spec.nullable if spec.nullable is not None else not (key or spec.identity is not None)
    default_name = spec.default_name or (_made_up("DF", table.name, spec.name) if spec.default else None)
    column = ColumnDefinition(
        spec.name, spec.type, nullable and spec.identity is None, spec.identity, spec.default, default_name, None
    )
    return replace(table, columns=(*table.columns, column))


def _made_up(prefix: str, table: str, *parts: str) -> str:
    """A name for a constraint without one, always the same for the same table and columns."""
    number = zlib.crc32("/".join((table, *parts)).lower().encode())
    middle = "__".join((table[:9], *(part[:5] for part in parts[:1])))
    return f"{prefix}__{middle}__{number:08X}"


def add_constraint(table: TableDefinition, spec: st.ConstraintSpec, schema: Schema) -> TableDefinition:
    """Return the table with one more constraint."""
    columns = tuple(_known(table, name) for name in spec.columns)
    if spec.kind == "CHECK":
        name = spec.name or _made_up("CK", table.name, spec.text)
        check = CheckDefinition(name, spec.text, spec.columns[0] if spec.columns else None)
        return replace(table, checks=(*table.checks, check))
    if spec.kind == "DEFAULT":
        column = columns[0]
        if column.default is not None:
            raise SqlError(1781, "Column already has a DEFAULT bound to it.")
        changed = replace(column, default=spec.text, default_name=spec.name)
        return replace(table, columns=tuple(changed if each is column else each for each in table.columns))
    if spec.kind == "FOREIGN KEY":
        return replace(table, foreign_keys=(*table.foreign_keys, _foreign_key(table, spec, schema)))
    return _add_key(table, spec, columns)


def _add_key(table: TableDefinition, spec: st.ConstraintSpec, columns: tuple[ColumnDefinition, ...]) -> TableDefinition:
    primary = spec.kind == "PRIMARY KEY"
    if primary and any(key.kind == "PRIMARY KEY" for key in table.keys):
        raise SqlError(8110, f"Cannot add multiple PRIMARY KEY constraints to table '{table.name}'.")
    if primary and any(column.nullable for column in columns):
        nullable = next(column for column in columns if column.nullable)
        raise SqlError(
            8111, f"Cannot define PRIMARY KEY constraint on nullable column in table '{table.name}' ({nullable.name})."
        )
    names = tuple(column.name for column in columns)
    name = spec.name or _made_up("PK" if primary else "UQ", table.name, *names)
    rowid = primary and len(columns) == 1 and family(columns[0].type) == "int" and columns[0].type.name != "bit"
    key = KeyDefinition(spec.kind, name, names, rowid=rowid)
    return replace(table, keys=(*table.keys, key))


def _foreign_key(table: TableDefinition, spec: st.ConstraintSpec, schema: Schema) -> ForeignKeyDefinition:
    target_name = spec.references[-1]
    target = table if target_name.lower() == table.name.lower() else schema.table(target_name)
    name = spec.name or _made_up("FK", table.name, target_name, *spec.columns)
    if target is None:
        raise SqlError(1767, f"Foreign key '{name}' references invalid table '{target_name}'.")
    referenced = spec.referenced_columns or next((key.columns for key in target.keys if key.kind == "PRIMARY KEY"), ())
    folded = {column.lower() for column in referenced}
    if not any({column.lower() for column in key.columns} == folded for key in target.keys if key.kind != "INDEX"):
        raise SqlError(
            1776,
            f"There are no primary or candidate keys in the referenced table '{target.name}' that "
            "match the referencing "
            f"column list in the foreign key '{name}'.",
        )
    return ForeignKeyDefinition(name, spec.columns, target.name, referenced, spec.on_delete, spec.on_update)


def _known(table: TableDefinition, name: str) -> ColumnDefinition:
    column = table.column(name)
    if column is None:
        raise SqlError(1911, f"Column name '{name}' does not exist in the target table or view.")
    return column


def drop_column(table: TableDefinition, name: str) -> TableDefinition:
    """Return the table without a column.

    :raises SqlError: 4924 unknown, 5074 when a key or constraint needs it.
    """
    column = table.column(name)
    if column is None:
        raise SqlError(
            4924, f"ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{table.name}'."
        )
    users = [key.name for key in table.keys if column.name in key.columns]
    users += [check.name for check in table.checks if column.name.lower() in check.text.lower()]
    users += [key.name for key in table.foreign_keys if column.name in key.columns]
    if column.default_name:
        users.append(column.default_name)
    if users:
        raise SqlError(5074, f"The object '{users[0]}' is dependent on column '{column.name}'.")
    return replace(table, columns=tuple(each for each in table.columns if each is not column))


def drop_constraint(table: TableDefinition, name: str) -> TableDefinition:
    """Return the table without a constraint.

    :raises SqlError: 3728 when it has none of that name.
    """
    folded = name.lower()
    changed = replace(
        table,
        columns=tuple(
            replace(each, default=None, default_name=None) if (each.default_name or "").lower() == folded else each
            for each in table.columns
        ),
        keys=tuple(key for key in table.keys if key.name.lower() != folded or "INDEX" in key.kind),
        checks=tuple(check for check in table.checks if check.name.lower() != folded),
        foreign_keys=tuple(key for key in table.foreign_keys if key.name.lower() != folded),
    )
    if changed == table:
        raise SqlError(3728, f"'{name}' is not a constraint.")
    return changed


def create_statements(table: TableDefinition, context: Context, *, name: str | None = None) -> list[str]:
    """Return the SQLite statements that make a table; `name` is another name while a table is being rebuilt."""
    parts = [_column(column, table) for column in table.columns]
    scope = Scope()
    scope.add(SourceColumns("", tuple(OutputColumn(column.name, column.type) for column in table.columns)))
    parts.extend(
        f"CONSTRAINT {quoted(check.name)} CHECK ({inline_condition(check.text, context, scope)})"
        for check in table.checks
    )
    parts.extend(_reference(key) for key in table.foreign_keys)
    checked = replace(context, bindings={})
    for column in table.columns:
        if column.default is not None:
            inline_compiler(column.default, checked)
    return [f"CREATE TABLE main.{quoted(name or table.name)} ({', '.join(parts)})"]


def index_statements(table: TableDefinition) -> list[str]:
    """Return the SQLite statements that make the table's keys and indexes."""
    return [index_statement(table, key) for key in table.keys if not key.rowid]


def index_statement(table: TableDefinition, key: KeyDefinition) -> str:
    """Return the SQLite index of a key. In a unique one NULL equals NULL, as in SQL Server."""
    unique = key.kind != "INDEX"
    parts = []
    for number, name in enumerate(key.columns):
        column = _known(table, name)
        collate = f" COLLATE {COLLATION}" if family(column.type) == "string" else ""
        direction = " DESC" if key.descending and key.descending[number] else ""
        if unique and column.nullable:
            parts.append(f"({quoted(column.name)} IS NULL)")
            parts.append(f"ifnull({quoted(column.name)}, ''){collate}{direction}")
        else:
            parts.append(f"{quoted(column.name)}{collate}{direction}")
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return f"CREATE {kind} main.{quoted(index_name(table, key))} ON {quoted(table.name)} ({', '.join(parts)})"


def index_name(table: TableDefinition, key: KeyDefinition) -> str:
    """SQLite's name of a key: T-SQL's index names are only unique within their table."""
    return f"{table.name}.{key.name}"


def _column(column: ColumnDefinition, table: TableDefinition) -> str:
    if any(key.rowid and key.columns == (column.name,) for key in table.keys):
        return f"{quoted(column.name)} INTEGER PRIMARY KEY NOT NULL"
    collate = f" COLLATE {COLLATION}" if family(column.type) == "string" else ""
    return f"{quoted(column.name)} {quoted(declared(column.type))}{collate}{'' if column.nullable else ' NOT NULL'}"


def _reference(key: ForeignKeyDefinition) -> str:
    own = ", ".join(quoted(name) for name in key.columns)
    others = ", ".join(quoted(name) for name in key.referenced)
    return (
        f"CONSTRAINT {quoted(key.name)} FOREIGN KEY ({own}) REFERENCES {quoted(key.table)} ({others}) "
        f"ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
    )
