"""What counted logs and new blocks owe before an IP set may change."""

from __future__ import annotations

from typing import Any, Final

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite

_FEWEST_LINES: Final = 100  # fewer say nothing of a share


def logs_suite(*, unreadable_share: float) -> GateSuite:
    """Block logs that cannot be read: their counts are too low, or their format is not the one that was configured.

    One row per source of a run, as `logs_summary` gives it.
    """
    return GateSuite(
        name="scanner_block_logs",
        columns={
            "source": ColumnKind.TEXT,
            "objects": ColumnKind.WHOLE_NUMBER,
            "lines": ColumnKind.WHOLE_NUMBER,
            "unreadable": ColumnKind.WHOLE_NUMBER,
            "clients": ColumnKind.WHOLE_NUMBER,
            "unreadable_share": ColumnKind.NUMBER,
            "judged_share": ColumnKind.NUMBER,
            "example": ColumnKind.TEXT,
        },
        expectations=(
            *(
                _present(column, "Sources")
                for column in ("source", "objects", "lines", "unreadable", "clients", "judged_share")
            ),
            GateExpectation(
                "ExpectColumnValuesToBeUnique",
                {"column": "source"},
                Severity.BLOCK,
                "Sources that were counted twice: {count} rows ({examples}); read each source once.",
            ),
            *(
                _between(
                    column, "Sources with fewer than no {column}: {count} ({examples}); mend the counting.", min_value=0
                )
                for column in ("objects", "lines", "unreadable", "clients")
            ),
            _between(
                "judged_share",
                "Sources of which more than a share of {max_value} of the lines cannot be read: {count} (source, "
                "unreadable, lines, share, a line: {examples}); compare the logs with the source's format.",
                min_value=0.0,
                max_value=unreadable_share,
            ),
        ),
        identity=("source", "unreadable", "lines", "unreadable_share", "example"),
    )


def logs_summary(
    *, source: str, objects: int, lines: int, unreadable: int, clients: int, example: str = ""
) -> dict[str, str | int | float]:
    """Return the row of one source that `logs_suite` judges; fewer than 100 lines are not judged by their share.

    :param example: the beginning of one unreadable line, printable.
    """
    share = unreadable / lines if lines else 0.0
    return {
        "source": source,
        "objects": objects,
        "lines": lines,
        "unreadable": unreadable,
        "clients": clients,
        "unreadable_share": round(share, 4),
        "judged_share": share if lines >= _FEWEST_LINES else 0.0,
        "example": example,
    }


def blocks_suite(*, ipset_limit: int) -> GateSuite:
    """Block a run that would add an address that must not be: approved, own, a search engine's, or no offender.

    One row per address to be added. `max_per_minute` and `threshold` are those of one rule that the client broke
    (distinct paths are counts too). `is_address` says that it is a canonical address or network. Nothing is set aside:
    one wrong address says that the counting is wrong.

    :param ipset_limit: addresses that all sets of a deployment hold together.
    """
    return GateSuite(
        name="scanner_block_blocks",
        columns={
            "client": ColumnKind.TEXT,
            "source": ColumnKind.TEXT,
            "max_per_minute": ColumnKind.WHOLE_NUMBER,
            "threshold": ColumnKind.WHOLE_NUMBER,
            "is_approved": ColumnKind.FLAG,
            "is_own": ColumnKind.FLAG,
            "is_search_engine": ColumnKind.FLAG,
            "is_address": ColumnKind.FLAG,
        },
        expectations=(
            *(
                _present(column, "New blocks")
                for column in (
                    "client",
                    "source",
                    "max_per_minute",
                    "threshold",
                    "is_approved",
                    "is_own",
                    "is_search_engine",
                    "is_address",
                )
            ),
            GateExpectation(
                "ExpectColumnValuesToBeUnique",
                {"column": "client"},
                Severity.BLOCK,
                "Addresses to be added more than once: {count} rows ({examples}); merge the sources first.",
            ),
            _flag("is_approved", "New blocks of approved addresses: {count} ({examples}).", wanted=False),
            _flag("is_own", "New blocks of the company's own addresses: {count} ({examples}).", wanted=False),
            _flag(
                "is_search_engine",
                "New blocks of addresses that a search engine's names confirm: {count} ({examples}).",
                wanted=False,
            ),
            _flag("is_address", "New blocks of what is no address: {count} ({examples}).", wanted=True),
            GateExpectation(
                "ExpectColumnPairValuesAToBeGreaterThanB",
                {"column_A": "max_per_minute", "column_B": "threshold", "or_equal": True},
                Severity.BLOCK,
                "New blocks of clients below their threshold: {count} ({examples}); compare counts and settings.",
            ),
            GateExpectation(
                "ExpectTableRowCountToBeBetween",
                {"min_value": 0, "max_value": ipset_limit},
                Severity.BLOCK,
                "{observed} addresses would be added, the sets hold {max_value}; cut to the worst first.",
            ),
        ),
        owed_rows_at_least=0,
        identity=("client", "source"),
    )


def _present(column: str, rows: str) -> GateExpectation:
    return GateExpectation(
        "ExpectColumnValuesToNotBeNull",
        {"column": column},
        Severity.BLOCK,
        f"{rows} without {column}: {{count}} of {{rows}}; mend the row that is handed to the gate.",
    )


def _between(column: str, sentence: str, **bounds: Any) -> GateExpectation:
    return GateExpectation("ExpectColumnValuesToBeBetween", {"column": column, **bounds}, Severity.BLOCK, sentence)


def _flag(column: str, sentence: str, *, wanted: bool) -> GateExpectation:
    kwargs = {"column": column, "value_set": [wanted]}
    return GateExpectation("ExpectColumnValuesToBeInSet", kwargs, Severity.BLOCK, sentence)
