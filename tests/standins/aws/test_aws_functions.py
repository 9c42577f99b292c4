"""Lambda handlers over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.local_aws import ROOT, LocalAws, start_local_aws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HANDLER = """
import base64, json
import boto3

def handler(event, context):
    http = event["requestContext"]["http"]
    if event["rawPath"] == "/boom":
        raise ValueError("the handler broke")
    if event["rawPath"] == "/binary":
        return {"statusCode": 201, "body": base64.b64encode(bytes([0, 255])).decode(), "isBase64Encoded": True}
    if event["rawPath"] == "/plain":
        return {"found": True}
    names = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
    body = {"buckets": names, "method": http["method"], "body": event["body"], "encoded": event["isBase64Encoded"],
            "query": event["queryStringParameters"], "name": context.function_name}
    return {"statusCode": 200, "headers": {"X-Answer": "42"}, "body": json.dumps(body)}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that serves the handler above as `report`."""
    folder = tmp_path_factory.mktemp("functions")
    (folder / "served_handler.py").write_text(HANDLER)
    with start_local_aws(folder / "state", ["report=served_handler:handler"], pythonpath=[folder]) as aws:
        aws.client("s3").create_bucket(Bucket="seen-by-handler")
        yield aws


def test_a_handlers_own_boto3_finds_this_aws(served: LocalAws) -> None:
    status, body = served.http("POST", "/functions/report/mail?a=1&b=", b'{"id": 1}')

    assert status == 200
    assert json.loads(body) == {
        "buckets": ["seen-by-handler"],
        "method": "POST",
        "body": '{"id": 1}',
        "encoded": False,
        "query": {"a": "1", "b": ""},
        "name": "report",
    }


def test_bytes_that_are_no_text_arrive_in_base64_and_leave_as_bytes(served: LocalAws) -> None:
    _, asked = served.http("POST", "/functions/report", b"\xff\x00")

    assert (json.loads(asked)["body"], json.loads(asked)["encoded"]) == ("/wA=", True)
    assert served.http("POST", "/functions/report/binary", b"{}") == (201, b"\x00\xff")


def test_an_answer_without_a_status_is_a_json_body(served: LocalAws) -> None:
    assert served.http("POST", "/functions/report/plain", b"{}") == (200, b'{"found": true}')


def test_a_broken_handler_is_a_502_with_its_traceback_in_the_log(served: LocalAws) -> None:
    status, body = served.http("POST", "/functions/report/boom", b"{}")

    assert status == 502
    assert json.loads(body) == {"errorType": "ValueError", "errorMessage": "the handler broke"}
    assert "raise ValueError" in served.log.read_text()


def test_a_body_over_6_mib_is_refused(served: LocalAws) -> None:
    assert served.http("POST", "/functions/report", b"x" * (6 << 20))[0] == 200
    assert served.http("POST", "/functions/report", b"x" * ((6 << 20) + 1))[0] == 413


def test_an_unknown_function_is_a_404(served: LocalAws) -> None:
    assert served.http("POST", "/functions/nobody", b"{}")[0] == 404


@pytest.mark.parametrize("definition", ["report", "report=no.such.module:handler", "report=json:no_such_name"])
def test_a_function_that_cannot_be_served_is_one_sentence_at_the_start(tmp_path: Path, definition: str) -> None:
    command = [
        sys.executable,
        "-m",
        "include.standins.aws",
        "--port",
        "0",
        "--state-dir",
        str(tmp_path),
        "--function",
        definition,
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 3
    assert "report" in ended.stderr.strip().splitlines()[-1]
    assert "Traceback" not in ended.stderr
