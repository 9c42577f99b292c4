"""Transactions, variables, messages, procedures and SET options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.tsql import expressions as ast
from include.standins.sqlserver.tsql import server_statements as server
from include.standins.sqlserver.tsql import statements as st
from include.standins.sqlserver.tsql.parse_backups import operand
from include.standins.sqlserver.tsql.parse_expressions import parse_list, parse_value
from include.standins.sqlserver.tsql.parse_types import parse_type
from include.standins.sqlserver.tsql.tokens import Kind

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

SWITCHES = frozenset(
    """
    NOCOUNT XACT_ABORT IMPLICIT_TRANSACTIONS ARITHABORT ARITHIGNORE CONCAT_NULL_YIELDS_NULL ANSI_NULLS
    ANSI_NULL_DFLT_ON ANSI_NULL_DFLT_OFF ANSI_PADDING ANSI_WARNINGS ANSI_DEFAULTS QUOTED_IDENTIFIER NUMERIC_ROUNDABORT
    CURSOR_CLOSE_ON_COMMIT FMTONLY NOEXEC PARSEONLY IDENTITY_INSERT SHOWPLAN_ALL SHOWPLAN_TEXT SHOWPLAN_XML
    NO_BROWSETABLE FORCEPLAN REMOTE_PROC_TRANSACTIONS
    """.split()
)
_VALUES = frozenset(
    """
    LOCK_TIMEOUT TEXTSIZE ROWCOUNT DATEFORMAT DATEFIRST LANGUAGE DEADLOCK_PRIORITY CONTEXT_INFO
    QUERY_GOVERNOR_COST_LIMIT
    """.split()
)


def parse_set(cursor: TokenCursor) -> st.Statement:
    """Read SET @x = value, SET options ON | OFF, SET name value, SET TRANSACTION ISOLATION LEVEL."""
    cursor.expect("SET")
    if cursor.here.kind is Kind.VARIABLE:
        return _set_variable(cursor)
    if cursor.accept("TRANSACTION"):
        cursor.expect("ISOLATION", "LEVEL")
        return server.SetOption(("ISOLATION LEVEL",), _isolation_level(cursor))
    if cursor.at_word("STATISTICS"):
        cursor.advance()
        cursor.name()
        return server.SetOption(("STATISTICS",), cursor.accept_any("ON", "OFF") or "OFF")
    if cursor.at_word(*_VALUES):
        return _set_value(cursor)
    return _set_switches(cursor)


def _set_value(cursor: TokenCursor) -> st.Statement:
    name = str(cursor.advance().value)
    if cursor.here.kind is Kind.VARIABLE:
        raise cursor.refuse(f"SET {name} @variable")
    if cursor.here.kind is Kind.LITERAL or cursor.at_operator("-"):
        value = str(cursor.baked_integer()) if cursor.at_operator("-") else str(cursor.baked_literal())
    else:
        value = cursor.name()
    return server.SetOption((name,), value)


def _set_switches(cursor: TokenCursor) -> st.Statement:
    names = []
    while True:
        if not cursor.at_word(*SWITCHES):
            text = cursor.here.text
            if cursor.here.kind is Kind.WORD:
                raise SqlError(195, f"'{text}' is not a recognized SET option.", severity=15, ends_batch=True)
            raise cursor.error()
        names.append(str(cursor.advance().value))
        if names[-1] == "IDENTITY_INSERT":
            names.append(".".join(cursor.names()))
        if not cursor.accept_operator(","):
            break
    value = cursor.accept_any("ON", "OFF")
    if value is None:
        raise cursor.error()
    return server.SetOption(tuple(names), value)


def _isolation_level(cursor: TokenCursor) -> str:
    for words in (
        ("READ", "UNCOMMITTED"),
        ("READ", "COMMITTED"),
        ("REPEATABLE", "READ"),
        ("SNAPSHOT",),
        ("SERIALIZABLE",),
    ):
        if cursor.accept(*words):
            return " ".join(words)
    raise cursor.error()


def _set_variable(cursor: TokenCursor) -> st.Statement:
    name = cursor.advance().value
    if cursor.here.kind is Kind.OPERATOR and cursor.here.value in {"+=", "-=", "*=", "/=", "%="}:
        operator = cursor.advance().value[0]
        return st.SetVariable(name, ast.Binary(operator, ast.Variable(name), parse_value(cursor)))
    cursor.expect_operator("=")
    return st.SetVariable(name, parse_value(cursor))


def parse_declare(cursor: TokenCursor) -> st.Declare:
    """Read DECLARE @x type [= value], ..."""
    cursor.expect("DECLARE")
    variables = []
    while True:
        if cursor.here.kind is not Kind.VARIABLE:
            raise cursor.refuse("A cursor") if cursor.at_name else cursor.error()
        name = cursor.advance().value
        cursor.accept("AS")
        if cursor.at_word("TABLE"):
            raise cursor.refuse("A table variable")
        type_ = parse_type(cursor)
        value = parse_value(cursor) if cursor.accept_operator("=") else None
        variables.append((name, type_, value))
        if not cursor.accept_operator(","):
            return st.Declare(tuple(variables))


def parse_begin_transaction(cursor: TokenCursor) -> st.Statement:
    """Read what follows BEGIN: TRAN [name]."""
    if cursor.accept_any("TRAN", "TRANSACTION") is None:
        raise cursor.error()
    name = _transaction_name(cursor)
    if cursor.accept("WITH", "MARK"):
        raise cursor.refuse("BEGIN TRANSACTION ... WITH MARK")
    return st.Begin(name)


def _transaction_name(cursor: TokenCursor) -> str | None:
    if cursor.here.kind is Kind.VARIABLE:
        raise cursor.refuse("A transaction name in a variable")
    return cursor.name() if cursor.at_name and not cursor.at_word("THROW") else None


def parse_commit(cursor: TokenCursor) -> st.Statement:
    """Read COMMIT [TRAN | WORK] [name]."""
    cursor.expect("COMMIT")
    if cursor.accept_any("TRAN", "TRANSACTION"):
        _transaction_name(cursor)
    else:
        cursor.accept("WORK")
    return st.Commit()


def parse_rollback(cursor: TokenCursor) -> st.Statement:
    """Read ROLLBACK [TRAN | WORK] [name]."""
    cursor.expect("ROLLBACK")
    if cursor.accept_any("TRAN", "TRANSACTION"):
        return st.Rollback(_transaction_name(cursor))
    cursor.accept("WORK")
    return st.Rollback()


def parse_save(cursor: TokenCursor) -> st.Statement:
    """Read SAVE TRAN name."""
    cursor.expect("SAVE")
    if cursor.accept_any("TRAN", "TRANSACTION") is None:
        raise cursor.error()
    name = _transaction_name(cursor)
    if name is None:
        raise cursor.error()
    return st.Save(name)


def parse_print(cursor: TokenCursor) -> st.Statement:
    """Read PRINT value."""
    cursor.expect("PRINT")
    return st.Print(parse_value(cursor))


def parse_raiserror(cursor: TokenCursor) -> st.Statement:
    """Read RAISERROR (message, severity, state, ...) [WITH NOWAIT]."""
    cursor.expect("RAISERROR")
    cursor.expect_operator("(")
    arguments = parse_list(cursor, parse_value)
    cursor.expect_operator(")")
    no_wait = False
    if cursor.accept("WITH"):
        if not cursor.accept("NOWAIT"):
            raise cursor.refuse(f"RAISERROR ... WITH {cursor.here.text}")
        no_wait = True
    if len(arguments) < 3:
        raise cursor.error()
    return st.RaiseError(tuple(arguments), no_wait)


def parse_throw(cursor: TokenCursor) -> st.Statement:
    """Read THROW [number, message, state]."""
    cursor.expect("THROW")
    if cursor.here.kind not in {Kind.LITERAL, Kind.VARIABLE}:
        return st.Throw()
    arguments = parse_list(cursor, parse_value)
    if len(arguments) != 3:
        raise cursor.error()
    return st.Throw(tuple(arguments))


def parse_execute(cursor: TokenCursor) -> st.Statement:
    """Read EXEC [@result =] procedure arguments, or EXEC (text)."""
    if cursor.accept_any("EXEC", "EXECUTE") and cursor.accept_operator("("):
        text = parse_value(cursor)
        cursor.expect_operator(")")
        if cursor.at_word("AT") or cursor.at_words("AS"):
            raise cursor.refuse("EXEC ... AT or AS")
        return st.ExecuteText(text)
    result = None
    if cursor.here.kind is Kind.VARIABLE:
        result = cursor.advance().value
        cursor.expect_operator("=")
    return parse_procedure(cursor, result)


def parse_procedure(cursor: TokenCursor, result: str | None = None) -> st.Statement:
    """Read procedure [@name =] value [OUTPUT], ..."""
    name = cursor.names()
    arguments: list[st.Argument] = []
    while cursor.here.kind in {Kind.LITERAL, Kind.VARIABLE, Kind.GLOBAL} or _bare_argument(cursor):
        arguments.append(_argument(cursor))
        if not cursor.accept_operator(","):
            break
    return st.Execute(name, tuple(arguments), result)


def _bare_argument(cursor: TokenCursor) -> bool:
    return cursor.at_word("NULL", "DEFAULT") or cursor.at_operator("-") or cursor.at_name


def _argument(cursor: TokenCursor) -> st.Argument:
    name = None
    if cursor.here.kind is Kind.VARIABLE and cursor.ahead().value == "=":
        name = cursor.advance().value
        cursor.advance()
    token = cursor.here
    if cursor.at_name:
        # EXEC sp_helpdb Sales: a bare word is a string.
        raise cursor.refuse(f"The bare word {token.text} as an argument")
    value: ast.Expression
    if cursor.accept("NULL"):
        value = ast.Null()
    elif cursor.accept("DEFAULT"):
        value = ast.Default()
    else:
        value = parse_value(cursor)
    output = cursor.accept_any("OUTPUT", "OUT") is not None
    return st.Argument(name, value, output)


def parse_kill(cursor: TokenCursor) -> st.Statement:
    """Read KILL session."""
    cursor.expect("KILL")
    session = cursor.baked_integer()
    if cursor.at_word("WITH"):
        raise cursor.refuse("KILL ... WITH STATUSONLY")
    return server.Kill(session)


def parse_waitfor(cursor: TokenCursor) -> st.Statement:
    """Read WAITFOR DELAY | TIME value."""
    cursor.expect("WAITFOR")
    kind = cursor.accept_any("DELAY", "TIME")
    if kind is None:
        raise cursor.refuse("WAITFOR other than DELAY and TIME")
    return server.WaitFor(operand(cursor), kind == "TIME")


def parse_dbcc(cursor: TokenCursor) -> st.Statement:
    """Read DBCC CHECKDB [(database)] [WITH options]."""
    cursor.expect("DBCC")
    if not cursor.accept("CHECKDB"):
        raise cursor.refuse(f"DBCC {cursor.here.text}")
    database: server.Operand | None = None
    if cursor.accept_operator("("):
        database = cursor.name() if cursor.at_name else operand(cursor)
        if cursor.accept_operator(","):
            raise cursor.refuse("A repair option of DBCC CHECKDB")
        cursor.expect_operator(")")
    no_messages = False
    if cursor.accept("WITH"):
        while True:
            word = cursor.accept_any("NO_INFOMSGS", "ALL_ERRORMSGS", "PHYSICAL_ONLY", "TABLOCK", "DATA_PURITY")
            if word is None:
                raise cursor.refuse(f"DBCC CHECKDB ... WITH {cursor.here.text}")
            no_messages = no_messages or word == "NO_INFOMSGS"
            if not cursor.accept_operator(","):
                break
    return server.CheckDatabase(database, no_messages)
