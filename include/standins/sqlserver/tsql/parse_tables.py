"""CREATE, ALTER and DROP of tables and indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.parse_expressions import parse_expression, parse_value
from include.standins.sqlserver.tsql.parse_queries import parse_names
from include.standins.sqlserver.tsql.parse_types import parse_type
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_CONSTRAINT_STARTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


def parse_create_table(cursor: TokenCursor) -> st.Statement:
    """Read CREATE TABLE name (columns and constraints); TABLE is the next word."""
    cursor.expect("TABLE")
    table = cursor.names()
    columns: list[st.ColumnSpec] = []
    constraints: list[st.ConstraintSpec] = []
    cursor.expect_operator("(")
    while not cursor.at_operator(")"):
        _table_element(cursor, columns, constraints)
        if not cursor.accept_operator(","):
            break
    cursor.expect_operator(")")
    if cursor.accept("ON"):
        cursor.expect("PRIMARY") if cursor.at_word("PRIMARY") else cursor.name()
    if cursor.at_word("WITH", "TEXTIMAGE_ON"):
        raise cursor.refuse(f"CREATE TABLE ... {cursor.here.value}")
    return st.CreateTable(table, tuple(columns), tuple(constraints))


def _table_element(cursor: TokenCursor, columns: list[st.ColumnSpec], constraints: list[st.ConstraintSpec]) -> None:
    if cursor.at_word(*_CONSTRAINT_STARTS):
        constraints.append(parse_constraint(cursor, column=None))
    elif cursor.at_word("INDEX", "PERIOD"):
        raise cursor.refuse(f"{cursor.here.value} inside CREATE TABLE")
    else:
        columns.append(parse_column(cursor, constraints))


def parse_column(cursor: TokenCursor, constraints: list[st.ConstraintSpec]) -> st.ColumnSpec:
    """Read a column; its PRIMARY KEY, UNIQUE, CHECK and REFERENCES go to `constraints`."""
    name = cursor.name()
    if cursor.at_word("AS"):
        raise cursor.refuse("A computed column")
    type_ = parse_type(cursor)
    nullable: bool | None = None
    identity = default = default_name = collation = None
    while True:
        if cursor.accept("NOT", "NULL"):
            nullable = False
        elif cursor.accept("NULL"):
            nullable = True
        elif cursor.accept("IDENTITY"):
            identity = _identity(cursor)
        elif cursor.accept("COLLATE"):
            collation = cursor.name()
        elif cursor.at_word("SPARSE", "ROWGUIDCOL", "GENERATED", "MASKED", "ENCRYPTED", "FILESTREAM"):
            raise cursor.refuse(f"Column property {cursor.here.value}")
        elif cursor.at_word("DEFAULT") or (cursor.at_word("CONSTRAINT") and cursor.ahead(2).value == "DEFAULT"):
            default_name = cursor.name() if cursor.accept("CONSTRAINT") else None
            cursor.expect("DEFAULT")
            default = _expression_text(cursor, condition=False)
        elif cursor.at_word(*_CONSTRAINT_STARTS, "REFERENCES"):
            constraints.append(parse_constraint(cursor, column=name))
        else:
            return st.ColumnSpec(name, type_, nullable, identity, default, default_name, collation)


def _identity(cursor: TokenCursor) -> tuple[int, int]:
    if not cursor.accept_operator("("):
        return 1, 1
    seed = cursor.baked_integer()
    cursor.expect_operator(",")
    increment = cursor.baked_integer()
    cursor.expect_operator(")")
    if increment == 0:
        raise cursor.refuse("IDENTITY with an increment of 0")
    return seed, increment


def _expression_text(cursor: TokenCursor, *, condition: bool) -> str:
    """Return the text of the expression here: defaults and checks are kept as text, as the engine keeps them."""
    start = cursor.at
    if condition:
        parse_expression(cursor)
    else:
        parse_value(cursor)
    tokens = cursor.tokens[start : cursor.at]
    for token in tokens:
        if token.kind is Kind.LITERAL:
            cursor.baked[token.slot] = token.value
        if token.kind is Kind.VARIABLE:
            raise cursor.refuse("A variable in a DEFAULT or CHECK")
    return " ".join(token.text for token in tokens)


def parse_constraint(cursor: TokenCursor, *, column: str | None) -> st.ConstraintSpec:
    """Read a constraint of a table, or of one column."""
    name = cursor.name() if cursor.accept("CONSTRAINT") else None
    own: tuple[str, ...] = (column,) if column else ()
    if cursor.accept("PRIMARY", "KEY"):
        return st.ConstraintSpec("PRIMARY KEY", name, _key_columns(cursor, own))
    if cursor.accept("UNIQUE"):
        return st.ConstraintSpec("UNIQUE", name, _key_columns(cursor, own))
    if cursor.accept("CHECK"):
        cursor.expect_operator("(")
        text = _expression_text(cursor, condition=True)
        cursor.expect_operator(")")
        return st.ConstraintSpec("CHECK", name, own, text)
    if cursor.accept("FOREIGN", "KEY"):
        own = parse_names(cursor)
    if cursor.accept("REFERENCES"):
        return _reference(cursor, name, own)
    raise cursor.error()


def _key_columns(cursor: TokenCursor, own: tuple[str, ...]) -> tuple[str, ...]:
    cursor.accept_any("CLUSTERED", "NONCLUSTERED")
    if not cursor.at_operator("("):
        if not own:
            raise cursor.error()
        return own
    columns = tuple(name for name, _ in _ordered_names(cursor))
    if cursor.at_word("WITH"):
        raise cursor.refuse("Options of an index")
    return columns


def _ordered_names(cursor: TokenCursor) -> list[tuple[str, bool]]:
    cursor.expect_operator("(")
    names = []
    while True:
        name = cursor.name()
        names.append((name, cursor.accept_any("ASC", "DESC") == "DESC"))
        if not cursor.accept_operator(","):
            break
    cursor.expect_operator(")")
    return names


def _reference(cursor: TokenCursor, name: str | None, own: tuple[str, ...]) -> st.ConstraintSpec:
    table = cursor.names()
    columns = parse_names(cursor) if cursor.at_operator("(") else ()
    actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
    while cursor.accept("ON"):
        event = cursor.accept_any("DELETE", "UPDATE")
        if event is None:
            raise cursor.error()
        actions[event] = _action(cursor)
    return st.ConstraintSpec(
        "FOREIGN KEY", name, own, "", table, columns, on_delete=actions["DELETE"], on_update=actions["UPDATE"]
    )


def _action(cursor: TokenCursor) -> str:
    for words in (("CASCADE",), ("NO", "ACTION"), ("SET", "NULL"), ("SET", "DEFAULT")):
        if cursor.accept(*words):
            return " ".join(words)
    raise cursor.error()


def parse_alter_table(cursor: TokenCursor) -> st.Statement:
    """Read ALTER TABLE ... ADD, DROP or ALTER COLUMN; TABLE is the next word."""
    cursor.expect("TABLE")
    table = cursor.names()
    if cursor.accept("WITH", "CHECK") or cursor.accept("ADD"):
        cursor.accept("ADD")
        return _add(cursor, table)
    if cursor.accept("DROP"):
        return _drop(cursor, table)
    if cursor.accept("ALTER", "COLUMN"):
        return st.AlterTable(table, alter_column=parse_column(cursor, []))
    raise cursor.refuse(f"ALTER TABLE ... {cursor.here.text}")


def _add(cursor: TokenCursor, table: tuple[str, ...]) -> st.Statement:
    columns: list[st.ColumnSpec] = []
    constraints: list[st.ConstraintSpec] = []
    while True:
        if cursor.at_word("CONSTRAINT") and cursor.ahead(2).value == "DEFAULT":
            constraints.append(_added_default(cursor))
        else:
            _table_element(cursor, columns, constraints)
        if not cursor.accept_operator(","):
            return st.AlterTable(table, add_columns=tuple(columns), add_constraints=tuple(constraints))


def _added_default(cursor: TokenCursor) -> st.ConstraintSpec:
    cursor.expect("CONSTRAINT")
    name = cursor.name()
    cursor.expect("DEFAULT")
    text = _expression_text(cursor, condition=False)
    cursor.expect("FOR")
    return st.ConstraintSpec("DEFAULT", name, (cursor.name(),), text)


def _drop(cursor: TokenCursor, table: tuple[str, ...]) -> st.Statement:
    column = cursor.accept("COLUMN")
    if not column:
        cursor.accept("CONSTRAINT")
    if cursor.accept("IF", "EXISTS"):
        raise cursor.refuse("ALTER TABLE ... DROP ... IF EXISTS")
    names = [cursor.name()]
    while cursor.accept_operator(","):
        names.append(cursor.name())
    if column:
        return st.AlterTable(table, drop_columns=tuple(names))
    return st.AlterTable(table, drop_constraints=tuple(names))


def parse_create_index(cursor: TokenCursor) -> st.Statement:
    """Read CREATE [UNIQUE] [CLUSTERED | NONCLUSTERED] INDEX name ON table (columns)."""
    unique = cursor.accept("UNIQUE")
    clustered = cursor.accept_any("CLUSTERED", "NONCLUSTERED") == "CLUSTERED"
    cursor.expect("INDEX")
    name = cursor.name()
    cursor.expect("ON")
    table = cursor.names()
    columns = _ordered_names(cursor)
    if cursor.accept("INCLUDE"):
        parse_names(cursor)
    if cursor.at_word("WHERE", "WITH", "ON"):
        raise cursor.refuse(f"CREATE INDEX ... {cursor.here.value}")
    return st.CreateIndex(name, table, tuple(columns), unique, clustered)


def parse_drop_table(cursor: TokenCursor) -> st.Statement:
    """Read DROP TABLE [IF EXISTS] names; TABLE is the next word."""
    cursor.expect("TABLE")
    if_exists = cursor.accept("IF", "EXISTS")
    tables = [cursor.names()]
    while cursor.accept_operator(","):
        tables.append(cursor.names())
    return st.DropTable(tuple(tables), if_exists)


def parse_drop_index(cursor: TokenCursor) -> st.Statement:
    """Read DROP INDEX [IF EXISTS] name ON table; INDEX is the next word."""
    cursor.expect("INDEX")
    if_exists = cursor.accept("IF", "EXISTS")
    name = cursor.name()
    cursor.expect("ON")
    return st.DropIndex(name, cursor.names(), if_exists)
