"""A batch: statements one after another, with or without semicolons, and the control flow around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from include.standins.sqlserver.errors import SqlError, not_modelled
from include.standins.sqlserver.tsql import parse_backups, parse_changes, parse_control, parse_databases, parse_tables
from include.standins.sqlserver.tsql import server_statements as server
from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.cursor import TokenCursor
from include.standins.sqlserver.tsql.parse_expressions import parse_expression
from include.standins.sqlserver.tsql.parse_queries import parse_query

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.tokens import Token

Parse: TypeAlias = Callable[[TokenCursor], st.Statement]


@dataclass(slots=True, eq=False)
class Batch:
    """A parsed batch.

    :param baked: literals, by number, whose values are part of the statements: another value is another batch.
    :param compiled: what the compiler made of its statements, kept as long as the batch is.
    """

    statements: tuple[st.Statement, ...]
    baked: Mapping[int, Any]
    compiled: dict[Any, Any] = field(default_factory=dict)


def parse(tokens: list[Token]) -> Batch:
    """Read the tokens of one batch.

    :raises SqlError: 102, 156 and their kin for what is not T-SQL; 40515 for what the stand-in does not model;
        191 when it is nested too deeply.
    """
    cursor = TokenCursor(tokens)
    try:
        statements = _statements(cursor)
    except RecursionError:
        raise SqlError(
            191,
            "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up "
            "into smaller queries.",
            severity=15,
            ends_batch=True,
        ) from None
    if not cursor.at_end:
        raise cursor.error()
    return Batch(tuple(statements), cursor.baked)


def _statements(cursor: TokenCursor) -> list[st.Statement]:
    found: list[st.Statement] = []
    while True:
        while cursor.accept_operator(";"):
            pass
        if cursor.at_end or cursor.at_word("END"):
            return found
        if not found and _calls_procedure(cursor):
            found.append(parse_control.parse_procedure(cursor))
        else:
            found.append(_statement(cursor))


def _calls_procedure(cursor: TokenCursor) -> bool:
    """A procedure's name as the first thing of a batch needs no EXEC."""
    return cursor.at == 0 and cursor.at_name and not cursor.at_word(*_STATEMENTS) and cursor.ahead().value != ":"


def _statement(cursor: TokenCursor) -> st.Statement:
    if cursor.at_operator("("):
        return st.SelectRows(parse_query(cursor))
    parse = _STATEMENTS.get(cursor.here.value) if cursor.at_word(*_STATEMENTS) else None
    if parse is not None:
        return parse(cursor)
    if cursor.at_word(*_REFUSED):
        raise not_modelled(f"Statement {cursor.here.value}")
    raise cursor.error()


def _body(cursor: TokenCursor) -> st.Statement:
    """The one statement, or block, under IF, ELSE or WHILE."""
    while cursor.accept_operator(";"):
        pass
    statement = _statement(cursor)
    if cursor.at_operator(";") and cursor.ahead().value == "ELSE":
        cursor.advance()
    return statement


def _if(cursor: TokenCursor) -> st.Statement:
    cursor.expect("IF")
    condition = parse_expression(cursor)
    then = _body(cursor)
    otherwise = _body(cursor) if cursor.accept("ELSE") else None
    return st.If(condition, then, otherwise)


def _while(cursor: TokenCursor) -> st.Statement:
    cursor.expect("WHILE")
    return st.While(parse_expression(cursor), _body(cursor))


def _begin(cursor: TokenCursor) -> st.Statement:
    cursor.expect("BEGIN")
    if cursor.at_word("TRAN", "TRANSACTION"):
        return parse_control.parse_begin_transaction(cursor)
    if cursor.at_word("DISTRIBUTED", "DIALOG", "CONVERSATION", "ATOMIC"):
        raise not_modelled(f"BEGIN {cursor.here.value}")
    if cursor.accept("TRY"):
        return _try(cursor)
    statements = _statements(cursor)
    if not statements:
        raise cursor.error()
    cursor.expect("END")
    return st.Block(tuple(statements))


def _try(cursor: TokenCursor) -> st.Statement:
    tried = _statements(cursor)
    cursor.expect("END", "TRY")
    cursor.accept_operator(";")
    cursor.expect("BEGIN", "CATCH")
    caught = _statements(cursor)
    cursor.expect("END", "CATCH")
    return st.TryCatch(tuple(tried), tuple(caught))


def _leave(cursor: TokenCursor) -> st.Statement:
    kind = str(cursor.advance().value)
    if kind == "RETURN" and (cursor.here.slot >= 0 or cursor.at_operator("-")):
        cursor.baked_integer()
    return st.Leave(kind)


def _create(cursor: TokenCursor) -> st.Statement:
    cursor.expect("CREATE")
    if cursor.at_word("TABLE"):
        return parse_tables.parse_create_table(cursor)
    if cursor.at_word("UNIQUE", "CLUSTERED", "NONCLUSTERED", "INDEX"):
        return parse_tables.parse_create_index(cursor)
    if cursor.at_word("DATABASE"):
        return parse_databases.parse_create_database(cursor)
    raise not_modelled(f"CREATE {cursor.here.text}") if not cursor.at_end else cursor.error()


def _alter(cursor: TokenCursor) -> st.Statement:
    cursor.expect("ALTER")
    if cursor.at_word("TABLE"):
        return parse_tables.parse_alter_table(cursor)
    if cursor.at_word("DATABASE"):
        return parse_databases.parse_alter_database(cursor)
    raise not_modelled(f"ALTER {cursor.here.text}") if not cursor.at_end else cursor.error()


def _drop(cursor: TokenCursor) -> st.Statement:
    cursor.expect("DROP")
    if cursor.at_word("TABLE"):
        return parse_tables.parse_drop_table(cursor)
    if cursor.at_word("INDEX"):
        return parse_tables.parse_drop_index(cursor)
    if cursor.at_word("DATABASE"):
        return parse_databases.parse_drop_database(cursor)
    raise not_modelled(f"DROP {cursor.here.text}") if not cursor.at_end else cursor.error()


def _select(cursor: TokenCursor) -> st.Statement:
    return st.SelectRows(parse_query(cursor))


def _use(cursor: TokenCursor) -> st.Statement:
    cursor.expect("USE")
    return server.Use(cursor.name())


def _checkpoint(cursor: TokenCursor) -> st.Statement:
    cursor.expect("CHECKPOINT")
    if cursor.here.slot >= 0:
        cursor.baked_integer()
    return server.Checkpoint()


_STATEMENTS: dict[str, Parse] = {
    "SELECT": _select,
    "WITH": parse_changes.parse_with,
    "INSERT": parse_changes.parse_insert,
    "UPDATE": parse_changes.parse_update,
    "DELETE": parse_changes.parse_delete,
    "TRUNCATE": parse_changes.parse_truncate,
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "BACKUP": parse_backups.parse_backup,
    "RESTORE": parse_backups.parse_restore,
    "USE": _use,
    "SET": parse_control.parse_set,
    "DECLARE": parse_control.parse_declare,
    "BEGIN": _begin,
    "COMMIT": parse_control.parse_commit,
    "ROLLBACK": parse_control.parse_rollback,
    "SAVE": parse_control.parse_save,
    "IF": _if,
    "WHILE": _while,
    "BREAK": _leave,
    "CONTINUE": _leave,
    "RETURN": _leave,
    "PRINT": parse_control.parse_print,
    "RAISERROR": parse_control.parse_raiserror,
    "THROW": parse_control.parse_throw,
    "EXEC": parse_control.parse_execute,
    "EXECUTE": parse_control.parse_execute,
    "KILL": parse_control.parse_kill,
    "WAITFOR": parse_control.parse_waitfor,
    "DBCC": parse_control.parse_dbcc,
    "CHECKPOINT": _checkpoint,
}
_REFUSED = (
    "MERGE GOTO GRANT REVOKE DENY OPEN CLOSE FETCH DEALLOCATE BULK SHUTDOWN RECONFIGURE REVERT "
    "SETUSER READTEXT WRITETEXT "
    "UPDATETEXT ADD DISABLE ENABLE"
).split()
