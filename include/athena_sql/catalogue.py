"""Every function that a query may call. What is not in these tables does not reach DuckDB."""

from __future__ import annotations

from include.athena_sql.calls import AGGREGATES, SIGNATURES, WINDOW_ONLY
from include.athena_sql.functions import aggregates, arrays, conditions, documents, numbers, texts, times
from include.athena_sql.signatures import read_signatures

for _table in (numbers, texts, times, documents, arrays, aggregates):
    for _name, _overloads in read_signatures(_table.TABLE).items():
        SIGNATURES.setdefault(_name, []).extend(_overloads)
AGGREGATES.update(read_signatures(aggregates.TABLE))
_windows = read_signatures(aggregates.WINDOWS)
SIGNATURES.update(_windows)
WINDOW_ONLY.update(_windows)

__all__ = ["SIGNATURES", "conditions"]
