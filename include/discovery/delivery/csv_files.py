"""Write CSV files out of DuckDB and read each back to see that it is what its schema says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from include.discovery.delivery.schemas import File


class OutputInvalidError(ValueError):
    """A file that was written does not meet its schema; nothing was put in place."""


def write_csv(connection: Any, folder: Path, file: File) -> int:
    """Write one file below `folder`, RFC 4180 with LF, check it, and return its number of rows.

    :raises OutputInvalidError: when what was written breaks the file's schema.
    """
    target = folder / file.path
    rows = copy_csv(connection, file.query, target)
    check_csv(connection, target, file, rows=rows)
    return rows


def copy_csv(connection: Any, query: str, target: Path) -> int:
    """Write a query's rows, all text, to a CSV file and return their number."""
    target.parent.mkdir(parents=True, exist_ok=True)
    (rows,) = connection.execute(
        f"COPY ({query}) TO {_literal(target)} (FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
    ).fetchone()
    return int(rows)


def check_csv(connection: Any, target: Path, file: File, *, rows: int) -> None:
    """Read a file back and hold it against its schema.

    :raises OutputInvalidError: with the file, the column and the number of cells.
    """
    with target.open(encoding="utf-8", newline="") as opened:
        header = opened.readline().rstrip("\n").split(",")
    if header != file.names:
        raise OutputInvalidError(f"{file.path}: the header is {', '.join(header)} instead of {', '.join(file.names)}.")
    checks = [(f"count(*) FILTER ({condition})", name, told) for name, condition, told in _faults(file)]
    if file.key:
        keys = ", ".join(f'"{name}"' for name in file.key)
        checks.append((f"count(*) - count(DISTINCT ({keys}))", ", ".join(file.key), "is not unique"))
    selected = ", ".join(["count(*)", *(count for count, _, _ in checks)])
    found = connection.execute(f"SELECT {selected} FROM {reading(target, file.names)}").fetchone()  # own names
    if found[0] != rows:
        raise OutputInvalidError(f"{file.path}: {rows} rows were written and {found[0]} can be read back.")
    for count, (_, name, told) in zip(found[1:], checks, strict=True):
        if count:
            raise OutputInvalidError(f"{file.path}, column {name}: {told} in {count} rows; see what made its table.")


def reading(path: Path, names: list[str]) -> str:
    """Return the SQL that reads a delivered CSV file as text."""
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv({_literal(path)}, header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
        f"new_line = '\\n', nullstr = '', max_line_size = 16000000, columns = {{{columns}}})"
    )


def _faults(file: File) -> list[tuple[str, str, str]]:
    return [(column.name, condition, told) for column in file.columns for condition, told in column.faults]


def _literal(path: Path) -> str:
    return _text(str(path))  # COPY and read_csv take their path as a literal only


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
