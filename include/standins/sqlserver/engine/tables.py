"""CREATE, ALTER and DROP of tables and indexes, inside the session's transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from include.standins.sqlserver.engine.compiling import Errors, bindings, new_context
from include.standins.sqlserver.engine.frames import Frame
from include.standins.sqlserver.engine.rows import home_of
from include.standins.sqlserver.engine.transacting import begin_implicitly
from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.query import compile_tables as ddl
from include.standins.sqlserver.query.column_values import ColumnValues
from include.standins.sqlserver.query.compilation import Compiled, Context, Emitted, quoted
from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler
from include.standins.sqlserver.query.compile_queries import QueryCompiler
from include.standins.sqlserver.query.dates import encode_datetime
from include.standins.sqlserver.query.schema import (
    TableDefinition,
    forget_table,
    next_object_id,
    prepare_store,
    save_table,
)
from include.standins.sqlserver.query.scopes import Scope
from include.standins.sqlserver.tsql.parser import Batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.results import Event
    from include.standins.sqlserver.tsql import statements as st

_REBUILT = "landfall_rebuilt"


def create_table(session: LocalSession, frame: Frame, statement: st.CreateTable) -> Iterator[Event]:
    """CREATE TABLE.

    :raises SqlError: 2714 when it exists, 2760 outside dbo, 40515 for a temporary table.
    """
    yield from begin_implicitly(session)
    home = home_for_ddl(session, statement.table)
    with session.transaction.statement(home):
        schema = home.schema()
        name = statement.table[-1]
        if schema.table(name) is not None:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)
        created = encode_datetime(session.instance.catalog.clock.now())
        table = ddl.define_table(statement, schema, object_id=next_object_id(schema.tables.values()), created=created)
        _check_names(table, home, known=None)
        prepare_store(home.connection)
        for sql in (*ddl.create_statements(table, new_context(session, frame, home)), *ddl.index_statements(table)):
            home.connection.execute(sql)
        save_table(home.connection, table)
        home.forget_schema()


def home_for_ddl(session: LocalSession, parts: tuple[str, ...]) -> Home:
    """The database whose tables a statement declares or changes.

    :raises SqlError: 2760 outside dbo, 40515 for a temporary table and for msdb.
    """
    if parts[-1].startswith("#"):
        raise not_modelled("A temporary table")
    if len(parts) > 1 and parts[-2].lower() not in {"", "dbo"}:
        raise SqlError(
            2760,
            f'The specified schema name "{parts[-2]}" either does not exist or you do not have permission to use it.',
        )
    home = home_of(session, parts)
    if home.name.lower() == "msdb":
        raise not_modelled("DDL in msdb")
    return home


def _check_names(table: TableDefinition, home: Home, *, known: TableDefinition | None) -> None:
    """Constraints have names that are unique in the database.

    :raises SqlError: 2714.
    """
    taken = {name for other in home.schema().tables.values() if other is not known for name in _names(other)}
    own = _names(table)
    for name in own:
        if name in taken or own.count(name) > 1:
            raise SqlError(2714, f"There is already an object named '{name}' in the database.", state=6)


def _names(table: TableDefinition) -> list[str]:
    names = [key.name.lower() for key in table.keys if "INDEX" not in key.kind]
    names += [check.name.lower() for check in table.checks] + [key.name.lower() for key in table.foreign_keys]
    return (
        names + [column.default_name.lower() for column in table.columns if column.default_name] + [table.name.lower()]
    )


def known_table(home: Home, parts: tuple[str, ...]) -> TableDefinition:
    """Find a table.

    :raises SqlError: 4902.
    """
    table = home.schema().table(parts[-1])
    if table is None:
        raise SqlError(
            4902,
            f'Cannot find the object "{".".join(parts)}" because it does not exist or you do not have permissions.',
        )
    return table


def alter_table(session: LocalSession, frame: Frame, statement: st.AlterTable) -> Iterator[Event]:
    """ALTER TABLE: the table is made anew with the changed definition, and its rows are copied."""
    yield from begin_implicitly(session)
    home = home_for_ddl(session, statement.table)
    with session.transaction.statement(home):
        table = known_table(home, statement.table)
        changed = _changed(table, statement, home)
        _check_names(changed, home, known=table)
        _rebuild(session, home, table, changed, new_context(session, frame, home))
        save_table(home.connection, changed)
        home.forget_schema()


def _changed(table: TableDefinition, statement: st.AlterTable, home: Home) -> TableDefinition:
    changed = table
    for column in statement.add_columns:
        changed = ddl.add_column(changed, column)
        added = changed.columns[-1]
        if added.identity is not None:
            raise not_modelled("ALTER TABLE ... ADD an IDENTITY column")
        if not added.nullable and added.default is None and added.identity is None and _has_rows(home, table):
            raise SqlError(
                4901,
                "ALTER TABLE only allows columns to be added that can contain nulls, or have a "
                "DEFAULT definition specified. "
                f"Column '{added.name}' cannot be added to non-empty table '{table.name}' because it "
                "does not satisfy these conditions.",
            )
    for constraint in statement.add_constraints:
        changed = ddl.add_constraint(changed, constraint, home.schema())
    for name in statement.drop_columns:
        changed = ddl.drop_column(changed, name)
    for name in statement.drop_constraints:
        changed = ddl.drop_constraint(changed, name)
    if statement.alter_column is not None:
        changed = _alter_column(changed, statement.alter_column)
    return changed


def _alter_column(table: TableDefinition, spec: st.ColumnSpec) -> TableDefinition:
    column = table.column(spec.name)
    if column is None:
        raise SqlError(
            4924,
            f"ALTER TABLE ALTER COLUMN failed because column '{spec.name}' does not exist in table '{table.name}'.",
        )
    if column.identity is not None or any(column.name in key.columns for key in table.keys):
        raise SqlError(
            5074, f"ALTER TABLE ALTER COLUMN {spec.name} failed because one or more objects access this column."
        )
    nullable = spec.nullable if spec.nullable is not None else True
    new = replace(column, type=spec.type, nullable=nullable)
    return replace(table, columns=tuple(new if each is column else each for each in table.columns))


def _has_rows(home: Home, table: TableDefinition) -> bool:
    return home.connection.execute(f"SELECT 1 FROM main.{quoted(table.name)} LIMIT 1").fetchone() is not None


def _rebuild(session: LocalSession, home: Home, old: TableDefinition, new: TableDefinition, context: Context) -> None:
    if any(
        key.table.lower() == old.name.lower() for other in home.schema().tables.values() for key in other.foreign_keys
    ):
        raise not_modelled("ALTER TABLE of a table that a FOREIGN KEY refers to")
    connection = home.connection
    for sql in ddl.create_statements(new, context, name=_REBUILT):
        connection.execute(sql)
    values = ColumnValues(context)
    compiler = ExpressionCompiler(context, Scope(), QueryCompiler(context))
    targets, sources = [], []
    for column in new.columns:
        before = next((each for each in old.columns if each.name == column.name), None)
        if before is None and (column.default is None or column.nullable):
            continue
        targets.append(quoted(column.name))
        if before is not None:
            sources.append(values.assign(Emitted(quoted(before.name), before.type), column, new, compiler))
        else:
            sources.append(values.filler(column, new))
    copy = (
        f"INSERT INTO main.{_REBUILT} ({', '.join(targets)}) SELECT {', '.join(sources)} FROM main.{quoted(old.name)}"
    )
    made = Compiled(copy, tuple(context.bindings), table=new.name, verb="ALTER TABLE")
    with Errors(session, home, made):
        connection.execute(copy, bindings(session, Frame(Batch((), {}), ()), made))
        connection.execute(f"DROP TABLE main.{quoted(old.name)}")
        connection.execute(f"ALTER TABLE main.{_REBUILT} RENAME TO {quoted(new.name)}")
        for sql in ddl.index_statements(new):
            connection.execute(sql)


def drop_table(session: LocalSession, frame: Frame, statement: st.DropTable) -> Iterator[Event]:
    """DROP TABLE.

    :raises SqlError: 3701 unknown, 3726 when a FOREIGN KEY refers to it.
    """
    del frame
    yield from begin_implicitly(session)
    for parts in statement.tables:
        home = home_for_ddl(session, parts)
        with session.transaction.statement(home):
            _drop(home, parts, if_exists=statement.if_exists)


def _drop(home: Home, parts: tuple[str, ...], *, if_exists: bool) -> None:
    table = home.schema().table(parts[-1])
    if table is None:
        if if_exists:
            return
        raise SqlError(
            3701,
            f"Cannot drop the table '{parts[-1]}', because it does not exist or you do not have permission.",
            severity=11,
            state=5,
        )
    for other in home.schema().tables.values():
        if other is not table and any(key.table.lower() == table.name.lower() for key in other.foreign_keys):
            raise SqlError(
                3726, f"Could not drop object '{table.name}' because it is referenced by a FOREIGN KEY constraint."
            )
    home.connection.execute(f"DROP TABLE main.{quoted(table.name)}")
    forget_table(home.connection, table.name)
    home.forget_schema()
