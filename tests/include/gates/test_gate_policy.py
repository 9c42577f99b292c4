"""The verdict's rules, without Great Expectations."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gates.policy import blocked_unread, judge, within_quarantine_limit
from include.gates.result import COLUMN_CONTRACT, ExpectationOutcome, GateResult, Severity, Verdict
from include.gates.suite import GateExpectation, GateSuite

RULE = GateExpectation("ExpectColumnValuesToNotBeNull", {"column": "mail_id"}, Severity.QUARANTINE, "{count} lack it.")
MET = ExpectationOutcome(kind=RULE.kind, subject="mail_id", severity=Severity.QUARANTINE, success=True, row_level=True)
ROWS_FAIL = replace(MET, success=False, unexpected_rows=3, sentence="3 lack it.")


def suite(**changes):
    return GateSuite(**{"name": "mails", "expectations": (RULE,), "quarantine_limit": 0.1, **changes})


def verdict(outcomes, *, evaluated=100, aside=0, **changes):
    return judge(suite(**changes), outcomes, evaluated_rows=evaluated, set_aside_rows=aside)


def test_a_load_that_meets_everything_passes_without_reasons():
    assert verdict([MET]).verdict is Verdict.PASS
    assert verdict([MET]).reasons == ()


def test_zero_rows_block_where_rows_are_owed_and_say_so():
    judgement = verdict([MET], evaluated=0)
    assert judgement.verdict is Verdict.BLOCK
    assert judgement.reasons == ("No rows arrived for mails, where at least 1 must; check the step before it.",)


def test_zero_rows_pass_where_none_are_owed():
    assert verdict([MET], evaluated=0, owed_rows_at_least=0).verdict is Verdict.PASS


def test_too_few_rows_block():
    judgement = verdict([MET], evaluated=9, owed_rows_at_least=10)
    assert judgement.verdict is Verdict.BLOCK
    assert "Only 9 row(s) arrived" in judgement.reasons[0]


@pytest.mark.parametrize(("aside", "expected"), [(10, Verdict.QUARANTINE), (11, Verdict.BLOCK), (100, Verdict.BLOCK)])
def test_rows_are_set_aside_up_to_the_share_and_not_one_further(aside, expected):
    assert verdict([replace(ROWS_FAIL, unexpected_rows=aside)], aside=aside).verdict is expected


def test_a_small_load_may_set_its_absolute_number_aside_whatever_the_share():
    one_of_two = replace(ROWS_FAIL, unexpected_rows=1)
    assert verdict([one_of_two], evaluated=2, aside=1).verdict is Verdict.BLOCK
    assert verdict([one_of_two], evaluated=2, aside=1, quarantine_rows=1).verdict is Verdict.QUARANTINE


def test_the_limit_sentence_names_rows_share_and_limit():
    reasons = verdict([replace(ROWS_FAIL, unexpected_rows=30)], aside=30).reasons
    assert reasons[0] == (
        "30 of 100 rows (30.0%) of mails would be set aside, the limit is 10.0% or 0 rows; "
        "mend the source or raise the limit."
    )
    assert reasons[1] == "3 lack it."


@pytest.mark.parametrize(
    "doubt",
    [
        replace(ROWS_FAIL, severity=Severity.BLOCK),
        replace(ROWS_FAIL, row_level=False),
        replace(ROWS_FAIL, unexpected_rows=0),
        replace(ROWS_FAIL, error="TypeError"),
    ],
    ids=["blocking", "about the whole column", "failed without a row", "not evaluated"],
)
def test_what_cannot_be_set_aside_blocks_even_within_the_limit(doubt):
    assert verdict([doubt], aside=3).verdict is Verdict.BLOCK


def test_an_expectation_without_an_outcome_blocks():
    judgement = verdict([])
    assert judgement.verdict is Verdict.BLOCK
    assert "Expectations of mails without an outcome: 1" in judgement.reasons[0]


def test_a_column_problem_does_not_stand_in_for_a_missing_outcome():
    contract = ExpectationOutcome(
        kind=COLUMN_CONTRACT, subject="x", severity=Severity.BLOCK, success=False, sentence="Column x is missing."
    )
    assert len(verdict([contract]).reasons) == 2


def test_a_gate_that_never_read_its_data_blocks():
    result = blocked_unread("mails", "No such file.")
    assert result.blocked
    assert result.reasons == ("No such file.",)


def test_a_reason_of_any_length_stays_small_enough_for_xcom():
    assert len(blocked_unread("mails", "x" * 100_000).reasons[0]) == 500


outcomes = st.builds(
    ExpectationOutcome,
    kind=st.just(RULE.kind),
    subject=st.just("mail_id"),
    severity=st.sampled_from(Severity),
    success=st.booleans(),
    row_level=st.booleans(),
    unexpected_rows=st.integers(0, 50),
    error=st.sampled_from([None, "boom"]),
    sentence=st.sampled_from(["", "It failed."]),
)
loads = st.tuples(st.lists(outcomes, max_size=4), st.integers(0, 50), st.integers(0, 50)).map(
    lambda load: (load[0], max(load[1], load[2]), min(load[1], load[2]))
)


@given(loads)
def test_nothing_passes_unless_every_outcome_is_a_success(load):
    known, evaluated, aside = load
    judgement = judge(suite(), known, evaluated_rows=evaluated, set_aside_rows=aside)
    if judgement.verdict is Verdict.PASS:
        assert known
        assert all(outcome.success for outcome in known)
        assert evaluated >= 1


@given(loads)
def test_every_verdict_but_pass_says_why_and_pass_says_nothing(load):
    known, evaluated, aside = load
    judgement = judge(suite(), known, evaluated_rows=evaluated, set_aside_rows=aside)
    assert bool(judgement.reasons) is (judgement.verdict is not Verdict.PASS)
    assert all(judgement.reasons)


@given(loads, outcomes.filter(lambda outcome: not outcome.success))
def test_one_more_failure_never_makes_a_verdict_milder(load, failure):
    known, evaluated, aside = load
    grave = [Verdict.PASS, Verdict.QUARANTINE, Verdict.BLOCK]
    before = judge(suite(), known, evaluated_rows=evaluated, set_aside_rows=aside).verdict
    after = judge(suite(), [*known, failure], evaluated_rows=evaluated, set_aside_rows=aside).verdict
    if len(known) >= 1:  # without an outcome for its only expectation the suite blocks in any case
        assert grave.index(after) >= grave.index(before)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1), st.integers(0, 100))
def test_a_looser_limit_allows_all_that_a_tighter_one_allows(evaluated, aside, limit, rows):
    tight = suite(quarantine_limit=limit / 2, quarantine_rows=rows // 2)
    loose = suite(quarantine_limit=limit, quarantine_rows=rows)
    if within_quarantine_limit(tight, evaluated_rows=evaluated, set_aside_rows=aside):
        assert within_quarantine_limit(loose, evaluated_rows=evaluated, set_aside_rows=aside)


@given(
    st.builds(
        GateResult,
        suite=st.text(),
        verdict=st.sampled_from(Verdict),
        evaluated_rows=st.integers(0),
        unexpected_rows=st.integers(0),
        reasons=st.lists(st.text()).map(tuple),
        quarantine_uri=st.none() | st.text(),
    )
)
def test_a_result_survives_the_way_through_xcom(result):
    assert GateResult.from_dict(result.to_dict()) == result
    assert type(result.to_dict()["verdict"]) is str
