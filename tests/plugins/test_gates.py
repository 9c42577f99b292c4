"""The gate task against an S3 on a real socket."""

import json
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace

import boto3
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import set_current_context
from moto.server import ThreadedMotoServer

from include.gates.result import GateResult, Severity, Verdict
from include.gates.suite import ColumnKind, GateExpectation, GateSuite
from landfall.gates import EvidenceStore, GateBlocked, GateCrashed, check, gate

RUN = "ioc_refresh_generate/manual__1/gate_mails"
SUITE = GateSuite(
    name="mails",
    columns={"mail_id": ColumnKind.TEXT, "urls": ColumnKind.WHOLE_NUMBER},
    expectations=(
        GateExpectation(
            "ExpectColumnValuesToBeBetween",
            {"column": "urls", "max_value": 9},
            Severity.QUARANTINE,
            "Mails with more than {max_value} URLs: {count} ({examples}).",
            "too many URLs",
        ),
    ),
    quarantine_limit=0.5,
    identity=("mail_id",),
)


def mails(*urls):
    return pd.DataFrame({"mail_id": [f"m{number}" for number in range(len(urls))], "urls": list(urls)})


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint, monkeypatch):
    """A client on an empty bucket of its own; the Airflow connection points to the same server."""
    extra = {"region_name": "us-east-1", "endpoint_url": endpoint}
    connection = {"conn_type": "aws", "login": "local", "password": "local", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="us-east-1")
    client = session.client("s3", endpoint_url=endpoint)
    for bucket in client.list_buckets()["Buckets"]:
        for item in client.list_objects_v2(Bucket=bucket["Name"]).get("Contents", ()):
            client.delete_object(Bucket=bucket["Name"], Key=item["Key"])
    client.create_bucket(Bucket="landfall-lake")
    return client


def run_task(load, *arguments, suite=SUITE, map_index=-1, **options):
    """Run the gate's task as a worker does, without scheduler and database."""
    factory = gate(task_id="gate_mails", suite=suite, load=load, **options)
    with DAG("ioc_refresh_generate"):
        operator = factory(*arguments).operator
    instance = SimpleNamespace(
        dag_id="ioc_refresh_generate", run_id="manual__1", task_id="gate_mails", map_index=map_index
    )
    context = {
        "ti": instance,
        "dag_run": SimpleNamespace(run_after=datetime(2026, 1, 1, tzinfo=UTC)),
        "params": {"most_urls": 1},
    }
    with set_current_context(context):
        return operator.python_callable(*operator.op_args, **operator.op_kwargs)


def keys(s3):
    return {item["Key"] for item in s3.list_objects_v2(Bucket="landfall-lake").get("Contents", ())}


def body(s3, uri):
    return s3.get_object(Bucket="landfall-lake", Key=uri.removeprefix("s3://landfall-lake/"))["Body"].read()


def test_a_sound_load_passes_and_leaves_result_and_page(s3):
    answer = run_task(lambda: mails(1, 2))
    assert json.loads(json.dumps(answer)) == answer
    result = GateResult.from_dict(answer)
    assert (result.verdict, result.evaluated_rows, result.quarantine_uri) == (Verdict.PASS, 2, None)
    assert keys(s3) == {f"gates/mails/{RUN}/index.html", f"gates/mails/{RUN}/result.json"}
    assert json.loads(body(s3, result.result_uri))["run"]["Run"] == "manual__1"


def test_bad_rows_are_set_aside_and_the_rest_is_kept_for_the_next_step(s3):
    answer = run_task(lambda: mails(1, 99), store=EvidenceStore(keep_passed=True))
    assert answer["verdict"] == "quarantine"
    aside = pq.read_table(BytesIO(body(s3, answer["quarantine_uri"]))).to_pylist()
    assert aside == [{"mail_id": "m1", "urls": 99, "_reasons": ["too many URLs"]}]
    assert pq.read_table(BytesIO(body(s3, answer["passed_uri"])))["mail_id"].to_pylist() == ["m0"]


def test_a_blocked_load_fails_for_good_after_its_evidence_is_stored(s3, endpoint):
    with pytest.raises(GateBlocked) as blocked:
        run_task(lambda: mails(99, 99, 1))
    assert isinstance(blocked.value, AirflowFailException)
    assert "Mails with more than 9 URLs: 2 (m0, m1)." in str(blocked.value)
    assert f"{endpoint}/landfall-lake/gates/mails/{RUN}/index.html" in str(blocked.value)
    assert f"gates/quarantine/mails/{RUN}/rows.parquet" in keys(s3)
    assert json.loads(body(s3, f"gates/mails/{RUN}/result.json"))["verdict"] == "block"


def test_the_page_opens_in_a_browser_as_html(s3):
    answer = run_task(lambda: mails(1))
    page = s3.get_object(Bucket="landfall-lake", Key=answer["docs_uri"].removeprefix("s3://landfall-lake/"))
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert page["Body"].read().startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("nothing", [mails(), []], ids=["no rows", "no files"])
def test_a_gate_that_sees_zero_rows_blocks(s3, nothing):
    with pytest.raises(GateBlocked, match="No rows arrived for mails"):
        run_task(lambda: nothing)


def test_a_wrongly_typed_column_blocks_with_a_sentence(s3):
    with pytest.raises(GateBlocked, match="Column urls holds str but owes whole numbers"):
        run_task(lambda: mails("1", "2"))


def broken_load():
    raise ConnectionError("the endpoint is gone")


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (broken_load, "ConnectionError: the endpoint is gone"),
        (lambda: None, "TypeError"),
        (lambda: "s3://landfall-lake/mails/absent.parquet", "NoSuchKey"),
        (lambda: "s3://landfall-lake/mails/torn.parquet", "ArrowInvalid"),
    ],
    ids=["load fails", "load gives nothing", "no such object", "half-written object"],
)
def test_data_that_cannot_be_read_block_with_evidence_and_may_be_tried_again(s3, load, words):
    s3.put_object(Bucket="landfall-lake", Key="mails/torn.parquet", Body=b"PAR1 and then the power went")
    with pytest.raises(GateCrashed, match=words) as crashed:
        run_task(load)
    assert not isinstance(crashed.value, AirflowFailException)
    document = json.loads(body(s3, f"gates/mails/{RUN}/result.json"))
    assert document["verdict"] == "block"
    assert words in document["reasons"][0]


def test_a_suite_that_cannot_be_built_blocks(s3):
    broken = GateSuite(name="mails", expectations=(GateExpectation("NoSuch", {}, Severity.BLOCK, "No."),))
    with pytest.raises(GateCrashed, match="no class NoSuch"):
        run_task(lambda: mails(1), suite=broken)


def test_a_rerun_overwrites_its_evidence_and_takes_back_what_is_no_longer_true(s3):
    run_task(lambda: mails(1, 99), store=EvidenceStore(keep_passed=True))
    with pytest.raises(GateCrashed):
        run_task(broken_load)
    assert keys(s3) == {f"gates/mails/{RUN}/index.html", f"gates/mails/{RUN}/result.json"}
    assert run_task(lambda: mails(1))["verdict"] == "pass"
    assert json.loads(body(s3, f"gates/mails/{RUN}/result.json"))["verdict"] == "pass"


def test_mapped_gates_do_not_overwrite_each_other(s3):
    answers = [run_task(lambda: mails(1), map_index=index) for index in (0, 1)]
    assert answers[0]["docs_uri"] != answers[1]["docs_uri"]


def test_parquet_objects_and_prefixes_are_read_by_reference(s3):
    for key, urls in {"mails/dt=1/a.parquet": [1, 2], "mails/dt=1/b.parquet": [3], "mails/dt=2/c.parquet": [4]}.items():
        sink = BytesIO()
        pq.write_table(pa.table({"mail_id": [key] * len(urls), "urls": urls}), sink)
        s3.put_object(Bucket="landfall-lake", Key=key, Body=sink.getvalue())
    s3.put_object(Bucket="landfall-lake", Key="mails/dt=1/", Body=b"")  # the folder marker of S3 consoles
    uris = ["s3://landfall-lake/mails/dt=1/", "s3://landfall-lake/mails/dt=2/c.parquet"]
    assert run_task(lambda: uris)["evaluated_rows"] == 4


def test_the_arguments_of_the_task_reach_the_loader(s3):
    def load(first, *, second):
        return mails(first, second)

    factory_call = gate(task_id="gate_mails", suite=SUITE, load=load)
    with DAG("ioc_refresh_generate"):
        operator = factory_call(1, second=2).operator
    assert (operator.op_args, operator.op_kwargs) == ((1,), {"second": 2})
    assert run_task(lambda urls: mails(*urls), [1, 2, 3])["evaluated_rows"] == 3


def test_a_suite_can_take_its_limits_from_the_run(s3):
    def from_params(context):
        rule = GateExpectation(
            "ExpectColumnMaxToBeBetween",
            {"column": "urls", "max_value": context["params"]["most_urls"]},
            Severity.BLOCK,
            "The most is {observed}.",
        )
        return GateSuite(name="mails", expectations=(rule,))

    with pytest.raises(GateBlocked, match="The most is 2"):
        run_task(lambda: mails(1, 2), suite=from_params)


def test_another_task_body_gets_the_good_rows_of_a_check(s3):
    context = {
        "ti": SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=None),
        "dag_run": SimpleNamespace(run_after=datetime(2026, 1, 1, tzinfo=UTC)),
    }
    validation = check(lambda: mails(1, 99), SUITE, context=context)
    assert validation.good["mail_id"].tolist() == ["m0"]
    assert validation.result.docs_uri == "s3://landfall-lake/gates/mails/d/r/t/index.html"


def test_the_task_shows_its_suite_in_the_ui():
    with DAG("ioc_refresh_generate"):
        operator = gate(task_id="gate_mails", suite=SUITE, load=mails, retries=3)().operator
    assert "`ExpectColumnValuesToBeBetween` on urls, else quarantine" in operator.doc_md
    assert (operator.task_id, operator.retries) == ("gate_mails", 3)
