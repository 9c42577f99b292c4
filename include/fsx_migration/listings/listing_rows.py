"""What columns and rows of a listing must be, as expressions of the query engine."""

from __future__ import annotations

from typing import Final

REQUIRED: Final = ("path", "size", "mtime", "mode", "uid", "gid", "type")
OPTIONAL: Final = {"checksum": "VARCHAR", "inode": "BIGINT", "links": "INTEGER", "target": "VARCHAR"}
TYPES: Final = ("file", "directory", "symlink")
_KINDS: Final = {
    "path": "VARCHAR",
    "size": "BIGINT",
    "mtime": "TIMESTAMPTZ",
    "mode": "INTEGER",
    "uid": "BIGINT",
    "gid": "BIGINT",
    "type": "VARCHAR",
    **OPTIONAL,
}
_INTEGERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
)
_PARTS: Final = "string_split(path, '/')"

PATH_FAULTS: Final = (
    ("coalesce(path, '') = ''", "its path is empty: every row names a file"),
    ("starts_with(path, '/')", "its path is absolute: write it relative to the root of the tree"),
    # the cheap test stands before the dear one
    (
        f"(contains(path, './') OR ends_with(path, '.')) AND list_has_any({_PARTS}, ['.', '..'])",
        "its path goes through . or ..: write the plain path below the root",
    ),
    ("ends_with(path, '/') OR contains(path, '//')", "its path has an empty part: write one slash between names"),
    ("contains(path, chr(0))", "its path holds a NUL, which no file system allows"),
)
"""Conditions over the canonical path that no row may meet, each with the end of a sentence."""
FAULTS: Final = (
    ("coalesce(size, -1) < 0", "its size is missing, negative or no number: give bytes, 0 or more"),
    ("coalesce(type, '') NOT IN ('file', 'directory', 'symlink')", "its type is none of file, directory, symlink"),
    ("mtime IS NULL", "its mtime is missing or no time: write 2026-05-31T23:05:00Z or seconds since the epoch"),
    ("coalesce(mode, -1) NOT BETWEEN 0 AND 4095", "its mode is missing or no permission: give 0 to 7777 octal"),
    ("coalesce(uid, -1) < 0 OR coalesce(gid, -1) < 0", "its uid or gid is missing, negative or no number"),
)
"""The same over the other canonical columns."""


def wrong_columns(found: dict[str, str], *, is_csv: bool) -> str:
    """Say what is wrong with a listing's columns (name to the engine's type); an empty string when nothing is."""
    if missing := [column for column in REQUIRED if column not in found]:
        have = f"a listing has {', '.join(REQUIRED)}; this one has {', '.join(found)}"
        return f"lacks the column {', '.join(missing)}: {have}"
    if is_csv:
        return ""
    for column, kind in found.items():
        if column in _KINDS and not _fits(kind, _KINDS[column]):
            wanted = {"VARCHAR": "text", "TIMESTAMPTZ": "a timestamp"}.get(_KINDS[column], "an integer")
            return f"has {kind} in the column {column}: it must be {wanted}"
    return ""


def casts(columns: tuple[str, ...], *, is_csv: bool) -> str:
    """Return the projection that gives columns their canonical types; what cannot be cast becomes NULL."""
    return ", ".join(f"{_cast(column, is_csv=is_csv)} AS {column}" for column in columns)


def _fits(kind: str, wanted: str) -> bool:
    if wanted == "TIMESTAMPTZ":
        return kind.startswith("TIMESTAMP")
    if wanted == "VARCHAR":
        return kind in ("VARCHAR", '"NULL"', "NULL")
    return kind in _INTEGERS


def _cast(column: str, *, is_csv: bool) -> str:
    if is_csv and column == "mtime":
        # exact to the microsecond, as a double would not be
        epoch = "CAST(try_cast(mtime AS DECIMAL(20, 6)) * 1000000 AS BIGINT)"
        return f"coalesce(timezone('UTC', make_timestamp({epoch})), try_cast(mtime AS TIMESTAMPTZ))"
    if is_csv and column == "mode":
        digits = "list_transform(string_split(mode, ''), lambda digit: try_cast(digit AS INTEGER))"
        octal = f"list_reduce({digits}, lambda sum, digit: sum * 8 + digit)"
        return f"CASE WHEN regexp_full_match(mode, '[0-7]{{1,6}}') THEN {octal} END"
    return f"try_cast({column} AS {_KINDS[column]})"
