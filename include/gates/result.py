"""What a gate decided: verdicts, the outcome of one expectation, and the result that travels through XCom."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMN_CONTRACT = "column contract"  # the `kind` of outcomes about missing or wrongly typed columns


class Verdict(StrEnum):
    """What may go on: everything, the good rows, or nothing."""

    PASS = auto()
    QUARANTINE = auto()
    BLOCK = auto()


class Severity(StrEnum):
    """What a failed expectation does: set its rows aside, or stop the whole load."""

    QUARANTINE = auto()
    BLOCK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationOutcome:
    """What one expectation found.

    `row_level` says that the failing rows are known one by one; only those can be set aside. `error` is set when the
    expectation could not be evaluated at all, `observed` when it judged one value of a whole column or table.
    `sentence` is what a person reads when it failed, `examples` name up to five of the failing rows.
    """

    kind: str
    subject: str
    severity: Severity
    success: bool
    row_level: bool = False
    unexpected_rows: int = 0
    observed: str | None = None
    error: str | None = None
    sentence: str = ""
    examples: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as JSON types."""
        return {**asdict(self), "severity": self.severity.value, "examples": list(self.examples)}


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's decision, small enough for XCom: counts, sentences and addresses, never rows.

    `evaluated_rows` counts the rows judged, `unexpected_rows` those that failed at least one row-level expectation.
    A URI is None when there is no such object (no bad rows, or the evidence was not stored yet).
    """

    suite: str
    verdict: Verdict
    evaluated_rows: int
    unexpected_rows: int = 0
    reasons: tuple[str, ...] = ()
    quarantine_uri: str | None = None
    passed_uri: str | None = None
    docs_uri: str | None = None
    result_uri: str | None = None

    @property
    def blocked(self) -> bool:
        """Nothing may go on."""
        return self.verdict is Verdict.BLOCK

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON types, for XCom and result files."""
        return {**asdict(self), "verdict": self.verdict.value, "reasons": list(self.reasons)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> GateResult:
        """Read what `to_dict` wrote; raises KeyError, TypeError or ValueError on anything else."""
        fields = dict(document)
        return cls(**{**fields, "verdict": Verdict(fields["verdict"]), "reasons": tuple(fields["reasons"])})
