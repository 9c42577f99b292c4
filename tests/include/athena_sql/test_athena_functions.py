"""Every function on the list: its text binds in DuckDB, and its type is the one the list promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.athena_sql import athena_type, catalogue, translate_query
from include.athena_sql.calls import WINDOW_ONLY
from include.athena_sql.signatures import Lambda, Signature, resolve
from include.athena_sql.type_names import to_duckdb
from include.athena_sql.types import BIGINT, DATE, DOUBLE, INTEGER, Type

if TYPE_CHECKING:
    import duckdb

# What the type variables stand for here.
BOUND = {
    "T": INTEGER,
    "U": DOUBLE,
    "V": DOUBLE,
    "K": INTEGER,
    "S": BIGINT,
    "R": BIGINT,
    "N": DOUBLE,
    "W": BIGINT,
    "D": DATE,
}
# Arguments that must be constants, by function and position.
CONSTANTS = {
    **{(name, 0): "'day'" for name in ("date_add", "date_diff", "date_trunc")},
    **{(name, 1): "'%Y'" for name in ("date_format", "date_parse")},
    **{(name, 1): "'yyyy'" for name in ("format_datetime", "parse_datetime")},
    **{(name, 1): "'Asia/Tokyo'" for name in ("from_unixtime", "at_timezone", "with_timezone")},
    **{(name, 1): "'$.a'" for name in ("json_extract", "json_extract_scalar", "json_size")},
    ("regexp_replace", 2): "'x'",
    ("round", 1): "1",
    **{(name, 1): "0.5" for name in ("approx_percentile",)},
}
# Functions that answer when every argument is NULL.
NEVER_NULL = frozenset({"count", "count_if", "approx_distinct", "array_agg", "to_milliseconds"})


def argument(signature: Signature, index: int) -> str:
    if (signature.name, index) in CONSTANTS:
        constant = CONSTANTS[signature.name, index]
        return f"ARRAY[{constant}]" if str(signature.parameters[index]).startswith("array") else constant
    parameter = signature.parameters[index]
    if isinstance(parameter, Lambda):
        names = ", ".join("xyz"[n] for n in range(len(parameter.parameters)))
        return f"({names}) -> CAST(NULL AS {resolve(parameter.result, BOUND)})"
    kind = resolve(parameter, BOUND)
    if kind.name.startswith("interval"):
        return "INTERVAL '1' DAY" if "day" in kind.name else "INTERVAL '1' MONTH"
    return f"CAST(NULL AS {'decimal(10, 2)' if kind == Type('decimal') else kind})"


def signatures() -> list[Any]:
    listed = [s for overloads in catalogue.SIGNATURES.values() for s in overloads]
    return [pytest.param(signature, id=str(signature)) for signature in listed]


@pytest.mark.parametrize("signature", signatures())
def test_a_function_on_the_list_runs_and_has_its_type(
    connection: duckdb.DuckDBPyConnection, signature: Signature
) -> None:
    arguments = ", ".join(argument(signature, n) for n in range(len(signature.parameters)))
    call = f"{signature.name}({arguments})" + (" OVER ()" if signature.name in WINDOW_ONLY else "")

    translated = translate_query(f"SELECT {call} AS answer FROM (VALUES 1) AS t(one)", schemas={})
    (described,) = connection.execute(f"DESCRIBE {translated.duckdb_sql}").fetchall()
    ((answer,),) = connection.execute(translated.duckdb_sql).fetchall()

    assert answer is None or signature.name in NEVER_NULL or not arguments
    promised = resolve(signature.result, BOUND)
    zoned = promised.name == "timestamp with time zone"
    if promised.name != "decimal" and not (zoned and described[1] == "VARCHAR"):
        assert athena_type(described[1]) == athena_type(to_duckdb(promised))


def test_the_list_is_long_enough_to_be_the_list() -> None:
    assert len(catalogue.SIGNATURES) > 220
