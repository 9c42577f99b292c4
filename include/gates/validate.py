"""Validation of one frame against one suite by Great Expectations, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.gates.columns import column_outcomes
from include.gates.expectations import POSITION, failing_positions, gx_expectation, outcome_of
from include.gates.policy import judge
from include.gates.result import ExpectationOutcome, GateResult, Severity, Verdict

if TYPE_CHECKING:
    import pandas as pd

    from include.gates.suite import GateExpectation, GateSuite

REASONS_COLUMN = "_reasons"
_EXAMPLES = 5
# The query is a string with every index in it (megabytes); the exact index list is there without it.
_RESULT_FORMAT = {"result_format": "COMPLETE", "partial_unexpected_count": 20, "return_unexpected_index_query": False}
_ROW_LISTS = ("unexpected_list", "unexpected_index_list", "partial_unexpected_index_list", "unexpected_index_query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A decision with its rows.

    `good` may go on: all rows on `pass`, the rest on `quarantine`, none on `block`. `quarantined` holds every row that
    failed a row-level expectation, whatever the verdict, with the reasons in the column `_reasons` (list of text).
    `gx_result` is Great Expectations' own result as JSON types, without the lists of rows.
    """

    result: GateResult
    outcomes: tuple[ExpectationOutcome, ...]
    good: pd.DataFrame
    quarantined: pd.DataFrame
    gx_result: dict[str, Any]


def validate(frame: pd.DataFrame, suite: GateSuite) -> Validation:
    """Judge all rows of `frame` by `suite`; the index of `frame` is kept in `good` and `quarantined`.

    A missing or wrongly typed column blocks, and the expectations that read it are not run. Raises ValueError when the
    suite itself cannot be built; whatever else Great Expectations raises passes through, and the caller must treat it
    as `block`.
    """
    frame = frame if len(frame.columns) else _nothing(suite)
    contract = column_outcomes(frame, suite.columns)
    broken = {outcome.subject: outcome.sentence for outcome in contract}
    runnable = {
        position: expectation
        for position, expectation in enumerate(suite.expectations)
        if broken.keys().isdisjoint(expectation.columns)
    }
    gx_result = _run_gx(frame, suite.name, runnable)
    documents = {entry["expectation_config"]["meta"][POSITION]: entry for entry in gx_result["results"]}
    outcomes, failing = list(contract), {}
    for position, expectation in enumerate(suite.expectations):
        if position not in runnable:
            outcomes.append(_not_run(expectation, broken))
        elif position in documents:  # the policy blocks on an expectation without an outcome
            positions = failing_positions(documents[position]["result"]) or []
            examples = _examples(frame, positions, identity=suite.identity or expectation.columns)
            outcomes.append(outcome_of(expectation, document=documents[position], rows=len(frame), examples=examples))
            failing[position] = positions
    return _decision(frame, suite, outcomes=tuple(outcomes), failing=failing, gx_result=gx_result)


def _nothing(suite: GateSuite) -> pd.DataFrame:
    """Return an empty frame with the suite's columns: no files at all means no rows, not missing columns."""
    import pandas as pd

    expected = {column: None for rule in suite.expectations for column in rule.columns}
    return pd.DataFrame(columns=list({**suite.columns, **expected}), dtype=object)


def _run_gx(frame: pd.DataFrame, name: str, runnable: dict[int, GateExpectation]) -> dict[str, Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    expectations = [gx_expectation(expectation, position=position) for position, expectation in runnable.items()]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("load").get_batch({"dataframe": frame.reset_index(drop=True)})
    result = batch.validate(gx.ExpectationSuite(name=name, expectations=expectations), result_format=_RESULT_FORMAT)
    document: dict[str, Any] = result.to_json_dict()
    document["results"].sort(key=lambda entry: entry["expectation_config"]["meta"][POSITION])
    document["meta"].pop("batch_markers", None)  # the load time: the same input must give the same document
    return document


def _decision(
    frame: pd.DataFrame,
    suite: GateSuite,
    *,
    outcomes: tuple[ExpectationOutcome, ...],
    failing: dict[int, list[int]],
    gx_result: dict[str, Any],
) -> Validation:
    import pandas as pd

    reasons = _reasons_by_row(suite, failing)
    good = pd.Series(data=True, index=range(len(frame)))
    good.iloc[list(reasons)] = False
    judgement = judge(suite, outcomes, evaluated_rows=len(frame), set_aside_rows=len(reasons))
    for entry in gx_result["results"]:
        for row_list in _ROW_LISTS:
            entry["result"].pop(row_list, None)
    return Validation(
        result=GateResult(
            suite=suite.name,
            verdict=judgement.verdict,
            evaluated_rows=len(frame),
            unexpected_rows=len(reasons),
            reasons=judgement.reasons,
        ),
        outcomes=outcomes,
        good=frame.iloc[:0] if judgement.verdict is Verdict.BLOCK else frame.loc[good.to_numpy()],
        quarantined=frame.iloc[list(reasons)].assign(**{REASONS_COLUMN: list(reasons.values())}),
        gx_result=gx_result,
    )


def _reasons_by_row(suite: GateSuite, failing: dict[int, list[int]]) -> dict[int, list[str]]:
    """Return {row position: reasons}, in the order of the rows; the reasons in the order of the suite."""
    reasons: dict[int, list[str]] = {position: [] for position in sorted(set().union(*failing.values()))}
    for number, positions in failing.items():
        reason = suite.expectations[number].row_reason
        for position in positions:
            reasons[position].append(reason)
    return reasons


def _not_run(expectation: GateExpectation, broken: dict[str, str]) -> ExpectationOutcome:
    column = next(column for column in expectation.columns if column in broken)
    return ExpectationOutcome(
        kind=expectation.kind,
        subject=expectation.subject,
        severity=Severity.BLOCK,
        success=False,
        error=f"not run: column {column} is not usable",
        sentence=broken[column],
    )


def _examples(frame: pd.DataFrame, positions: list[int], *, identity: tuple[str, ...]) -> list[str]:
    named = [column for column in identity if column in frame.columns]
    if not named or not positions:
        return []
    rows = frame.iloc[positions[:_EXAMPLES]][named].itertuples(index=False, name=None)
    return list(dict.fromkeys(" ".join(str(value)[:80] for value in row) for row in rows))
