"""Statements to SQLite for one session, remembered with the batch, and run with this execution's values."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.engine import foreign_tables
from include.standins.sqlserver.engine.batches import fits
from include.standins.sqlserver.engine.sqlite_errors import null_refused, translated
from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.query.compilation import Compiled, Context
from include.standins.sqlserver.query.compile_selects import (
    compile_condition,
    compile_value,
)
from include.standins.sqlserver.query.runtime import take_error
from include.standins.sqlserver.query.values import Cell, encode, to_python
from include.standins.sqlserver.results import SqlType

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.standins.sqlserver.engine.frames import Frame
    from include.standins.sqlserver.engine.homes import Home
    from include.standins.sqlserver.engine.session import LocalSession
    from include.standins.sqlserver.tsql import expressions as ast

_MOST_VARIANTS = 8


def new_context(session: LocalSession, frame: Frame, home: Home) -> Context:
    """What compiling a statement in a database needs."""
    return Context(home.schema(), home.name, frame.types, frame.literals, foreign_tables.finder(session, home))


def compiled(
    session: LocalSession, frame: Frame, home: Home, node: object, compile_: Callable[[Context], Compiled]
) -> Compiled:
    """Return the compiled statement, made anew only for another schema, other variables or other built-in literals."""
    key = (id(node), home.name, home.schema().fingerprint, tuple(frame.types.items()), session.settings.identity_insert)
    variants: list[Compiled] = frame.batch.compiled.setdefault(key, [])
    for known in variants:
        if fits(known.baked, frame.literals):
            return known
    context = new_context(session, frame, home)
    made = compile_(context)
    if all(foreign_tables.is_fixed(foreign) for foreign in made.foreign):
        if len(variants) >= _MOST_VARIANTS:
            variants.clear()
        variants.append(made)
    return made


def run(session: LocalSession, frame: Frame, home: Home, statement: Compiled) -> sqlite3.Cursor:
    """Execute a compiled statement; iterate over it within `errors`."""
    foreign_tables.fill(session, home, statement.foreign)
    return home.connection.execute(statement.sql, bindings(session, frame, statement))


def bindings(session: LocalSession, frame: Frame, statement: Compiled) -> list[Cell]:
    """The values of a compiled statement's parameters."""
    cells: list[Cell] = []
    now = session.instance.catalog.clock.now()
    for binding in statement.bindings:
        if binding.kind == "literal":
            slot, type_ = binding.key
            cells.append(encode(frame.literals[slot], type_))
        elif binding.kind == "variable":
            cells.append(frame.cells[binding.key])
        elif binding.kind == "now":
            cells.append(encode(_now_as(now, binding.key), binding.key))
        else:
            cells.append(_system_cell(session, binding.kind, binding.key))
    return cells


def _now_as(now: Any, type_: SqlType) -> Any:
    from include.standins.sqlserver.query.dates import to_datetime

    return to_datetime(now) if type_.name == "datetime" else now


def _system_cell(session: LocalSession, kind: str, name: str) -> Cell:
    from include.standins.sqlserver.query.functions_system import GLOBALS

    if kind == "global":
        return encode(session.facts.global_value(name), GLOBALS[name])
    value = session.facts.system_value(name)
    if name == "SCOPE_IDENTITY":
        return encode(value, SqlType("numeric", precision=38))
    return value if value is None or isinstance(value, int | str) else str(value)


class Errors:
    """Turns SQLite's errors into SQL Server's, as a context manager."""

    def __init__(self, session: LocalSession, home: Home, statement: Compiled) -> None:
        self._session = session
        self._home = home
        self._statement = statement

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None or isinstance(error, GeneratorExit):
            return
        kept = take_error()
        if isinstance(error, sqlite3.Error):
            self._session.check()
            raise self._kept(kept) or self._translated(error) or error
        if isinstance(error, OverflowError):
            raise SqlError(8115, "Arithmetic overflow error converting expression to data type bigint.") from error

    def _kept(self, kept: SqlError | None) -> SqlError | None:
        if kept is not None and kept.number == 515:
            return null_refused(
                kept.message, table=self._statement.table or "?", database=self._home.name, verb=self._statement.verb
            )
        return kept

    def _translated(self, error: sqlite3.Error) -> SqlError | None:
        return translated(
            error,
            verb=self._statement.verb,
            table=self._statement.table,
            schema=self._home.schema(),
            database=self._home.name,
        )


def evaluate(session: LocalSession, frame: Frame, node: ast.Expression) -> tuple[Cell, SqlType]:
    """Compute an expression."""
    home = session.home()
    statement = compiled(session, frame, home, node, lambda context: compile_value(node, context))
    with Errors(session, home, statement):
        cell = run(session, frame, home, statement).fetchone()[0]
    return cell, statement.columns[0].type


def evaluate_python(session: LocalSession, frame: Frame, node: ast.Expression) -> Any:
    """Compute an expression as Python's value."""
    cell, type_ = evaluate(session, frame, node)
    return to_python(cell, type_)


def holds(session: LocalSession, frame: Frame, node: ast.Expression) -> bool:
    """Whether the condition of IF or WHILE is true (UNKNOWN is not)."""
    home = session.home()
    statement = compiled(session, frame, home, node, lambda context: compile_condition(node, context))
    with Errors(session, home, statement):
        return bool(run(session, frame, home, statement).fetchone()[0])
