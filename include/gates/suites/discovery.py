"""What an inventory owes before it is scored, and what an assessment owes before an outcome rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD: Final = 3
"""Sentences of what blocks that the message gives; the evidence has all."""
OS_FAMILIES: Final = ("windows", "linux", "aix", "solaris", "hpux", "ibm_i", "zos", "other", "unknown")
IMPLAUSIBLE_SHARE: Final = 0.05


def inventory_suite() -> GateSuite:
    """Block an inventory that cannot be meant; the frame has a row for each server in scope.

    Servers with values that no machine has are set aside and named; too many of them block.
    """
    return GateSuite(
        name="discovery_inventory",
        columns={
            "server_id": ColumnKind.TEXT,
            "os_family": ColumnKind.TEXT,
            "cpu_cores": ColumnKind.NUMBER,
            "memory_mib": ColumnKind.NUMBER,
            "storage_gib": ColumnKind.NUMBER,
        },
        expectations=(
            GateExpectation(
                "ExpectColumnValuesToBeUnique",
                {"column": "server_id"},
                Severity.BLOCK,
                "Servers that stand twice: {count} ({examples}).",
            ),
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "os_family", "value_set": list(OS_FAMILIES)},
                Severity.BLOCK,
                "Operating systems of no known family: {count} ({examples}).",
            ),
            _between("cpu_cores", 1, 2048, "cores"),
            _between("memory_mib", 64, 67_108_864, "MiB of memory"),
            _between("storage_gib", 0, 4_000_000, "GiB of storage"),
        ),
        owed_rows_at_least=1,
        quarantine_limit=IMPLAUSIBLE_SHARE,
        identity=("server_id",),
    )


def outcome_suite(outcome: str, *, blocking: Sequence[str] = ()) -> GateSuite:
    """Block an outcome one of whose checks is not met; the frame has a row for each check.

    :param outcome: snapshot, tco or wave_plan.
    :param blocking: the sentences of the checks that are not met, for the message.
    """
    told = " ".join(sentence.replace("{", "{{").replace("}", "}}") for sentence in blocking[:TOLD])
    return GateSuite(
        name=f"discovery_{outcome}",
        columns={"check": ColumnKind.TEXT, "verdict": ColumnKind.TEXT, "sentence": ColumnKind.TEXT},
        expectations=(
            GateExpectation(
                "ExpectColumnValuesToBeInSet",
                {"column": "verdict", "value_set": ["pass"]},
                Severity.BLOCK,
                f"Checks of the {outcome.replace('_', ' ')} that are not met: {{count}}. {told}",
            ),
        ),
        owed_rows_at_least=3,
        identity=("check",),
    )


def _between(column: str, low: float, high: float, unit: str) -> GateExpectation:
    return GateExpectation(
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": low, "max_value": high},
        Severity.QUARANTINE,
        f"Servers with other than {low:,} to {high:,} {unit}: {{count}} ({{examples}}).",
        f"it has other than {low:,} to {high:,} {unit}",
    )
