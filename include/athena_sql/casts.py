"""CAST, TRY_CAST and the conversions Trino makes by itself (docs: functions/conversion, language/types)."""

from __future__ import annotations

from collections.abc import Callable

from include.athena_sql.context import Typed
from include.athena_sql.errors import not_supported
from include.athena_sql.quoting import identifier, text
from include.athena_sql.text_casts import cut, from_varchar, rounded
from include.athena_sql.type_names import field_name, to_duckdb
from include.athena_sql.types import JSON, VARCHAR, WHOLE_DIGITS, Type
from include.athena_sql.zones import duckdb_zone

Convert = Callable[[str, Type, Type, int], str | None]


def cast(sql: str, expression: str | Type) -> str:
    """A plain DuckDB cast."""
    return f"CAST({sql} AS {expression if isinstance(expression, str) else to_duckdb(expression)})"


def coerce(value: Typed, target: Type) -> Typed:
    """Convert a value to a type that `common_type` or a signature allowed."""
    sql = implicit(value.sql, value.type, target, 0)
    kind = target.in_zone(value.type.zone) if value.type.name == target.name else target
    return Typed(sql, kind, text=value.text, subquery=value.subquery)


def implicit(sql: str, source: Type, target: Type, depth: int) -> str:
    """The DuckDB text of an implicit conversion."""
    if to_duckdb(source) == to_duckdb(target) and source.name != "unknown":
        return sql
    if source.items and source.name == target.name:
        return structural(sql, source, target, depth, implicit) or sql
    return cast(sql, target)


def structural(sql: str, source: Type, target: Type, depth: int, convert: Convert) -> str | None:
    """Convert an array, map or row part by part: by position, as Trino does, where DuckDB goes by field name."""
    name = f"part_{depth}"
    if source.name == "array":
        item = convert(name, source.items[0], target.items[0], depth + 1)
        return item and f"list_transform({sql}, lambda {name}: {item})"
    if source.name == "map":
        key = convert(f"{name}.key", source.items[0], target.items[0], depth + 1)
        value = convert(f"{name}.value", source.items[1], target.items[1], depth + 1)
        return key and value and f"map_from_entries({_entries(f'map_entries({sql})', name, key, value)})"
    if len(source.items) != len(target.items):
        return None
    parts = []
    for n, (kind, wanted) in enumerate(zip(source.items, target.items, strict=True)):
        part = convert(f"struct_extract({sql}, {text(field_name(source, n))})", kind, wanted, depth)
        if part is None:
            return None
        parts.append(f"{identifier(field_name(target, n))} := {part}")
    return f"CASE WHEN {sql} IS NOT NULL THEN struct_pack({', '.join(parts)}) END"


def _entries(sql: str, name: str, key: str, value: str) -> str:
    """A map's entries with another key and value each."""
    return f"list_transform({sql}, lambda {name}: struct_pack(key := {key}, value := {value}))"


def explicit(sql: str, source: Type, target: Type, depth: int = 0) -> str | None:
    """The DuckDB text of CAST, or None where Trino has no such cast."""
    if source.name == "unknown":
        return cast(sql, target)
    if target.name in {"char", "time"} or source.name in {"char", "time"}:
        raise not_supported(f"A cast from {source} to {target}")
    if target == JSON:
        return sql if source == JSON else to_json(sql, source, depth)
    if source.items:
        return structural(sql, source, target, depth, explicit) if source.name == target.name else None
    convert = _FROM.get(source.name)
    return convert(sql, source, target, depth) if convert else None


_OPEN_PLACE = "tried_value"
_SOFT = {*WHOLE_DIGITS, "decimal", "double", "real", "boolean", "varchar", "date", "timestamp"}


def soft(sql: str, source: Type, target: Type) -> str | None:
    """TRY_CAST without TRY: NULL where the value does not fit. None where the pair needs TRY.

    DuckDB runs TRY again row by row once a row fails: a hundred times slower on dirty columns.
    """
    if source.name not in _SOFT or target.name not in _SOFT:
        return None
    strict = explicit(_OPEN_PLACE, source, target)
    if strict is None:
        return None
    mild = strict.replace("ath_checked(", "ath_unless(").replace("TRY_CAST(", "CAST(").replace("CAST(", "TRY_CAST(")
    return mild.replace(_OPEN_PLACE, sql)


def _from_whole(sql: str, source: Type, target: Type, depth: int) -> str | None:
    del source, depth
    if target.name in {*WHOLE_DIGITS, "double", "real", "decimal", "varchar"}:
        return cut(cast(sql, target), target) if target.name == "varchar" else cast(sql, target)
    return f"({sql} <> 0)" if target.name == "boolean" else None


def _from_floating(sql: str, source: Type, target: Type, depth: int) -> str | None:
    if target.name in WHOLE_DIGITS:
        return cast(f"round({sql})", target)  # Trino rounds halves away from zero, DuckDB's cast to even
    if target.name == "varchar":
        return cut(f"ath_double_text({cast(sql, 'DOUBLE')}, {'true' if source.name == 'real' else 'false'})", target)
    return _from_whole(sql, source, target, depth)


def _from_boolean(sql: str, source: Type, target: Type, depth: int) -> str | None:
    return sql if target.name == "boolean" else _from_whole(sql, source, target, depth)


def _from_date(sql: str, source: Type, target: Type, depth: int) -> str | None:
    del source, depth
    if target.name in {"date", "timestamp", "timestamp with time zone", "varchar"}:
        return cast(sql, target)
    return None


def local_time(value: Typed) -> str:
    """A date or time as the wall clock of its zone shows it."""
    if value.type.name == "timestamp with time zone":
        return f"timezone({text(duckdb_zone(value.type.zone))}, {value.sql})"
    return value.sql


def time_text(sql: str, precision: int) -> str:
    """A timestamp as Trino prints it: always with as many decimals as its precision."""
    decimals = f" || {text('.')} || left(strftime({sql}, '%n'), {precision})" if precision else ""
    return f"(strftime({sql}, '%Y-%m-%d %H:%M:%S'){decimals})"


def _from_timestamp(sql: str, source: Type, target: Type, depth: int) -> str | None:
    del depth
    local = local_time(Typed(sql, source))
    if target.name == "varchar":
        zone = f" || {text(' ' + source.zone)}" if source.name != "timestamp" else ""
        return cut(f"({time_text(local, source.numbers[0])}{zone})", target)
    if target.name == "date":
        return cast(local, target)
    if target.name not in {"timestamp", "timestamp with time zone"}:
        return None
    kept = sql if target.name == source.name else local if target.name == "timestamp" else cast(sql, target)
    return rounded(kept, target) if target.numbers < source.numbers else kept


def _json_to_row(sql: str, source: Type, target: Type, depth: int) -> str:
    """From an object by the fields' names, from an array by their positions."""
    parts = []
    for n, item in enumerate(target.items):
        name = field_name(target, n)
        part = explicit(f"ath_json_field({sql}, {text(name)}, {n})", source, item, depth)
        parts.append(f"{identifier(name)} := {part}")
    return f"CASE WHEN json_type({sql}) <> 'NULL' THEN struct_pack({', '.join(parts)}) END"


def _from_json(sql: str, source: Type, target: Type, depth: int) -> str | None:
    name = f"part_{depth}"
    if target.name == "array":
        item = explicit(name, source, target.items[0], depth + 1)
        return item and f"list_transform(CAST({sql} AS JSON[]), lambda {name}: {item})"
    if target.name == "map":
        value = explicit(f"{name}.value", source, target.items[1], depth + 1)
        key = explicit(f"{name}.key", VARCHAR, target.items[0], depth + 1)
        entries = f"map_entries(CAST({sql} AS MAP(VARCHAR, JSON)))"
        return key and value and f"map_from_entries({_entries(entries, name, key, value)})"
    if target.name == "row":
        return _json_to_row(sql, source, target, depth)
    if target.name == "varchar":
        return cut(f"ath_json_text({sql}, 'varchar')", target)
    scalar = f"ath_json_text({sql}, {text(str(target))})"
    if target.name in WHOLE_DIGITS:
        return cast(f"ath_json_whole({scalar})", target)
    return (
        from_varchar(scalar, VARCHAR, target, depth)
        if target.name in {"double", "real", "boolean", "decimal"}
        else None
    )


def _same(sql: str, source: Type, target: Type, depth: int) -> str | None:
    del depth
    if source.name == target.name:
        return sql
    return sql if (source.name, target.name) == ("ipaddress", "varchar") else None


_FROM: dict[str, Convert] = {
    "varchar": from_varchar,
    **dict.fromkeys([*WHOLE_DIGITS, "decimal"], _from_whole),
    "double": _from_floating,
    "real": _from_floating,
    "boolean": _from_boolean,
    "date": _from_date,
    "timestamp": _from_timestamp,
    "timestamp with time zone": _from_timestamp,
    "json": _from_json,
    **dict.fromkeys(["varbinary", "ipaddress", "interval day to second", "interval year to month"], _same),
}


def to_json(sql: str, source: Type, depth: int = 0) -> str | None:
    """CAST(x AS JSON): times become texts in Trino's form, rows objects, nested JSON stays nested."""
    name = f"part_{depth}"
    if source.name == "json":
        return sql
    if source.name == "array":
        item = to_json(name, source.items[0], depth + 1)
        return item and f"to_json(list_transform({sql}, lambda {name}: {item}))"
    if source.name == "map":
        key = explicit(f"{name}.key", source.items[0], VARCHAR, depth + 1)
        value = to_json(f"{name}.value", source.items[1], depth + 1)
        return key and value and f"to_json(map_from_entries({_entries(f'map_entries({sql})', name, key, value)}))"
    if source.name == "row":
        parts = []
        for n, kind in enumerate(source.items):
            label = field_name(source, n)
            parts.append(f"{identifier(label)} := {to_json(f'struct_extract({sql}, {text(label)})', kind, depth)}")
        return f"CASE WHEN {sql} IS NOT NULL THEN to_json(struct_pack({', '.join(parts)})) END"
    if source.name in {"date", "timestamp", "timestamp with time zone"}:
        return f"to_json({explicit(sql, source, VARCHAR, depth)})"
    plain = source.name in {*WHOLE_DIGITS, "boolean", "double", "real", "decimal", "varchar"}
    return f"to_json({sql})" if plain else None
