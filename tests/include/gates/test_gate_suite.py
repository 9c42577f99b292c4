"""Suites as data, and the addresses of the evidence."""

import pytest

from include.gates.evidence import EvidencePlace, docs_url
from include.gates.result import Severity
from include.gates.suite import ColumnKind, GateExpectation, GateSuite, described

RULE = GateExpectation("ExpectColumnValuesToNotBeNull", {"column": "mail_id"}, Severity.BLOCK, "{count} lack it.")


def place(**changes):
    run = {"bucket": "lake", "suite": "mails", "dag_id": "ioc_refresh_generate", "run_id": "manual__1", "task_id": "g"}
    return EvidencePlace(**{**run, **changes})


@pytest.mark.parametrize("name", ["", "Mails", "new mails", "../mails", "quarantine", "passed", "1st"])
def test_a_suite_name_that_would_break_the_evidence_folder_is_refused(name):
    with pytest.raises(ValueError, match="not usable"):
        GateSuite(name=name, expectations=(RULE,))


def test_a_suite_that_expects_nothing_is_refused():
    with pytest.raises(ValueError, match="expects nothing"):
        GateSuite(name="mails", expectations=())


@pytest.mark.parametrize(
    "limits", [{"quarantine_limit": -0.1}, {"quarantine_limit": 5}, {"quarantine_rows": -1}, {"owed_rows_at_least": -1}]
)
def test_a_limit_that_cannot_be_meant_is_refused(limits):
    with pytest.raises(ValueError, match="share from 0 to 1"):
        GateSuite(name="mails", expectations=(RULE,), **limits)


def test_mostly_is_refused_because_it_would_hide_rows_from_quarantine():
    with pytest.raises(ValueError, match="quarantine_limit"):
        GateExpectation(RULE.kind, {"column": "a", "mostly": 0.9}, Severity.QUARANTINE, "No.")


@pytest.mark.parametrize("sentence", ["{nobody} knows.", "{0} mails.", "{} mails.", "{count.real} mails."])
def test_a_sentence_with_a_placeholder_nobody_fills_is_refused_when_it_is_written(sentence):
    with pytest.raises(ValueError, match="asks for"):
        GateExpectation(RULE.kind, {"column": "a"}, Severity.BLOCK, sentence)


@pytest.mark.parametrize(
    ("kwargs", "columns", "subject"),
    [
        ({"column": "a"}, ("a",), "a"),
        ({"column_A": "a", "column_B": "b"}, ("a", "b"), "a, b"),
        ({"column_list": ["a", "b"]}, ("a", "b"), "a, b"),
        ({"value": 1}, (), "table"),
    ],
)
def test_an_expectation_knows_the_columns_it_reads(kwargs, columns, subject):
    rule = GateExpectation("ExpectAnything", kwargs, Severity.BLOCK, "It failed.")
    assert (rule.columns, rule.subject) == (columns, subject)


def test_the_description_names_each_column_and_rule_with_its_consequence():
    text = described(GateSuite(name="mails", expectations=(RULE,), columns={"mail_id": ColumnKind.TEXT}))
    assert "- `mail_id` holds text, else block" in text
    assert "- `ExpectColumnValuesToNotBeNull` on mail_id, else block" in text


def test_two_runs_that_differ_in_one_unsafe_character_keep_their_evidence_apart():
    ahead, behind = place(run_id="manual__10:00+05:00"), place(run_id="manual__10:00-05:00")
    assert ahead.folder != behind.folder
    assert ahead.quarantine_key != behind.quarantine_key


def test_mapped_instances_of_a_task_keep_their_evidence_apart():
    assert len({place().folder, place(map_index=0).folder, place(map_index=1).folder}) == 3


def test_evidence_keys_need_no_escaping_in_a_url_or_a_hive_path():
    folder = place(run_id="scheduled__2026-01-01T00:00:00+00:00").folder
    assert folder.startswith("gates/mails/ioc_refresh_generate/scheduled__2026-01-01T00-00-00-00-00-")
    assert docs_url(f"s3://lake/{folder}index.html").endswith(folder + "index.html")


def test_a_page_is_found_at_the_local_endpoint_by_path():
    url = docs_url("s3://lake/gates/a b/index.html", "http://127.0.0.1:14566/")
    assert url == "http://127.0.0.1:14566/lake/gates/a%20b/index.html"


def test_a_page_without_an_endpoint_is_found_at_aws():
    assert docs_url("s3://lake/gates/index.html") == "https://lake.s3.amazonaws.com/gates/index.html"


@pytest.mark.parametrize("uri", ["", "s3://lake", "s3://lake/", "https://lake/key", "lake/key"])
def test_an_address_that_is_no_s3_object_is_refused(uri):
    with pytest.raises(ValueError, match="s3://bucket/key"):
        docs_url(uri)
