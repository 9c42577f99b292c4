"""What a failover owes: a proven chain before any RECOVERY, and clients that write on the right side after it."""

from __future__ import annotations

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite


def proof_suite(*, some_may_stay: bool = False) -> GateSuite:
    """Block a recovery whose chain of backups is not proven; the frame is `proving.proof_rows`, one row per database.

    :param some_may_stay: set an unproven database aside and let the others go on, as after a disaster; otherwise one
        unproven database stops all, since an application's databases belong together.
    """
    severity = Severity.QUARANTINE if some_may_stay else Severity.BLOCK
    return GateSuite(
        name="log_shipping_proof",
        columns={
            "database": ColumnKind.TEXT,
            "restored_on": ColumnKind.TEXT,
            "takes_logs": ColumnKind.FLAG,
            "chain_is_proven": ColumnKind.FLAG,
            "redo_lsn": ColumnKind.TEXT,
            "lsn_is_as_proven": ColumnKind.FLAG,
            "fork_is_as_proven": ColumnKind.FLAG,
            "why_not": ColumnKind.TEXT,
        },
        expectations=(
            _true("takes_logs", severity, "Databases that take no logs: {count} ({examples}); who recovered them?"),
            _true("chain_is_proven", severity, "Databases whose log chain is not proven: {count} ({examples})."),
            _true(
                "lsn_is_as_proven",
                severity,
                "Databases that stand elsewhere than was proven: {count} ({examples}).",
            ),
            _true(
                "fork_is_as_proven",
                severity,
                "Databases on another recovery fork than was proven: {count} ({examples}).",
            ),
        ),
        quarantine_limit=0.99 if some_may_stay else 0.0,
        identity=("database", "redo_lsn", "why_not"),
    )


def redirection_suite() -> GateSuite:
    """Block a redirection that leads clients astray; the frame is `redirection.check_redirection`, one row each."""
    return GateSuite(
        name="log_shipping_redirection",
        columns={
            "database": ColumnKind.TEXT,
            "leads_right": ColumnKind.FLAG,
            "reads_back": ColumnKind.FLAG,
            "old_side_refuses": ColumnKind.FLAG,
            "told": ColumnKind.TEXT,
        },
        expectations=(
            _true("leads_right", Severity.BLOCK, "Names that lead to the wrong server: {count} ({examples})."),
            _true("reads_back", Severity.BLOCK, "Databases where a write does not come back: {count} ({examples})."),
            _true(
                "old_side_refuses",
                Severity.BLOCK,
                "Databases that still take writes on the old side: {count} ({examples}); stop that server.",
            ),
        ),
        identity=("database", "told"),
    )


def _true(column: str, severity: Severity, sentence: str) -> GateExpectation:
    kwargs = {"column": column, "value_set": [True]}
    return GateExpectation("ExpectColumnValuesToBeInSet", kwargs, severity, sentence, column.replace("_", " ") + ": no")
