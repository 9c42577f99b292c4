"""What source and target of a file migration owe each other."""

from __future__ import annotations

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite


def reconciliation_suite() -> GateSuite:
    """Block a migration whose target is not its source; the frame is `reconciliations.gate_rows`.

    A row for each claim and for each path that differs. Files that failed, each named, are set aside; how many may is
    a claim of its own, for it goes by the files of the tree and not by the rows here.
    """
    return GateSuite(
        name="fsx_migration_reconciliation",
        columns={
            "finding": ColumnKind.TEXT,
            "kinds": ColumnKind.TEXT,
            "holds": ColumnKind.FLAG,
            "moved": ColumnKind.FLAG,
            "why": ColumnKind.TEXT,
        },
        expectations=(
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "holds", "value_set": [True]},
                Severity.BLOCK,
                "What does not hold: {count} ({examples}).",
                "it does not hold",
            ),
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "moved", "value_set": [True]},
                Severity.QUARANTINE,
                "Paths that failed, each named: {count} ({examples}).",
                "it failed and is named",
            ),
        ),
        owed_rows_at_least=8,
        quarantine_limit=1.0,
        identity=("finding", "kinds", "why"),
    )
