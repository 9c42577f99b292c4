"""DuckDB's errors in Athena's words."""

from __future__ import annotations

import re

from include.athena_sql.errors import AthenaSqlError

_OWN = re.compile(
    r"\[(DIVISION_BY_ZERO|INVALID_CAST_ARGUMENT|INVALID_FUNCTION_ARGUMENT|NOT_SUPPORTED)\] (.*?)(?:' to INT32)?$",
    re.DOTALL,
)
_GROUPING = re.compile(r'column "([^"]*)" must appear in the GROUP BY clause')
_DENIED = "cannot be resolved or requester is not authorized to access requested resources"

# Pattern of DuckDB's words, Athena's code, Athena's words with what the pattern's group caught.
_RULES = (
    (r'Referenced (?:column|table) "([^"]*)" not found', "COLUMN_NOT_FOUND", f"Column '{{0}}' {_DENIED}"),
    (r'does not have a column named "([^"]*)"', "COLUMN_NOT_FOUND", f"Column '{{0}}' {_DENIED}"),
    (r"Table with name (\S+) does not exist", "TABLE_NOT_FOUND", "Table '{0}' does not exist"),
    (r'Ambiguous reference to column name "([^"]*)"', "AMBIGUOUS_NAME", "Column '{0}' is ambiguous"),
    (r"Could not convert string '(.*)' to (\w+)", "INVALID_CAST_ARGUMENT", "Cannot cast '{0}' to {1}"),
    (r'Could not parse string "(.*?)" according to', "INVALID_FUNCTION_ARGUMENT", 'Invalid format: "{0}"'),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    (r"Map keys can ?not be NULL", "INVALID_FUNCTION_ARGUMENT", "map key cannot be null"),
    (r"Unknown TimeZone '([^']*)'", "INVALID_FUNCTION_ARGUMENT", "'{0}' is not a valid time zone"),
    (
        r"More than one row returned by a subquery",
        "SUBQUERY_MULTIPLE_ROWS",
        "Scalar sub-query has returned multiple rows",
    ),
    (
        r"(?:aggregates?|window) (?:functions? )?(?:are|is) not allowed|cannot contain (?:aggregates|window functions)",
        "EXPRESSION_NOT_SCALAR",
        "An aggregation or window function is not allowed here",
    ),
)


def explain_error(error: Exception) -> AthenaSqlError:
    """Say a DuckDB error, raised while a translated query was bound or run, as Athena would.

    Errors that the macros and Python functions raise carry their own code. What is left is INVALID_CAST_ARGUMENT for
    conversions, NUMERIC_VALUE_OUT_OF_RANGE for overflows, INVALID_FUNCTION_ARGUMENT for other wrong values,
    EXCEEDED_LOCAL_MEMORY_LIMIT for memory, and GENERIC_INTERNAL_ERROR with DuckDB's first line.
    """
    if isinstance(error, AthenaSqlError):
        return error
    words = str(error)
    own = _OWN.search(words.split("\n\nLINE", maxsplit=1)[0])
    if own:
        return AthenaSqlError(own[1], own[2])
    grouping = _GROUPING.search(words)
    if grouping:
        sentence = f"'{grouping[1]}' must be an aggregate expression or appear in GROUP BY clause"
        return AthenaSqlError("EXPRESSION_NOT_AGGREGATE", sentence)
    for pattern, code, sentence in _RULES:
        found = re.search(pattern, words)
        if found:
            return AthenaSqlError(code, sentence.format(*found.groups()))
    return AthenaSqlError(_code(error), words.splitlines()[0])


_CODES = {
    "ConversionException": "INVALID_CAST_ARGUMENT",
    "OutOfRangeException": "NUMERIC_VALUE_OUT_OF_RANGE",
    "InvalidInputException": "INVALID_FUNCTION_ARGUMENT",
    "OutOfMemoryException": "EXCEEDED_LOCAL_MEMORY_LIMIT",
    "NotImplementedException": "NOT_SUPPORTED",
    "InterruptException": "USER_CANCELED",
}


def _code(error: Exception) -> str:
    name = type(error).__name__
    if name == "ConversionException" and "out of range" in str(error):
        return "NUMERIC_VALUE_OUT_OF_RANGE"
    return _CODES.get(name, "GENERIC_INTERNAL_ERROR")
