"""What backup headers owe before a restore, and what a readable secondary owes after it."""

from __future__ import annotations

from typing import Any, Final

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite

OLDEST_HOURS: Final = 31 * 24
"""A log older than a month says that shipping stood still so long that a reseed is faster and safer."""
HOURS_AHEAD: Final = 26
"""Clocks of servers in different zones, read as if they were in one, differ by up to 26 hours (UTC-12 to UTC+14)."""
LARGEST_BYTES: Final = 16 * 2**40
"""The largest file of NTFS with 4 KiB clusters; a size beyond it is a header that was misread."""


def headers_suite() -> GateSuite:
    """Set aside databases with a file that does not fit, is of another path, damaged, unchecked, or absurd.

    One row per backup file that a secondary would restore next. A row set aside keeps its whole database from being
    restored in this run; the others go on, however many they are.
    """
    return GateSuite(
        name="log_shipping_headers",
        columns={
            "database": ColumnKind.TEXT,
            "file": ColumnKind.TEXT,
            "type": ColumnKind.TEXT,
            "fits": ColumnKind.FLAG,
            "same_path": ColumnKind.FLAG,
            "has_checksums": ColumnKind.FLAG,
            "is_whole": ColumnKind.FLAG,
            "compressed_as_configured": ColumnKind.FLAG,
            "size_bytes": ColumnKind.WHOLE_NUMBER,
            "age_hours": ColumnKind.NUMBER,
        },
        expectations=(
            _true(
                "fits", "Files behind a gap in the log: {count} ({examples}).", "a part of the log before it is missing"
            ),
            _true(
                "same_path", "Files of another recovery path: {count} ({examples}).", "it is of another recovery path"
            ),
            _true("has_checksums", "Files without checksums: {count} ({examples}).", "it was taken without CHECKSUM"),
            _true("is_whole", "Files written with damage: {count} ({examples}).", "the server says it is damaged"),
            _true(
                "compressed_as_configured",
                "Files not compressed as configured: {count} ({examples}).",
                "its compression is not what the configuration says",
            ),
            _between(
                "size_bytes",
                "Files whose size cannot be: {count} ({examples}).",
                reason="its size cannot be right",
                low=1,
                high=LARGEST_BYTES,
            ),
            _between(
                "age_hours",
                "Files from the future or older than a month: {count} ({examples}).",
                reason="its time is in the future, or more than a month ago",
                low=-HOURS_AHEAD,
                high=OLDEST_HOURS,
            ),
            GateExpectation(
                "ExpectCompoundColumnsToBeUnique",
                {"column_list": ["database", "file"]},
                Severity.QUARANTINE,
                "Files that would be restored twice: {count} ({examples}).",
                "it would be restored twice",
            ),
        ),
        quarantine_limit=1.0,
        identity=("database", "file"),
    )


def canary_suite() -> GateSuite:
    """Set aside readable secondaries that lack heartbeats which their restored logs must hold.

    One row per standby: `missing_beats` is the last heartbeat written before the restored log backup minus the last
    one found, `holes` the heartbeats missing between the first and the last one found.
    """
    return GateSuite(
        name="log_shipping_canary",
        columns={
            "database": ColumnKind.TEXT,
            "missing_beats": ColumnKind.WHOLE_NUMBER,
            "holes": ColumnKind.WHOLE_NUMBER,
        },
        expectations=(
            _between(
                "missing_beats",
                "Standbys without the newest heartbeat: {count} ({examples}).",
                reason="the newest heartbeat of its primary is not there",
                low=None,
                high=0,
            ),
            _between(
                "holes",
                "Standbys whose heartbeats have holes: {count} ({examples}).",
                reason="heartbeats are missing between others",
                low=0,
                high=0,
            ),
        ),
        quarantine_limit=1.0,
        identity=("database",),
    )


def _true(column: str, sentence: str, reason: str) -> GateExpectation:
    kwargs = {"column": column, "value_set": [True]}
    return GateExpectation("ExpectColumnValuesToBeInSet", kwargs, Severity.QUARANTINE, sentence, reason)


def _between(column: str, sentence: str, *, reason: str, low: int | None, high: int) -> GateExpectation:
    kwargs: dict[str, Any] = {"column": column, "min_value": low, "max_value": high}
    return GateExpectation("ExpectColumnValuesToBeBetween", kwargs, Severity.QUARANTINE, sentence, reason)
