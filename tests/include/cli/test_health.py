"""Reading Airflow's health report."""

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.cli.health import healthy_components, healthy_in_report, speaks_tds
from include.cli.settings import StackSettings
from tests.local_sql_server import start_local_sql_server

STARTED = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALL = {"api-server", "scheduler", "triggerer", "dag-processor"}


def report(*, heartbeat: datetime | None, status: str = "healthy") -> dict[str, Any]:
    beat = heartbeat.isoformat() if heartbeat else None
    return {
        "metadatabase": {"status": "healthy"},
        "scheduler": {"status": status, "latest_scheduler_heartbeat": beat},
        "triggerer": {"status": status, "latest_triggerer_heartbeat": beat},
        "dag_processor": {"status": status, "latest_dag_processor_heartbeat": beat},
    }


def test_all_are_healthy_after_their_first_heartbeat() -> None:
    assert healthy_in_report(report(heartbeat=STARTED + timedelta(seconds=3)), started_at=STARTED) == ALL


@pytest.mark.parametrize(
    ("heartbeat", "status"),
    [(STARTED - timedelta(seconds=5), "healthy"), (None, "healthy"), (STARTED + timedelta(seconds=5), "unhealthy")],
)
def test_last_heartbeat_of_a_killed_predecessor_does_not_count(heartbeat: datetime | None, status: str) -> None:
    assert healthy_in_report(report(heartbeat=heartbeat, status=status), started_at=STARTED) == {"api-server"}


@pytest.mark.parametrize("document", [None, {}, {"metadatabase": {"status": "unhealthy"}, "triggerer": None}])
def test_no_report_means_nothing_is_healthy(document: dict[str, Any] | None) -> None:
    assert healthy_in_report(document, started_at=STARTED) == set()


def test_servers_that_do_not_answer_are_not_healthy(tmp_path: Any) -> None:
    settings = StackSettings(
        project_root=tmp_path, home=tmp_path, ui_port=1, aws_port=2, primary_port=3, secondary_port=4
    )
    assert healthy_components(settings, started_at=STARTED) == set()


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n", b""])
def test_server_that_does_not_answer_a_prelogin_is_no_sql_server(words: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=answer_one, args=(server, words))
        answering.start()
        assert not speaks_tds(server.getsockname()[1])
        answering.join()


def test_sql_server_is_healthy_as_soon_as_it_answers_a_prelogin(tmp_path: Path) -> None:
    with start_local_sql_server(tmp_path / "primary") as server:
        assert speaks_tds(server.port)
        server.kill()
        assert not speaks_tds(server.port)


def answer_one(server: socket.socket, words: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(words)
