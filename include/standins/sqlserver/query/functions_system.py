"""Functions and @@globals about the session, the server and its databases."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

from include.standins.sqlserver.errors import not_modelled
from include.standins.sqlserver.query.compilation import Emitted
from include.standins.sqlserver.query.function_library import Rule, arguments
from include.standins.sqlserver.query.query_sources import expand_star
from include.standins.sqlserver.query.types import GUID, INT, SYSNAME, family
from include.standins.sqlserver.results import SqlType
from include.standins.sqlserver.tsql import expressions as ast

if TYPE_CHECKING:
    from include.standins.sqlserver.query.compile_expressions import ExpressionCompiler

GLOBALS = {
    "@@ROWCOUNT": INT,
    "@@ERROR": INT,
    "@@TRANCOUNT": INT,
    "@@SPID": SqlType("smallint"),
    "@@SERVERNAME": SYSNAME,
    "@@SERVICENAME": SYSNAME,
    "@@VERSION": SqlType("nvarchar", 300),
    "@@IDENTITY": SqlType("numeric", precision=38),
    "@@LOCK_TIMEOUT": INT,
    "@@MAX_PRECISION": SqlType("tinyint"),
    "@@MICROSOFTVERSION": INT,
    "@@LANGUAGE": SYSNAME,
    "@@OPTIONS": INT,
    "@@DATEFIRST": SqlType("tinyint"),
    "@@TEXTSIZE": INT,
}
_OF_SESSION = {
    "SCOPE_IDENTITY": SqlType("numeric", precision=38),
    "SUSER_SNAME": SYSNAME,
    "SUSER_NAME": SYSNAME,
    "ORIGINAL_LOGIN": SYSNAME,
    "SYSTEM_USER": SYSNAME,
    "SESSION_USER": SYSNAME,
    "CURRENT_USER": SYSNAME,
    "USER": SYSNAME,
    "USER_NAME": SYSNAME,
    "HOST_NAME": SYSNAME,
    "APP_NAME": SYSNAME,
    "XACT_STATE": SqlType("smallint"),
    "ERROR_NUMBER": INT,
    "ERROR_MESSAGE": SqlType("nvarchar", 4000),
    "ERROR_SEVERITY": INT,
    "ERROR_STATE": INT,
    "ERROR_LINE": INT,
    "ERROR_PROCEDURE": SYSNAME,
    "CURRENT_TRANSACTION_ID": SqlType("bigint"),
}


def _of_session(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    arguments(call, 0)
    return Emitted(compiler.context.bind("system", call.name), _OF_SESSION[call.name])


def _lookup(function: str, type_: SqlType, low: int, high: int) -> Rule:
    """A function of names that the connection answers."""

    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        values = [compiler.value(node) for node in arguments(call, low, high)]
        texts = [value.sql for value in values]
        return Emitted(f"{function}({', '.join(texts)})", type_)

    return rule


def _newid(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    del compiler
    arguments(call, 0)
    return Emitted("ts_newid()", GUID)


def _property(function: str) -> Rule:
    """SERVERPROPERTY and DATABASEPROPERTYEX give sql_variant: here a string, or a number where it is one.

    The name must be a constant, because the type follows from it.
    """

    def rule(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
        nodes = arguments(call, 2 if function == "ts_database_property" else 1)
        last = nodes[-1]
        if not isinstance(last, ast.Literal) or not isinstance(compiler.context.literals[last.slot], str):
            raise not_modelled(f"{call.name} with a property that is no constant")
        name = str(compiler.context.bake(last.slot)).lower()
        type_ = INT if name in _NUMBERS else SYSNAME
        values = ", ".join(compiler.value(node).sql for node in nodes)
        return Emitted(f"{function}({values})", type_)

    return rule


_NUMBERS = frozenset(
    """
    engineedition isclustered ishadrenabled isintegratedsecurityonly issingleuser isfulltextinstalled processid
    isinstandby isautoclose isautoshrink version islocaldb isxtpsupported ispolybaseinstalled hadrmanagerstatus
    buildclrversion
    """.split()
)


def _checksum(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    values: list[Emitted] = []
    for node in arguments(call, 1, 1024):
        if isinstance(node, ast.Star):
            values.extend(value for _, value in expand_star(compiler.queries, node, compiler.scope))
        else:
            values.append(compiler.value(node))
    texts = []
    for value in values:
        folds = value.type is not None and family(value.type) == "string"
        texts.append(f"ts_lower(rtrim({value.sql}))" if folds else value.sql)
    return Emitted(f"ts_checksum({', '.join(texts)})", INT)


def _hashbytes(compiler: ExpressionCompiler, call: ast.Call) -> Emitted:
    algorithm, node = arguments(call, 2)
    value = compiler.value(node)
    if value.type is None or family(value.type) not in {"string", "binary"}:
        raise not_modelled("HASHBYTES of what is neither a string nor binary")
    data = compiler.convert(value, SqlType("varbinary", None))
    return Emitted(f"ts_hashbytes({compiler.value(algorithm).sql}, {data.sql})", SqlType("varbinary", 8000))


RULES: dict[str, Rule] = {
    **dict.fromkeys(_OF_SESSION, _of_session),
    "NEWID": _newid,
    "DB_ID": _lookup("ts_db_id", SqlType("smallint"), 0, 1),
    "DB_NAME": _lookup("ts_db_name", SYSNAME, 0, 1),
    "OBJECT_ID": _lookup("ts_object_id", INT, 1, 2),
    "OBJECT_NAME": _lookup("ts_object_name", SYSNAME, 1, 1),
    "SCHEMA_NAME": _lookup("ts_schema_name", SYSNAME, 0, 1),
    "SCHEMA_ID": _lookup("ts_schema_id", INT, 0, 1),
    "HAS_DBACCESS": _lookup("ts_has_dbaccess", INT, 1, 1),
    "IS_SRVROLEMEMBER": _lookup("ts_is_member", INT, 1, 2),
    "IS_MEMBER": _lookup("ts_is_member", INT, 1, 1),
    "SERVERPROPERTY": _property("ts_server_property"),
    "DATABASEPROPERTYEX": _property("ts_database_property"),
    "CHECKSUM": _checksum,
    "BINARY_CHECKSUM": _checksum,
    "HASHBYTES": _hashbytes,
}

_ALGORITHMS = {"md5": "md5", "sha": "sha1", "sha1": "sha1", "sha2_256": "sha256", "sha2_512": "sha512"}


# --- what the connection runs


def checksum(*cells: Any) -> int:
    """CHECKSUM: the same for equal rows, case-insensitive for strings. Not the engine's numbers."""
    crc = 0
    for cell in cells:
        text = b"\0" if cell is None else repr(cell).encode()
        crc = zlib.crc32(text + b"\x1f", crc)
    return crc - 2**32 * (crc >> 31)


def hash_bytes(algorithm: str | None, data: bytes | None) -> bytes | None:
    """HASHBYTES; NULL for an algorithm it does not know, as the engine answers."""
    name = _ALGORITHMS.get((algorithm or "").lower())
    if name is None or data is None:
        return None
    return hashlib.new(name, data, usedforsecurity=False).digest()
