"""The verdict, as pure rules. Every doubt blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.gates.result import COLUMN_CONTRACT, ExpectationOutcome, GateResult, Severity, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.gates.suite import GateSuite

_LONGEST_REASON = 500  # characters; XCom and messages stay small whatever an exception says


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the sentences that explain it, the gravest first."""

    verdict: Verdict
    reasons: tuple[str, ...]


def judge(
    suite: GateSuite, outcomes: Iterable[ExpectationOutcome], *, evaluated_rows: int, set_aside_rows: int
) -> Judgement:
    """Allow what every expectation allows; set rows aside within the suite's limit; block everything else.

    Missing rows, an expectation that could not be evaluated, a failed blocking expectation and a failure without
    rows to set aside each block on their own. `set_aside_rows` counts distinct rows.
    """
    known = tuple(outcomes)
    blocking = [*_owed_rows(suite, evaluated_rows), *_completeness(suite, known)]
    blocking += [_sentence(outcome) for outcome in known if _blocks(outcome)]
    quarantining = [_sentence(outcome) for outcome in known if not outcome.success and not _blocks(outcome)]
    if quarantining:
        blocking += _quarantine_limit(suite, evaluated_rows=evaluated_rows, set_aside_rows=set_aside_rows)
    verdict = Verdict.BLOCK if blocking else Verdict.QUARANTINE if quarantining else Verdict.PASS
    return Judgement(verdict, tuple(dict.fromkeys(shortened(reason) for reason in blocking + quarantining)))


def within_quarantine_limit(suite: GateSuite, *, evaluated_rows: int, set_aside_rows: int) -> bool:
    """Allow as many rows to be set aside as the suite's share or its absolute number, whichever is more."""
    return set_aside_rows <= max(suite.quarantine_rows, suite.quarantine_limit * evaluated_rows)


def blocked_unread(suite_name: str, sentence: str) -> GateResult:
    """Return the result of a gate that could not read its data or crashed: nothing was judged, so nothing goes on."""
    return GateResult(suite=suite_name, verdict=Verdict.BLOCK, evaluated_rows=0, reasons=(shortened(sentence),))


def shortened(sentence: str) -> str:
    """Cut a sentence at 500 characters, visibly."""
    return sentence if len(sentence) <= _LONGEST_REASON else sentence[: _LONGEST_REASON - 2] + " …"


def _blocks(outcome: ExpectationOutcome) -> bool:
    if outcome.success:
        return False
    can_be_set_aside = outcome.row_level and outcome.unexpected_rows > 0 and outcome.error is None
    return outcome.severity is Severity.BLOCK or not can_be_set_aside


def _sentence(outcome: ExpectationOutcome) -> str:
    return outcome.sentence or f"{outcome.kind} on {outcome.subject} failed; see the Data Docs page."


def _owed_rows(suite: GateSuite, evaluated_rows: int) -> list[str]:
    if evaluated_rows >= suite.owed_rows_at_least:
        return []
    arrived = "No rows arrived" if evaluated_rows == 0 else f"Only {evaluated_rows} row(s) arrived"
    return [f"{arrived} for {suite.name}, where at least {suite.owed_rows_at_least} must; check the step before it."]


def _completeness(suite: GateSuite, outcomes: tuple[ExpectationOutcome, ...]) -> list[str]:
    missing = len(suite.expectations) - sum(1 for outcome in outcomes if outcome.kind != COLUMN_CONTRACT)
    if missing <= 0:
        return []
    return [f"Expectations of {suite.name} without an outcome: {missing}; look for the crash in the gate's log."]


def _quarantine_limit(suite: GateSuite, *, evaluated_rows: int, set_aside_rows: int) -> list[str]:
    if within_quarantine_limit(suite, evaluated_rows=evaluated_rows, set_aside_rows=set_aside_rows):
        return []
    share = set_aside_rows / evaluated_rows if evaluated_rows else 1.0
    limit = f"{suite.quarantine_limit:.1%} or {suite.quarantine_rows} rows"
    found = f"{set_aside_rows} of {evaluated_rows} rows ({share:.1%}) of {suite.name} would be set aside"
    return [f"{found}, the limit is {limit}; mend the source or raise the limit."]
