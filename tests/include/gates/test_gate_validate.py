"""Validation by the real Great Expectations on small frames."""

import json
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from include.gates.expectations import failing_positions, gx_expectation, outcome_of
from include.gates.result import Severity, Verdict
from include.gates.suite import ColumnKind, GateExpectation, GateSuite
from include.gates.validate import validate


def rule(kind, severity=Severity.QUARANTINE, *, reason="", sentence="{count} of {rows} fail.", **kwargs):
    return GateExpectation(kind, kwargs, severity, sentence, reason)


def suite(*rules, **changes):
    return GateSuite(**{"name": "mails", "expectations": rules, "quarantine_limit": 1.0, **changes})


PRESENT = rule("ExpectColumnValuesToNotBeNull", column="mail_id", reason="no id")
FEW_URLS = rule("ExpectColumnValuesToBeBetween", column="urls", min_value=0, max_value=9, reason="too many URLs")


def mails(**columns):
    return pd.DataFrame({"mail_id": ["a", "b", "c", "d"], "urls": [1, 2, 3, 4], **columns})


def test_good_rows_all_go_on():
    validation = validate(mails(), suite(PRESENT, FEW_URLS))
    assert validation.result.verdict is Verdict.PASS
    assert validation.good.equals(mails())
    assert validation.quarantined.empty
    assert validation.result.to_dict()["evaluated_rows"] == 4


def test_exactly_the_failing_rows_are_set_aside_each_with_all_its_reasons():
    frame = mails(mail_id=["a", None, "c", None], urls=[1, 99, 99, 4])
    validation = validate(frame, suite(PRESENT, FEW_URLS))
    assert validation.result.verdict is Verdict.QUARANTINE
    assert validation.result.unexpected_rows == 3
    assert validation.quarantined["_reasons"].tolist() == [["no id", "too many URLs"], ["too many URLs"], ["no id"]]
    assert validation.quarantined.index.tolist() == [1, 2, 3]
    assert validation.good["mail_id"].tolist() == ["a"]


def test_an_index_with_gaps_and_repeats_does_not_mix_rows_up():
    frame = mails(urls=[1, 99, 3, 99]).set_index(pd.Index([7, 7, 0, 1]))
    validation = validate(frame, suite(FEW_URLS))
    assert validation.good["mail_id"].tolist() == ["a", "c"]
    assert validation.good.index.tolist() == [7, 0]
    assert validation.quarantined["mail_id"].tolist() == ["b", "d"]


def test_positions_are_exact_behind_nulls_which_row_level_rules_skip():
    validation = validate(mails(urls=[None, 99, None, 4]), suite(FEW_URLS))
    assert validation.quarantined["mail_id"].tolist() == ["b"]


def test_every_failing_row_of_a_large_load_is_named_although_reports_are_sampled():
    urls = np.zeros(50_000, dtype=int)
    urls[::3] = 99
    validation = validate(pd.DataFrame({"urls": urls}), suite(FEW_URLS))
    assert validation.quarantined.index.tolist() == list(range(0, 50_000, 3))
    assert len(json.dumps(validation.gx_result)) < 10_000


def test_more_rows_than_the_limit_block_and_nothing_goes_on():
    validation = validate(mails(urls=[99, 99, 3, 4]), suite(FEW_URLS, quarantine_limit=0.25))
    assert validation.result.verdict is Verdict.BLOCK
    assert validation.good.empty
    assert len(validation.quarantined) == 2


def test_a_blocking_row_rule_blocks_and_still_names_its_rows():
    popular = rule(
        "ExpectColumnValuesToBeInSet",
        Severity.BLOCK,
        column="popular",
        value_set=[False],
        sentence="Popular domains: {count} ({examples}).",
    )
    validation = validate(mails(popular=[False, True, False, True]), suite(popular, identity=("mail_id", "urls")))
    assert validation.result.verdict is Verdict.BLOCK
    assert validation.result.reasons == ("Popular domains: 2 (b 2, d 4).",)
    assert validation.quarantined["mail_id"].tolist() == ["b", "d"]


def test_a_rule_about_the_whole_column_blocks_with_the_observed_value():
    highest = rule("ExpectColumnMaxToBeBetween", column="urls", max_value=3, sentence="{observed} exceeds {max_value}.")
    validation = validate(mails(), suite(highest))
    assert validation.result.verdict is Verdict.BLOCK
    assert validation.result.reasons == ("4 exceeds 3.",)
    assert validation.quarantined.empty


def test_a_rule_about_a_set_of_columns_sets_all_copies_aside():
    unique = rule("ExpectCompoundColumnsToBeUnique", column_list=["mail_id", "urls"], reason="twice")
    validation = validate(mails(mail_id=["a", "a", "a", "d"], urls=[1, 1, 2, 4]), suite(unique))
    assert validation.quarantined.index.tolist() == [0, 1]


def test_zero_rows_block_where_rows_are_owed():
    validation = validate(mails().iloc[:0], suite(PRESENT, FEW_URLS))
    assert validation.result.verdict is Verdict.BLOCK
    assert "No rows arrived" in validation.result.reasons[0]


@pytest.mark.parametrize("frame", [mails().iloc[:0], pd.DataFrame()], ids=["no rows", "no files"])
def test_zero_rows_pass_where_none_are_owed(frame):
    columns = {"mail_id": ColumnKind.TEXT, "urls": ColumnKind.WHOLE_NUMBER}
    validation = validate(frame, suite(PRESENT, FEW_URLS, columns=columns, owed_rows_at_least=0))
    assert validation.result.verdict is Verdict.PASS


def test_a_missing_column_blocks_without_a_contract():
    validation = validate(mails().drop(columns="urls"), suite(PRESENT, FEW_URLS))
    assert validation.result.verdict is Verdict.BLOCK
    assert "urls could not be evaluated" in validation.result.reasons[0]


def test_a_wrongly_typed_column_blocks_without_a_contract():
    validation = validate(mails(urls=["1", "2", "3", "4"]), suite(FEW_URLS))
    assert validation.result.verdict is Verdict.BLOCK
    assert "ExpectColumnValuesToBeBetween on urls could not be evaluated" in validation.result.reasons[0]


def test_a_contract_says_once_what_is_wrong_with_a_column_and_runs_no_rule_on_it():
    frame = mails(urls=["1", "2", "3", "4"])
    validation = validate(frame, suite(FEW_URLS, PRESENT, columns={"urls": ColumnKind.WHOLE_NUMBER}))
    assert validation.result.reasons == (
        "Column urls holds str but owes whole numbers; mend the schema or the reader.",
    )
    assert [outcome.success for outcome in validation.outcomes] == [False, False, True]
    assert len(validation.gx_result["results"]) == 1


@pytest.mark.parametrize("columns", [["mail_id"], ["mail_id", "urls", "urls"]], ids=["missing", "twice"])
def test_a_contract_blocks_a_column_that_is_not_there_once(columns):
    validation = validate(mails()[columns], suite(PRESENT, columns={"urls": ColumnKind.WHOLE_NUMBER}))
    assert validation.result.verdict is Verdict.BLOCK
    assert validation.result.reasons[0].startswith("Column urls is ")


UTC_TIMES = [datetime(2026, 1, 1, tzinfo=UTC), None]


@pytest.mark.parametrize(
    ("values", "fitting"),
    [
        (pd.Series(["a", None]), {ColumnKind.TEXT}),
        (pd.Series(["a", None], dtype=object), {ColumnKind.TEXT}),
        (pd.Series([1, 2]), {ColumnKind.WHOLE_NUMBER, ColumnKind.NUMBER}),
        (pd.Series([1, None]), {ColumnKind.WHOLE_NUMBER, ColumnKind.NUMBER}),
        (pd.Series([1, None], dtype="Int64"), {ColumnKind.WHOLE_NUMBER, ColumnKind.NUMBER}),
        (pd.Series([1.5, None]), {ColumnKind.NUMBER}),
        (pd.Series([1.0, float("inf")]), {ColumnKind.NUMBER}),
        (pd.Series([True, False]), {ColumnKind.FLAG}),
        (pd.Series([True, None]), {ColumnKind.FLAG}),
        (pd.Series(UTC_TIMES), {ColumnKind.TIMESTAMP}),
        (pd.Series(pd.to_datetime(["2026-01-01"])), {ColumnKind.TIMESTAMP}),
        (pd.Series([1, "a"]), set()),
        (pd.Series([b"a"]), set()),
        (pd.Series([None, None], dtype=object), set(ColumnKind)),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_a_column_kind_takes_its_own_values_and_no_others(values, fitting):
    always = rule("ExpectTableRowCountToBeBetween", min_value=0)
    taken = {
        kind
        for kind in ColumnKind
        if not validate(pd.DataFrame({"x": values}), suite(always, columns={"x": kind})).result.blocked
    }
    assert taken == fitting


def test_the_same_load_gives_the_same_decision_to_the_byte():
    frame = mails(urls=[1, 99, 3, 4])
    first, second = (validate(frame, suite(PRESENT, FEW_URLS)) for _ in range(2))
    assert first.result == second.result
    assert json.dumps(first.gx_result) == json.dumps(second.gx_result)


def test_the_validated_frame_is_left_as_it_was():
    frame = mails(urls=[1, 99, 3, 4])
    validate(frame, suite(PRESENT, FEW_URLS))
    assert frame.equals(mails(urls=[1, 99, 3, 4]))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (rule("ExpectNoSuchThing", column="urls"), "no class ExpectNoSuchThing"),
        (rule("ExpectColumnValuesToBeBetween", column="urls", maximum=3), "refuses its arguments"),
        (rule("ExpectColumnValuesToBeBetween", min_value=3), "refuses its arguments"),
    ],
)
def test_a_suite_that_cannot_be_built_is_an_error_and_not_a_pass(broken, words):
    with pytest.raises(ValueError, match=words):
        validate(mails(), suite(broken))


def test_one_failing_row_of_a_million_is_not_rounded_to_none():
    sentence = rule("ExpectColumnValuesToBeBetween", column="urls", sentence="{percent} fail.")
    document = {"success": False, "result": {"unexpected_count": 1}, "exception_info": {"raised_exception": False}}
    assert outcome_of(sentence, document=document, rows=1_000_000, examples=()).sentence == "0.01 % fail."


@pytest.mark.parametrize(
    "exception_info",
    [
        {"raised_exception": True, "exception_message": "boom"},
        {"metric 1": {"raised_exception": False}, "metric 2": {"raised_exception": True, "exception_message": "boom"}},
        {"metric 1": {}},
        None,
    ],
    ids=["flat", "by metric", "empty record", "no report"],
)
def test_an_exception_in_any_form_overrules_a_reported_success(exception_info):
    document = {"success": True, "result": {}, "exception_info": exception_info}
    outcome = outcome_of(FEW_URLS, document=document, rows=4, examples=())
    assert not outcome.success
    assert "could not be evaluated" in outcome.sentence


def test_a_list_of_rows_shorter_than_the_count_is_not_taken_for_complete():
    assert failing_positions({"unexpected_count": 3, "unexpected_index_list": [1, 2]}) is None
    assert failing_positions({"unexpected_count": 2, "unexpected_index_list": [1, 2]}) == [1, 2]
    assert failing_positions({"unexpected_count": 3}) is None


def test_the_severity_reaches_great_expectations():
    assert gx_expectation(PRESENT, position=0).severity.value == "warning"
    assert gx_expectation(rule("ExpectColumnToExist", Severity.BLOCK, column="a"), position=0).severity == "critical"
