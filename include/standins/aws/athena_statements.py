"""What a statement asks for: the kinds the local Athena runs, and a refusal for every other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from include.standins.aws.athena_errors import QueryFailedError, syntax_error
from include.standins.aws.athena_lexer import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

TableName = tuple[str | None, str]


@dataclass(frozen=True)
class Query:
    """SELECT, WITH, VALUES or TABLE."""

    sql: str


@dataclass(frozen=True)
class CreateTableAs:
    """CREATE TABLE ... AS query; properties as written in WITH (...), names in lower case."""

    table: TableName
    query: str
    properties: dict[str, str | list[str]]
    if_not_exists: bool
    with_data: bool


@dataclass(frozen=True)
class InsertInto:
    """INSERT INTO table [(columns)] query."""

    table: TableName
    columns: list[str]
    query: str


@dataclass(frozen=True)
class Unload:
    """UNLOAD (query) TO 's3://...' WITH (...)."""

    query: str
    location: str
    properties: dict[str, str | list[str]]


@dataclass(frozen=True)
class Prepare:
    """PREPARE name FROM statement."""

    name: str
    statement: str


@dataclass(frozen=True)
class Execute:
    """EXECUTE name [USING literal, ...]."""

    name: str
    parameters: list[str]


@dataclass(frozen=True)
class Deallocate:
    """DEALLOCATE PREPARE name."""

    name: str


@dataclass(frozen=True)
class Ddl:
    """A catalog statement, not parsed further here: its kind and a reader standing behind the kind's words."""

    kind: str
    reader: Reader = field(compare=False)


Statement = Query | CreateTableAs | InsertInto | Unload | Prepare | Execute | Deallocate | Ddl

_DDL = (
    "CREATE EXTERNAL TABLE", "CREATE DATABASE", "CREATE SCHEMA", "DROP DATABASE", "DROP SCHEMA", "DROP TABLE",
    "MSCK REPAIR TABLE", "ALTER TABLE", "SHOW TABLES", "SHOW DATABASES", "SHOW SCHEMAS", "SHOW PARTITIONS",
    "SHOW COLUMNS", "SHOW CREATE TABLE", "SHOW TBLPROPERTIES", "DESCRIBE", "DESC",
)  # fmt: skip


def parse_statement(sql: str) -> Statement:
    """Tell what a statement is; raises QueryFailedError for one that the local Athena does not run."""
    reader = Reader(sql)
    first = reader.peek().upper
    if first in ("SELECT", "WITH", "VALUES", "TABLE", "("):
        return Query(reader.sql)
    special = _SPECIAL.get(first)
    if special:
        return special(reader)
    for kind in _DDL:
        if reader.take(*kind.split()):
            return Ddl(kind, reader)
    if reader.take("CREATE", "TABLE"):
        return _create_table_as(reader)
    raise _refusal(reader)


def statement_type(sql: str) -> str:
    """Give GetQueryExecution's StatementType: DML, DDL or UTILITY."""
    words = sql.strip().upper().split(None, 3)
    first = words[0] if words else ""
    if first in ("SHOW", "DESCRIBE", "DESC", "EXPLAIN"):
        return "UTILITY"
    if first in ("CREATE", "DROP", "ALTER", "MSCK"):
        return "DDL"
    return "DML"


def _insert(reader: Reader) -> InsertInto:
    reader.expect("INSERT", "INTO")
    table = reader.dotted()
    columns: list[str] = []
    if reader.peek().text == "(" and reader.peek(1).upper not in ("SELECT", "WITH", "VALUES", "("):
        columns = [Reader(part).name() for part in reader.parenthesised().split(",")]
    return InsertInto(table, columns, reader.rest())


def _unload(reader: Reader) -> Unload:
    reader.expect("UNLOAD")
    query = reader.parenthesised()
    reader.expect("TO")
    location = reader.string()
    properties = with_properties(reader) if reader.take("WITH") else {}
    reader.end()
    return Unload(query, location, properties)


def _prepare(reader: Reader) -> Prepare:
    reader.expect("PREPARE")
    name = reader.name()
    reader.expect("FROM")
    return Prepare(name, reader.rest())


def _execute(reader: Reader) -> Execute:
    reader.expect("EXECUTE")
    name, parameters = reader.name(), []
    if reader.take("USING"):
        parameters.append(reader.until_comma())
        while reader.take(","):
            parameters.append(reader.until_comma())
    reader.end()
    return Execute(name, parameters)


def _deallocate(reader: Reader) -> Deallocate:
    reader.expect("DEALLOCATE", "PREPARE")
    name = reader.name()
    reader.end()
    return Deallocate(name)


def _create_table_as(reader: Reader) -> CreateTableAs:
    if_not_exists = reader.take("IF", "NOT", "EXISTS")
    table = reader.dotted()
    properties = with_properties(reader) if reader.take("WITH") else {}
    if not reader.take("AS"):
        raise QueryFailedError("NOT_SUPPORTED", "CREATE TABLE without AS makes Iceberg tables, which are not modelled")
    if reader.peek().text == "(" and reader.peek(1).upper in ("SELECT", "WITH", "VALUES", "("):
        query = reader.parenthesised()
        tail = reader.rest()
    else:
        query, tail = _split_data_clause(reader.rest())
    return CreateTableAs(
        table, query, properties, if_not_exists, with_data=tail.upper().split() != ["WITH", "NO", "DATA"]
    )


def _split_data_clause(sql: str) -> tuple[str, str]:
    words = sql.rsplit(None, 3)
    if [word.upper() for word in words[1:]] == ["WITH", "NO", "DATA"]:
        return words[0], "WITH NO DATA"
    return sql, ""


def with_properties(reader: Reader) -> dict[str, str | list[str]]:
    """Read (name = 'text', name = ARRAY['a', 'b'], ...)."""
    reader.expect("(")
    properties: dict[str, str | list[str]] = {}
    while not reader.take(")"):
        name = reader.name()
        reader.expect("=")
        properties[name] = _property_value(reader)
        if not reader.take(",") and reader.peek().text != ")":
            raise reader.mismatch("','")
    return properties


def _property_value(reader: Reader) -> str | list[str]:
    if not reader.take("ARRAY"):
        return reader.next().value
    reader.expect("[")
    values = []
    while not reader.take("]"):
        values.append(reader.string())
        reader.take(",")
    return values


def _refusal(reader: Reader) -> QueryFailedError:
    token = reader.peek()
    if token.upper in (
        "EXPLAIN",
        "MERGE",
        "UPDATE",
        "DELETE",
        "OPTIMIZE",
        "VACUUM",
        "CREATE",
        "DROP",
        "SHOW",
        "ANALYZE",
    ):
        words = " ".join(reader.peek(i).upper for i in range(2) if reader.peek(i).kind == "word")
        return QueryFailedError("NOT_SUPPORTED", f"{words} is not modelled by the local Athena")
    return syntax_error(
        f"line 1:1: mismatched input '{token.text or '<EOF>'}'. Expecting: <query>, 'CREATE', 'INSERT', ..."
    )


_SPECIAL: dict[str, Callable[[Reader], Statement]] = {
    "INSERT": _insert,
    "UNLOAD": _unload,
    "PREPARE": _prepare,
    "EXECUTE": _execute,
    "DEALLOCATE": _deallocate,
}
