"""The REST client against a scripted server over a real socket (the real Airflow: tests/integration/test_stack.py)."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from include.cli.airflow_api import AirflowApi, AirflowApiError, RunTimeoutError

Answer = Callable[[str, str, dict[str, str], str | None], tuple[int, object]]
"""(method, path, query, bearer token) -> (status, JSON document)."""

RUN = "/api/v2/dags/d/dagRuns/manual__2026-01-01T00%3A00%3A00%2B00%3A00"
RUN_ID = "manual__2026-01-01T00:00:00+00:00"


@pytest.fixture
def api() -> Iterator[Callable[[Answer], AirflowApi]]:
    opened: list[tuple[ThreadingHTTPServer, AirflowApi]] = []

    def serve(answer: Answer) -> AirflowApi:
        class Scripted(BaseHTTPRequestHandler):
            def reply(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                parts = urlsplit(self.path)
                token = (self.headers.get("authorization") or "").removeprefix("Bearer ") or None
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                status, document = answer(self.command, parts.path, query, token)
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        for method in ("GET", "POST", "PATCH"):
            setattr(Scripted, f"do_{method}", Scripted.reply)
        server = ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = AirflowApi(f"http://127.0.0.1:{server.server_port}", "ada", "word")
        opened.append((server, client))
        return client

    yield serve
    for server, client in opened:
        client.close()
        server.shutdown()
        server.server_close()


def test_expired_token_is_renewed_once_and_the_call_repeated(api: Callable[[Answer], AirflowApi]) -> None:
    tokens = iter(["old", "new"])

    def answer(_method: str, path: str, _query: dict[str, str], token: str | None) -> tuple[int, object]:
        if path == "/auth/token":
            return 201, {"access_token": next(tokens)}
        return (200, {"state": "running"}) if token == "new" else (401, {"detail": "Token expired"})

    assert api(answer).run_state("d", RUN_ID) == "running"


def test_user_that_stays_refused_gets_airflows_explanation(api: Callable[[Answer], AirflowApi]) -> None:
    def answer(_method: str, path: str, _query: dict[str, str], _token: str | None) -> tuple[int, object]:
        return (201, {"access_token": "t"}) if path == "/auth/token" else (403, {"detail": "Forbidden for viewers"})

    with pytest.raises(AirflowApiError, match=r"403 to POST .* as ada: Forbidden for viewers") as refusal:
        api(answer).trigger("d", {})
    assert refusal.value.status == 403


def test_task_beyond_the_first_page_is_not_lost(api: Callable[[Answer], AirflowApi]) -> None:
    every = [{"task_id": "load", "map_index": index, "state": None} for index in range(230)]

    def answer(_method: str, path: str, query: dict[str, str], _token: str | None) -> tuple[int, object]:
        if path == "/auth/token":
            return 201, {"access_token": "t"}
        assert path == f"{RUN}/taskInstances"
        offset = int(query["offset"])
        return 200, {"task_instances": every[offset : offset + int(query["limit"])], "total_entries": len(every)}

    states = api(answer).task_states("d", RUN_ID)
    assert len(states) == 230
    assert states["load[229]"] == "none"


def test_wait_tells_each_change_once_and_ends_with_the_run(api: Callable[[Answer], AirflowApi]) -> None:
    script = iter([("queued", None), ("running", "running"), ("running", "running"), ("failed", "failed")])
    now: dict[str, Any] = {}

    def answer(_method: str, path: str, _query: dict[str, str], _token: str | None) -> tuple[int, object]:
        if path == "/auth/token":
            return 201, {"access_token": "t"}
        if path == RUN:
            now["run"], now["task"] = next(script)
            return 200, {"state": now["run"]}
        tasks = [{"task_id": "load", "map_index": -1, "state": now["task"]}]
        return 200, {"task_instances": tasks, "total_entries": 1}

    seen: list[tuple[str, dict[str, str]]] = []
    ended = api(answer).wait("d", RUN_ID, lambda state, tasks: seen.append((state, tasks)))
    assert ended == "failed"
    assert seen == [("queued", {"load": "none"}), ("running", {"load": "running"}), ("failed", {"load": "failed"})]


def test_run_that_does_not_end_is_left_running_with_a_sentence(api: Callable[[Answer], AirflowApi]) -> None:
    def answer(_method: str, path: str, _query: dict[str, str], _token: str | None) -> tuple[int, object]:
        return (201, {"access_token": "t"}) if path == "/auth/token" else (200, {"state": "running"})

    with pytest.raises(RunTimeoutError, match="is still running after 0 s"):
        api(answer).wait("d", RUN_ID, timeout_seconds=0)


def test_server_that_is_not_there_is_one_sentence() -> None:
    with AirflowApi("http://127.0.0.1:1", "ada", "word") as client, pytest.raises(AirflowApiError) as refusal:
        client.health()
    assert refusal.value.status == 0
    assert "landfall status" in str(refusal.value)
    assert "word" not in str(refusal.value)


@pytest.mark.parametrize(("age_seconds", "waits"), [(1.0, True), (60.0, False)])
def test_question_just_asked_is_not_answered_before_the_scheduler_noticed(
    api: Callable[[Answer], AirflowApi], monkeypatch: pytest.MonkeyPatch, age_seconds: float, waits: bool
) -> None:
    asked_at = (datetime.now(UTC) - timedelta(seconds=age_seconds)).isoformat()
    happened: list[str] = []

    def answer(method: str, path: str, _query: dict[str, str], _token: str | None) -> tuple[int, object]:
        if path == "/auth/token":
            return 201, {"access_token": "t"}
        happened.append(method)
        return 200, {"created_at": asked_at}

    monkeypatch.setattr(time, "sleep", lambda seconds: happened.append("waited" if seconds > 0 else "went on"))
    api(answer).answer_approval("d", RUN_ID, "approve", "Approve")
    assert happened == ["GET", "waited" if waits else "went on", "PATCH"]
