"""SQL types as Trino names them, read from Hive's, Trino's or DuckDB's notation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from include.athena_sql.errors import AthenaSqlError


@dataclass(frozen=True, slots=True)
class Type:
    """One Trino type.

    `numbers` holds a varchar's length, a decimal's precision and scale, or a timestamp's precision; `items` the types
    of the element, of key and value, or of the fields; `fields` the row's field names (None for an unnamed
    one). `zone` is the zone that a timestamp with time zone is shown in: DuckDB keeps the instant alone, so the zone
    travels with the type.
    """

    name: str
    numbers: tuple[int, ...] = ()
    items: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()
    zone: str = field(default="UTC", compare=False)

    def __str__(self) -> str:
        if self.name == "row":
            inner = ", ".join(str(t) if n is None else f"{n} {t}" for n, t in zip(self.fields, self.items, strict=True))
            return f"row({inner})"
        if self.items:
            return f"{self.name}({', '.join(map(str, self.items))})"
        head, _, tail = self.name.partition(" ")
        sizes = f"({','.join(map(str, self.numbers))})" if self.numbers else ""
        return f"{head}{sizes} {tail}".rstrip()

    def in_zone(self, zone: str) -> Type:
        """The same type, shown in another zone."""
        return replace(self, zone=zone)


UNKNOWN = Type("unknown")
BOOLEAN = Type("boolean")
INTEGER = Type("integer")
BIGINT = Type("bigint")
REAL = Type("real")
DOUBLE = Type("double")
VARCHAR = Type("varchar")
VARBINARY = Type("varbinary")
DATE = Type("date")
TIMESTAMP = Type("timestamp", (3,))
TIMESTAMP_TZ = Type("timestamp with time zone", (3,))
DAY_INTERVAL = Type("interval day to second")
MONTH_INTERVAL = Type("interval year to month")
JSON = Type("json")
IPADDRESS = Type("ipaddress")

WHOLE_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}


def decimal(precision: int, scale: int) -> Type:
    """A decimal, cut to Trino's 38 digits."""
    return Type("decimal", (min(precision, 38), scale))


def array(item: Type) -> Type:
    """An array of `item`."""
    return Type("array", items=(item,))


def map_of(key: Type, value: Type) -> Type:
    """A map from `key` to `value`."""
    return Type("map", items=(key, value))


def row(items: tuple[Type, ...], fields: tuple[str | None, ...] | None = None) -> Type:
    """A row; without names its fields are anonymous."""
    return Type("row", items=items, fields=fields or (None,) * len(items))


_ALIASES = {
    "int": "integer",
    "string": "varchar",
    "text": "varchar",
    "binary": "varbinary",
    "blob": "varbinary",
    "bool": "boolean",
    "float": "real",
    "list": "array",
    "struct": "row",
    "tuple": "row",
    "null": "unknown",
    "numeric": "decimal",
    "timestamptz": "timestamp with time zone",
    "interval": "interval day to second",
}
# Types that only DuckDB has, and the Trino type whose values hold them.
_FOREIGN = {
    "hugeint": Type("decimal", (38, 0)),
    "uhugeint": Type("decimal", (38, 0)),
    "ubigint": Type("decimal", (20, 0)),
    "uinteger": BIGINT,
    "usmallint": INTEGER,
    "utinyint": Type("smallint"),
    "timestamp_s": Type("timestamp", (0,)),
    "timestamp_ms": TIMESTAMP,
    "timestamp_ns": Type("timestamp", (9,)),
    "uuid": VARCHAR,
    "enum": VARCHAR,
}
_PLAIN = {
    *WHOLE_DIGITS,
    "boolean",
    "real",
    "double",
    "varchar",
    "char",
    "varbinary",
    "date",
    "time",
    "json",
    "ipaddress",
    "unknown",
    "interval day to second",
    "interval year to month",
    "timestamp",
    "timestamp with time zone",
    "decimal",
}
_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*|\d\w*|[<>(),:\[\]]')
_OPEN, _CLOSE = ("<", "("), (">", ")")


class TypeReader:
    """A recursive reader over the tokens of one type text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead].lower() if self.at + ahead < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        token = self.peek()
        if not token or (expected and token not in expected):
            raise self.unknown()
        self.at += 1
        return str(self.tokens[self.at - 1])

    def unknown(self) -> AthenaSqlError:
        return AthenaSqlError("TYPE_NOT_FOUND", f"Unknown type: {self.text}")

    def type(self) -> Type:
        name = self.take().strip('"').lower()
        name = _ALIASES.get(name, name)
        result = self.nested(name) if name in {"array", "map", "row"} and self.peek() in _OPEN else self.flat(name)
        while self.peek() == "[":  # DuckDB's suffix notation
            self.take()
            if self.peek() != "]":
                self.take()
            self.take("]")
            result = array(result)
        return result

    def flat(self, name: str) -> Type:
        numbers = []
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                number = self.take()
                if number != ",":
                    numbers.append(int(number) if number.isdigit() else 0)
            self.take()
        if name == "double" and self.peek() == "precision":
            self.take()
        if name == "timestamp" and self.peek() in {"with", "without"}:
            name += " with time zone" if self.take().lower() == "with" else ""
            self.take("time")
            self.take("zone")
        while name.startswith("interval") and self.peek():
            name = "interval year to month" if self.take().lower() == "year" else name
        if name in _FOREIGN:
            return _FOREIGN[name]
        if name not in _PLAIN:
            raise self.unknown()
        defaults = {"decimal": (10, 0), "timestamp": (3,), "timestamp with time zone": (3,)}
        if name == "decimal" and len(numbers) == 1:
            numbers.append(0)
        return Type(name, tuple(numbers) or defaults.get(name, ()))

    def nested(self, name: str) -> Type:
        self.take()
        items, fields = [], []
        while self.peek() not in _CLOSE:
            named = name == "row" and self.peek(1) not in {",", "(", "<", "[", ")", ">", "with", "precision", ""}
            field_name = self.take() if named else None
            if named and self.peek() == ":":
                self.take()
            fields.append(field_name.strip('"').replace('""', '"') if field_name else None)
            items.append(self.type())
            if self.peek() == ",":
                self.take()
        self.take()
        if len(items) != {"array": 1, "map": 2}.get(name, len(items)):
            raise self.unknown()
        return Type(name, items=tuple(items), fields=tuple(fields) if name == "row" else ())


def parse_type(text: str) -> Type:
    """Read a type in Hive's (``array<struct<a:int>>``), Trino's (``array(row(a integer))``) or DuckDB's notation.

    Raises AthenaSqlError TYPE_NOT_FOUND for anything else.
    """
    reader = TypeReader(text)
    result = reader.type()
    if reader.peek():
        raise reader.unknown()
    return result
