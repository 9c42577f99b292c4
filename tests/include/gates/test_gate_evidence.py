"""Data Docs, result files and Parquet of one decision."""

import json
import re
from datetime import UTC, datetime
from io import BytesIO

import pandas as pd
import pyarrow.parquet as pq
import pytest

from include.gates.evidence import EvidencePlace, evidence_of, evidence_of_crash
from include.gates.parquet import parquet_bytes
from include.gates.policy import blocked_unread
from include.gates.result import Severity
from include.gates.suite import GateExpectation, GateSuite
from include.gates.validate import validate

CHECKED_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
PLACE = EvidencePlace(bucket="lake", suite="mails", dag_id="ioc_refresh_generate", run_id="manual__1", task_id="gate")
HOSTILE = "<script>alert(1)</script>"
SUITE = GateSuite(
    name="mails",
    expectations=(
        GateExpectation(
            "ExpectColumnValuesToBeInSet",
            {"column": "sender", "value_set": ["a.example"]},
            Severity.QUARANTINE,
            "Unknown senders: {count} (e.g. {examples}).",
            "unknown sender",
        ),
        GateExpectation("ExpectColumnMaxToBeBetween", {"column": "urls", "max_value": 9}, Severity.BLOCK, "{observed}"),
    ),
    quarantine_limit=0.5,
    identity=("sender",),
)


def validation(*senders, urls=1):
    return validate(pd.DataFrame({"sender": senders, "urls": urls}), SUITE)


def stored(*senders, urls=1, **options):
    result, objects = evidence_of(validation(*senders, urls=urls), place=PLACE, checked_at=CHECKED_AT, **options)
    return result, {item.key: item for item in objects}


def page(objects):
    return next(item.body.decode() for key, item in objects.items() if key.endswith("index.html"))


def test_the_result_tells_where_each_object_lies():
    result, objects = stored("a.example", HOSTILE)
    run = "ioc_refresh_generate/manual__1/gate"
    assert result.docs_uri == f"s3://lake/gates/mails/{run}/index.html"
    assert result.result_uri == f"s3://lake/gates/mails/{run}/result.json"
    assert result.quarantine_uri == f"s3://lake/gates/quarantine/mails/{run}/rows.parquet"
    assert result.passed_uri is None
    for uri in (result.docs_uri, result.result_uri, result.quarantine_uri):
        assert objects[uri.removeprefix("s3://lake/")].body


def test_the_result_file_comes_last_so_that_its_presence_means_complete_evidence():
    _, objects = stored("a.example", HOSTILE)
    assert list(objects)[-1].endswith("/result.json")


def test_the_result_file_holds_decision_run_outcomes_and_report():
    _, objects = stored("a.example", HOSTILE)
    document = json.loads(list(objects.values())[-1].body)
    assert (document["verdict"], document["unexpected_rows"]) == ("quarantine", 1)
    assert document["run"] == {"DAG": "ioc_refresh_generate", "Run": "manual__1", "Task": "gate"}
    assert document["outcomes"][0]["examples"] == [HOSTILE]
    assert len(document["great_expectations"]["results"]) == 2


def test_rows_set_aside_are_parquet_with_their_reasons():
    _, objects = stored("a.example", HOSTILE)
    rows = pq.read_table(BytesIO(objects[PLACE.quarantine_key].body)).to_pylist()
    assert rows == [{"sender": HOSTILE, "urls": 1, "_reasons": ["unknown sender"]}]


def test_a_rerun_without_bad_rows_takes_the_older_quarantine_away():
    result, objects = stored("a.example")
    assert result.quarantine_uri is None
    assert objects[PLACE.quarantine_key].body is None


def test_rows_that_went_on_are_kept_on_request_and_never_when_blocked():
    result, objects = stored("a.example", HOSTILE, keep_passed=True)
    assert pq.read_table(BytesIO(objects[PLACE.passed_key].body))["sender"].to_pylist() == ["a.example"]
    assert result.passed_uri == f"s3://lake/{PLACE.passed_key}"
    blocked, objects = stored("a.example", urls=99, keep_passed=True)
    assert blocked.passed_uri is None
    assert objects[PLACE.passed_key].body is None


def test_the_page_shows_verdict_sentence_run_and_addresses():
    _, objects = stored("a.example", "b.example")
    html = page(objects)
    for words in ("mails: quarantine", "Unknown senders: 1 (e.g. b.example).", "manual__1", PLACE.quarantine_key):
        assert words in html


def test_the_page_carries_the_report_of_great_expectations():
    _, objects = stored("a.example", "b.example")
    assert "values must belong to this set" in page(objects)
    assert re.search(r"maximum value must be less than or equal to", page(objects))


def test_values_from_outside_never_become_markup():
    _, objects = stored("a.example", HOSTILE, '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}")
    html = page(objects)
    assert "<script" not in html
    assert "<img" not in html
    assert "alert(1)" in html  # the value itself is shown
    assert "{{ 7 * 7 }}" in html
    assert "default-src 'none'" in html


def test_the_page_needs_nothing_from_the_network():
    _, objects = stored("a.example", "b.example")
    html = page(objects)
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(|@import""", html)
    assert len(html) < 60_000


def test_the_page_is_the_same_to_the_byte_for_the_same_decision():
    assert page(stored("a.example", "b.example")[1]) == page(stored("a.example", "b.example")[1])


def test_a_crashed_gate_leaves_a_page_and_a_result_and_no_rows():
    result, objects = evidence_of_crash(blocked_unread("mails", "Nothing to read."), place=PLACE, checked_at=CHECKED_AT)
    bodies = {item.key: item.body for item in objects}
    assert bodies[PLACE.quarantine_key] is None
    assert bodies[PLACE.passed_key] is None
    assert b"Nothing to read." in bodies[result.docs_uri.removeprefix("s3://lake/")]
    assert json.loads(bodies[result.result_uri.removeprefix("s3://lake/")])["verdict"] == "block"


def test_pages_and_results_are_stored_as_what_they_are():
    _, objects = stored("a.example")
    types = {key.rsplit(".", 1)[1]: item.content_type for key, item in objects.items()}
    assert types["html"] == "text/html; charset=utf-8"
    assert types["json"] == "application/json"


@pytest.mark.parametrize("mixed", [[1, "a"], [1, None, "a"], [[1], "a"], [{"a": 1}, 2]], ids=str)
def test_a_column_of_mixed_objects_is_written_as_text_and_not_lost(mixed):
    frame = pd.DataFrame({"mixed": pd.Series(mixed, dtype=object), "kept": range(len(mixed))})
    table = pq.read_table(BytesIO(parquet_bytes(frame)))
    assert table["mixed"].to_pylist() == [None if value is None else str(value) for value in mixed]
    assert table["kept"].to_pylist() == list(range(len(mixed)))


def test_lists_and_structs_keep_their_types_beside_a_mixed_column():
    frame = pd.DataFrame({"mixed": pd.Series([1, "a"], dtype=object), "_reasons": [["x"], ["y", "z"]]})
    assert pq.read_table(BytesIO(parquet_bytes(frame)))["_reasons"].to_pylist() == [["x"], ["y", "z"]]


def test_two_columns_of_one_name_do_not_lose_the_evidence():
    frame = pd.DataFrame([[1, 2, 3]], columns=["urls", "urls", "kept"])
    assert pq.read_table(BytesIO(parquet_bytes(frame))).to_pylist() == [{"urls": 1, "kept": 3}]
