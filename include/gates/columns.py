"""The column contract: which columns a frame must have and what kind of value each holds.

Great Expectations compares pandas type names, which change with the reader and cannot name a timestamp with a zone;
a contract by kind of value is the same for DuckDB, pyarrow and pandas frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.gates.result import COLUMN_CONTRACT, ExpectationOutcome, Severity
from include.gates.suite import ColumnKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

_INFERRED = {  # the words of pandas.api.types.infer_dtype for a column of Python objects
    ColumnKind.TEXT: {"string"},
    ColumnKind.WHOLE_NUMBER: {"integer"},
    ColumnKind.NUMBER: {"integer", "floating", "mixed-integer-float", "decimal"},
    ColumnKind.TIMESTAMP: {"datetime", "datetime64"},
    ColumnKind.FLAG: {"boolean"},
}


def column_outcomes(frame: pd.DataFrame, columns: Mapping[str, ColumnKind]) -> list[ExpectationOutcome]:
    """Return one blocking outcome for each column that is missing or holds the wrong kind of value."""
    problems = ((name, _problem(frame, name, kind)) for name, kind in columns.items())
    return [
        ExpectationOutcome(kind=COLUMN_CONTRACT, subject=name, severity=Severity.BLOCK, success=False, sentence=problem)
        for name, problem in problems
        if problem is not None
    ]


def _problem(frame: pd.DataFrame, name: str, kind: ColumnKind) -> str | None:
    found = int((frame.columns == name).sum())
    if found == 0:
        return f"Column {name} is missing; compare the table's schema with the reader."
    if found > 1:
        return f"Column {name} is there {found} times; name the columns of the query apart."
    if holds(frame[name], kind):
        return None
    return f"Column {name} holds {_words(frame[name])} but owes {kind.value}; mend the schema or the reader."


def holds(column: pd.Series, kind: ColumnKind) -> bool:
    """Say whether all values of a column are of one kind, nulls aside.

    Whole numbers that pandas keeps as floats, because a null is among them, count as whole.
    """
    import pandas as pd

    types = pd.api.types
    if column.dtype == object:
        inferred = types.infer_dtype(column, skipna=True)
        return inferred == "empty" or inferred in _INFERRED[kind]
    if kind is ColumnKind.WHOLE_NUMBER and types.is_float_dtype(column.dtype):
        return bool((column.dropna() % 1 == 0).all())
    by_dtype: dict[ColumnKind, Callable[[object], bool]] = {
        ColumnKind.TEXT: types.is_string_dtype,
        ColumnKind.WHOLE_NUMBER: types.is_integer_dtype,
        ColumnKind.NUMBER: types.is_any_real_numeric_dtype,
        ColumnKind.TIMESTAMP: types.is_datetime64_any_dtype,
        ColumnKind.FLAG: types.is_bool_dtype,
    }
    return bool(by_dtype[kind](column.dtype))


def _words(column: pd.Series) -> str:
    import pandas as pd

    if column.dtype != object:
        return str(column.dtype)
    return str(pd.api.types.infer_dtype(column, skipna=True))
