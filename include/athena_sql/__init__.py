"""Athena's SQL (engine version 3, Trino) on DuckDB.

`translate_query` turns a query into DuckDB SQL and says what it reads; `connect` opens a connection on which that SQL
runs. Both sides of the language are allow-lists: syntax in `dispatch`, functions in `catalogue`. What is on neither is
refused in Athena's words and never reaches DuckDB.
"""

from __future__ import annotations

from include.athena_sql.connection import connect
from include.athena_sql.duckdb_errors import explain_error
from include.athena_sql.errors import AthenaSqlError
from include.athena_sql.parameters import substitute_parameters
from include.athena_sql.schema import TableRead, TableSchema, Translation
from include.athena_sql.translate import translate_query
from include.athena_sql.type_names import athena_type, duckdb_type, hive_type

__all__ = [
    "AthenaSqlError",
    "TableRead",
    "TableSchema",
    "Translation",
    "athena_type",
    "connect",
    "duckdb_type",
    "explain_error",
    "hive_type",
    "substitute_parameters",
    "translate_query",
]
