"""CREATE, ALTER and DROP DATABASE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.standins.sqlserver.errors import SqlError
from include.standins.sqlserver.tsql import server_statements as server
from include.standins.sqlserver.tsql import statements as st

if TYPE_CHECKING:
    from include.standins.sqlserver.tsql.cursor import TokenCursor

_ACCESS = ("SINGLE_USER", "RESTRICTED_USER", "MULTI_USER")
_STATE = ("ONLINE", "OFFLINE", "EMERGENCY")
_SWITCHES = frozenset(
    """
    AUTO_CLOSE AUTO_SHRINK AUTO_CREATE_STATISTICS AUTO_UPDATE_STATISTICS AUTO_UPDATE_STATISTICS_ASYNC TRUSTWORTHY
    ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ANSI_NULL_DEFAULT ARITHABORT CONCAT_NULL_YIELDS_NULL QUOTED_IDENTIFIER
    NUMERIC_ROUNDABORT RECURSIVE_TRIGGERS DB_CHAINING READ_COMMITTED_SNAPSHOT ALLOW_SNAPSHOT_ISOLATION
    """.split()
)


def parse_create_database(cursor: TokenCursor) -> st.Statement:
    """Read CREATE DATABASE name; file lists and options are refused. DATABASE is the next word."""
    cursor.expect("DATABASE")
    name = cursor.name()
    if cursor.accept("COLLATE"):
        collation = cursor.name()
        if collation.upper() != "SQL_LATIN1_GENERAL_CP1_CI_AS":
            raise cursor.refuse(f"Collation {collation}")
    if cursor.at_word("ON", "LOG", "FOR", "AS", "CONTAINMENT") or cursor.at_words("WITH"):
        raise cursor.refuse(f"CREATE DATABASE ... {cursor.here.value}")
    return server.CreateDatabase(name)


def parse_drop_database(cursor: TokenCursor) -> st.Statement:
    """Read DROP DATABASE [IF EXISTS] names; DATABASE is the next word."""
    cursor.expect("DATABASE")
    if_exists = cursor.accept("IF", "EXISTS")
    names = [cursor.name()]
    while cursor.accept_operator(","):
        names.append(cursor.name())
    return server.DropDatabase(tuple(names), if_exists)


def parse_alter_database(cursor: TokenCursor) -> st.Statement:
    """Read ALTER DATABASE name SET option [, ...] [WITH ROLLBACK IMMEDIATE | AFTER n | NO_WAIT], or MODIFY NAME."""
    cursor.expect("DATABASE")
    name = None if cursor.accept("CURRENT") else cursor.name()
    if cursor.accept("MODIFY", "NAME"):
        cursor.expect_operator("=")
        return server.AlterDatabase(name, new_name=cursor.name())
    if not cursor.accept("SET"):
        raise cursor.refuse(f"ALTER DATABASE ... {cursor.here.text}")
    options = [_option(cursor)]
    while cursor.accept_operator(","):
        options.append(_option(cursor))
    return server.AlterDatabase(name, tuple(options), wait=_termination(cursor))


def _option(cursor: TokenCursor) -> tuple[str, str]:
    if cursor.accept("RECOVERY"):
        model = cursor.accept_any("FULL", "SIMPLE", "BULK_LOGGED")
        if model == "BULK_LOGGED":
            raise cursor.refuse("Recovery model BULK_LOGGED")
        if model is None:
            raise cursor.error()
        return "RECOVERY", model
    access = cursor.accept_any(*_ACCESS)
    if access:
        return "ACCESS", access
    state = cursor.accept_any(*_STATE)
    if state == "EMERGENCY":
        raise cursor.refuse("State EMERGENCY")
    if state:
        return "STATE", state
    updates = cursor.accept_any("READ_ONLY", "READ_WRITE")
    if updates:
        return "UPDATES", updates
    return _accepted_without_effect(cursor)


def _accepted_without_effect(cursor: TokenCursor) -> tuple[str, str]:
    """Options that installers set and that change nothing here."""
    name = str(cursor.here.value)
    if name in _SWITCHES:
        cursor.advance()
        value = cursor.accept_any("ON", "OFF")
        if value is None:
            raise cursor.error()
        return "IGNORED", f"{name} {value}"
    if name in {"COMPATIBILITY_LEVEL", "TARGET_RECOVERY_TIME"}:
        cursor.advance()
        cursor.expect_operator("=")
        cursor.baked_integer()
        cursor.accept_any("SECONDS", "MINUTES")
        return "IGNORED", name
    if name == "PAGE_VERIFY":
        cursor.advance()
        if cursor.accept_any("CHECKSUM") is None:
            raise cursor.refuse("PAGE_VERIFY other than CHECKSUM")
        return "IGNORED", name
    if cursor.at_name:
        raise cursor.refuse(f"ALTER DATABASE ... SET {cursor.here.text}")
    raise cursor.error()


def _termination(cursor: TokenCursor) -> float | None:
    if not cursor.accept("WITH"):
        return None
    if cursor.accept("NO_WAIT"):
        return -1.0
    cursor.expect("ROLLBACK")
    if cursor.accept("IMMEDIATE"):
        return 0.0
    cursor.expect("AFTER")
    seconds = cursor.baked_integer()
    cursor.accept("SECONDS")
    if seconds < 0:
        raise SqlError(102, f"Incorrect syntax near '{seconds}'.", severity=15, ends_batch=True)
    return float(seconds)
