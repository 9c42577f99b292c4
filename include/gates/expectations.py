"""Between a `GateExpectation` and Great Expectations: the class to run, and what its result means."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.gates.result import ExpectationOutcome, Severity

if TYPE_CHECKING:
    import great_expectations as gx

    from include.gates.suite import GateExpectation

POSITION = "landfall_position"  # the meta key that leads from a GX result back to the suite's expectation
_GX_SEVERITY = {Severity.BLOCK: "critical", Severity.QUARANTINE: "warning"}


def gx_expectation(expectation: GateExpectation, *, position: int) -> gx.expectations.Expectation:
    """Build the Great Expectations object; raises ValueError when the class or an argument does not exist."""
    import great_expectations.expectations as gxe

    expectation_class = getattr(gxe, expectation.kind, None)
    if expectation_class is None:
        raise ValueError(f"Great Expectations has no class {expectation.kind}; check the suite.")
    try:
        return expectation_class(
            **expectation.kwargs, severity=_GX_SEVERITY[expectation.severity], meta={POSITION: position}
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{expectation.kind} on {expectation.subject} refuses its arguments: {error}") from error


def failing_positions(result: Mapping[str, Any]) -> list[int] | None:
    """Return the positions of the failing rows, or None where Great Expectations did not name all of them."""
    positions = result.get("unexpected_index_list")
    if not isinstance(positions, list) or len(positions) != result.get("unexpected_count"):
        return None
    return positions


def outcome_of(
    expectation: GateExpectation, *, document: Mapping[str, Any], rows: int, examples: Sequence[str]
) -> ExpectationOutcome:
    """Read one expectation's result document (JSON types) as an outcome.

    An exception inside Great Expectations and a result it calls neither true nor false count as failures.
    """
    result = document.get("result") or {}
    error = _raised(document.get("exception_info"))
    success = document.get("success") is True and error is None
    positions = failing_positions(result)
    count = int(result.get("unexpected_count") or 0)
    observed = result.get("observed_value")
    outcome = ExpectationOutcome(
        kind=expectation.kind,
        subject=expectation.subject,
        severity=expectation.severity,
        success=success,
        row_level=positions is not None,
        unexpected_rows=count,
        observed=None if observed is None else str(observed),
        error=error,
        examples=tuple(examples),
    )
    return outcome if success else _with_sentence(outcome, expectation=expectation, rows=rows)


def _with_sentence(outcome: ExpectationOutcome, *, expectation: GateExpectation, rows: int) -> ExpectationOutcome:
    if outcome.error is not None:
        sentence = (
            f"{outcome.kind} on {outcome.subject} could not be evaluated ({outcome.error}); "
            "compare the column's type and the suite."
        )
        return replace(outcome, sentence=sentence)
    facts = {
        **expectation.kwargs,
        "count": outcome.unexpected_rows,
        "rows": rows,
        "percent": f"{_percent(outcome.unexpected_rows, rows)} %",
        "observed": outcome.observed,
        "examples": ", ".join(outcome.examples) or "none named",
    }
    return replace(outcome, sentence=expectation.sentence.format_map(facts))


def _percent(count: int, rows: int) -> str:
    """Round up at the second digit: one row of a million is 0.01, never 0.00."""
    return f"{math.ceil(10_000 * count / rows) / 100:g}" if rows else "100"


def _raised(exception_info: Any) -> str | None:
    """Return the first exception's message.

    Great Expectations 1.24 reports one flat record, or one record per failed metric keyed by the metric's id.
    """
    if not isinstance(exception_info, Mapping):
        return "no report about exceptions"
    records = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for record in records:
        if record.get("raised_exception") is not False:
            return str(record.get("exception_message") or "unknown error").splitlines()[0][:200]
    return None
