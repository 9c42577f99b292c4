"""Turn a filling into SQL: the value of the column, and what is wrong with a cell that gives none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from include.discovery.sources.matching import Cell, Filling

NUMERIC: Final = frozenset(("integer", "number", "size", "percent", "rate"))
_BINARY: Final = {"b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_DECIMAL: Final = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_WHAT: Final = {
    "integer": "no whole number",
    "number": "no number",
    "size": "no size",
    "percent": "no percentage",
    "rate": "no rate",
    "boolean": "neither yes nor no",
    "time": "no date and time",
    "addresses": "no IP address",
    "macs": "no MAC address",
    "choice": "no known word",
}
_SQL: Final = {
    "boolean": "discovery_boolean({text})",
    "addresses": "CASE WHEN discovery_is_address({text}) THEN [{text}] "
    "WHEN {text} IS NOT NULL THEN discovery_addresses({text}) END",
    "macs": "CASE WHEN {text} IS NOT NULL THEN discovery_macs({text}) END",
    "uuid": "discovery_uuid({text})",
    "tags": "CASE WHEN {text} IS NOT NULL THEN discovery_tags({text}) END",
    "list": "discovery_list(lower({text}))",
    "joined": "discovery_joined({text})",
    "lower": "lower({text})",
}
_CLOSED: Final = frozenset(("power_state",))
_HAS_UNIT: Final = r"\d\s*([kmgtp]i?b?|b|bytes)$"
_MEASURE: Final = r"^(.*?\d)\s*([a-zA-Z]+)$"
_MOST_MIB: Final = 128 * 1024 * 1024
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "cpu_cores": (1, 65_536),
    "cpu_physical_cores": (1, 65_536),
    "cpu_sockets": (1, 4_096),
    "memory_mib": (1, _MOST_MIB),
    "destination_port": (0, 65_535),
    "seconds": (1, 366 * 86_400),
}
_PERCENT: Final = (0.0, 110.0)
_NOT_NEGATIVE: Final = (0.0, 1e18)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition under which a value is told in `quarantine`.

    :param field: header as written.
    :param value: SQL of the value as written.
    """

    field: str
    condition: str
    value: str
    sentence: str
    drops_row: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How this sheet writes numbers and dates.

    :param day_first: indexes of columns whose dates begin with the day.
    :param odd: indexes of columns where some value is not plain: a number with a unit, a list of addresses, ...; the
        stage holds what `odd_columns` makes of the numbers among them.
    """

    has_decimal_comma: bool
    day_first: frozenset[int]
    odd: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """SQL of a column's value, and the checks of its cells."""

    sql: str
    checks: tuple[Check, ...]


def express(filling: Filling, reading: Reading, *, kind_of_column: str | None) -> Expression:
    """Return the SQL for one column.

    :param kind_of_column: its DuckDB type; None for a column that only serves `ref`.
    """
    column = filling.column
    if column.constant is not None:
        return Expression(sql=f"CAST({quoted(column.constant)} AS {kind_of_column or 'VARCHAR'})", checks=())
    if column.kind in NUMERIC:
        return _numeric(filling, reading, kind_of_column or "DOUBLE")
    if column.add:
        text = "concat_ws(',', " + ", ".join(f"c{cell.index}" for cell in filling.cells) + ")"
        text = f"nullif({text}, '')"
        checks = tuple(check for cell in filling.cells for check in _checks(filling, cell, f"c{cell.index}", reading))
        return Expression(sql=_plain(filling, text, filling.cells[0], reading, kind_of_column), checks=checks)
    values, found = [], []
    for cell in filling.cells:
        values.append(_plain(filling, f"c{cell.index}", cell, reading, kind_of_column))
        found.extend(_checks(filling, cell, f"c{cell.index}", reading))
    return Expression(sql=f"coalesce({', '.join(values)})" if len(values) > 1 else values[0], checks=tuple(found))


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def range_of(column: str) -> tuple[float, float]:
    """Return what values of a column are possible."""
    if column in _RANGES:
        return _RANGES[column]
    return _PERCENT if re.search(r"_percent(_avg|_max)?$", column) else _NOT_NEGATIVE


def _numeric(filling: Filling, reading: Reading, kind: str) -> Expression:
    column = filling.column
    numbers = [_number(filling, cell, reading) for cell in filling.cells]
    checks = [
        Check(
            field=cell.header,
            condition=f"c{cell.index} IS NOT NULL AND {number} IS NULL",
            value=f"c{cell.index}",
            sentence=f"The value is {_WHAT[column.kind]}; correct it.",
        )
        for cell, number in zip(filling.cells, numbers, strict=True)
    ]
    if column.add:
        some = " OR ".join(f"{number} IS NOT NULL" for number in numbers)
        whole = f"CASE WHEN {some} THEN {' + '.join(f'coalesce({number}, 0)' for number in numbers)} END"
    else:
        whole = f"coalesce({', '.join(numbers)})"
    if filling.subtract_from:
        whole = f"({_number(filling, filling.subtract_from[0], reading)} - {whole})"
    if filling.percent_of:
        whole = f"(100.0 * {whole} / nullif({_number(filling, filling.percent_of[0], reading)}, 0))"
    low, high = range_of(column.name)
    is_whole_number = kind in ("INTEGER", "BIGINT")
    fit = f"{whole} BETWEEN {low!r} AND {high!r}"
    first = filling.cells[0]
    limit = f"{low:g} to {high:g}" if high < 1e17 else "0 or more"
    checks.append(
        Check(
            field=first.header,
            condition=f"{whole} IS NOT NULL AND NOT ({fit})",
            value=f"c{first.index}",
            sentence=f"The value is impossible for {column.name}, which is {limit}; correct it.",
        )
    )
    cast = f"round({whole})" if is_whole_number else whole
    return Expression(sql=f"CASE WHEN {fit} THEN TRY_CAST({cast} AS {kind}) END", checks=tuple(checks))


def _number(filling: Filling, cell: Cell, reading: Reading) -> str:
    """Return SQL of a cell as a number in the column's own unit."""
    column, is_odd = filling.column, cell.index in reading.odd
    number = f"n{cell.index}" if is_odd else f"TRY_CAST(c{cell.index} AS DOUBLE)"
    if column.kind == "integer":
        return f"CASE WHEN {number} = round({number}) AND abs({number}) < 9e15 THEN {number} END"
    if column.kind == "size":
        to = 1024.0 ** (3 if column.name.endswith("_gib") else 2)
        factor = _size_bytes(cell.unit or column.unit) / to
        own_unit = f"m{cell.index} / {to!r}"
        return f"coalesce({number} * {factor!r}, {own_unit})" if is_odd else f"({number} * {factor!r})"
    if column.kind == "rate":
        factor = _rate_bytes(cell.unit or column.unit or "MB/s") / 1e6
        return f"({number} * {factor!r})" if factor != 1 else number
    return number


def _size_bytes(unit: str) -> float:
    return 1024.0 ** _BINARY[(unit or "MiB")[0].lower()]


def _rate_bytes(unit: str) -> float:
    """Return bytes a second; `b` alone is bits, and so is `bps` after any small letter but a written KB or MB."""
    word = re.sub(r"\s|_", "", unit)
    base = re.split(r"/|per|p?s(?:ec(?:ond)?)?$", word, maxsplit=1)[0]
    if base.lower() in ("bytes", "byte"):
        return 1.0
    prefix = base[:1].lower() if base[:1].lower() in "kmg" else ""
    if "i" in base and not base.lower().endswith(("bit", "bits")):
        return float(1024 ** {"k": 1, "m": 2, "g": 3}[prefix])
    is_bits = base.endswith("b") or base.lower().endswith(("bit", "bits"))
    return _DECIMAL[prefix] / (8 if is_bits else 1)


def _plain(filling: Filling, text: str, cell: Cell, reading: Reading, kind: str | None) -> str:
    """Return SQL of a value that is no number."""
    column = filling.column
    is_list = kind is not None and kind.endswith("[]")
    if column.kind == "time":
        return _time(text, cell, reading)
    if column.kind == "choice":
        return _choice(filling, text)
    if column.kind == "addresses" and cell.index not in reading.odd and not column.add:
        return f"CASE WHEN {text} IS NOT NULL THEN [{text}] END" if is_list else text
    if column.kind in _SQL:
        found = _SQL[column.kind].format(text=text)
        return found if is_list or column.kind not in ("addresses", "macs") else f"({found})[1]"
    return _text(column.name, text, is_list=is_list)


def _time(text: str, cell: Cell, reading: Reading) -> str:
    if cell.index not in reading.odd:
        return f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)"
    return f"discovery_time({text}, {'true' if cell.index in reading.day_first else 'false'})"


def _text(column: str, text: str, *, is_list: bool) -> str:
    if is_list:
        return f"discovery_list({text})"
    if column in ("ref", "source_ref", "destination_ref"):
        return f"lower({text})"
    if column in ("command", "source_process", "destination_process"):
        return f"discovery_secretless({text})"
    return f"discovery_joined({text})" if column == "application" else text


def _choice(filling: Filling, text: str) -> str:
    whens = " ".join(
        f"WHEN {quoted(word)} THEN {quoted(meaning)}" for word, meaning in sorted(filling.column.choices.items())
    )
    other = "NULL" if filling.column.name in _CLOSED else f"lower({text})"
    return f"CASE lower({text}) {whens} ELSE {other} END" if whens else f"lower({text})"


def _checks(filling: Filling, cell: Cell, text: str, reading: Reading) -> list[Check]:
    column = filling.column
    if column.kind in ("addresses", "time") and cell.index not in reading.odd:
        return []
    if column.kind == "addresses":
        value = f"CASE WHEN NOT discovery_is_address({text}) THEN discovery_not_addresses({text}) END"
        sentence = "The value is no IP address and was left out; correct it."
        return [Check(field=cell.header, condition=f"{value} IS NOT NULL", value=value, sentence=sentence)]
    if column.kind in ("boolean", "time", "macs") or (column.kind == "choice" and column.name in _CLOSED):
        value = _plain(filling, text, cell, reading, None)
        sentence = f"The value is {_WHAT[column.kind]}; correct it."
        return [
            Check(field=cell.header, condition=f"{text} IS NOT NULL AND {value} IS NULL", value=text, sentence=sentence)
        ]
    return []


def odd_columns(reading: Reading, numbers: frozenset[int]) -> str:
    """Return SQL of what a stage needs for odd numbers: `n3` the number, `m3` the bytes of a value with a unit."""
    number = "discovery_comma" if reading.has_decimal_comma else "discovery_point"
    parts = []
    for index in sorted(numbers & reading.odd):
        parts.append(f"{number}(rtrim(c{index}, ' %')) AS n{index}")
        parts.append(
            f"CASE WHEN regexp_matches(lower(c{index}), '{_HAS_UNIT}') THEN {number}(regexp_extract(c{index}, "
            f"'{_MEASURE}', 1)) * discovery_bytes(left(regexp_extract(c{index}, '{_MEASURE}', 2), 1)) END AS m{index}"
        )
    return ", ".join(parts)
