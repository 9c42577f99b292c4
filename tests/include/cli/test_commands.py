"""The `landfall` command from outside: exit codes, sentences, JSON; and the benchmark registry."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from include.cli import bench, components, stack
from include.cli.components import Component
from include.cli.logs import ROTATE_BYTES, last_lines, rotate
from include.cli.refusal import RefusalError
from include.cli.settings import StackSettings, project_root
from tests.integration.landfall_command import UserStack


def landfall(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.cli.main", *arguments],
        env=os.environ | environment,
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_status_of_a_stack_that_is_down_ends_with_3(tmp_path: Path) -> None:
    ended = landfall("status", "--json", LANDFALL_HOME=str(tmp_path))
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["state"]) == (3, "down")
    assert [part["name"] for part in answer["components"]] == list(components.NAMES)


def test_taken_port_ends_up_with_3_and_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        ended = landfall("up", **UserStack.in_folder(tmp_path).environment | {"LANDFALL_UI_PORT": port})
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1].startswith(f"landfall: Port {port} (for Airflow's web UI) is taken")
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stderr


def test_refusal_is_json_when_json_was_asked_for() -> None:
    ended = landfall("up", "--json", LANDFALL_UI_PORT="zero")
    assert ended.returncode == 3
    assert "LANDFALL_UI_PORT" in json.loads(ended.stdout)["error"]
    assert ended.stderr == ""


@pytest.mark.parametrize("arguments", [("bogus",), ("up", "--bogus"), ()])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert landfall(*arguments).returncode == 2


def test_help_imports_neither_the_stack_nor_the_query_engine() -> None:
    program = (
        "import sys; from include.cli import main; print([name for name in ('httpx', 'psutil', 'duckdb', 'airflow',"
        " 'include.cli.stack', 'include.cli.ioc') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root(), capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "[]"


def test_second_up_at_the_same_time_is_refused(tmp_path: Path) -> None:
    settings = StackSettings(project_root=tmp_path, home=tmp_path)
    with (
        stack._only_one(settings),
        pytest.raises(RefusalError, match="Another `landfall up` or `down` is at work"),
    ):
        stack.down(settings)


def test_process_that_dies_while_starting_is_reported_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dying(*_: object, **__: object) -> Component:
        command = (sys.executable, "-c", "import sys; print('no such table: tags'); sys.exit(4)")
        return Component(name=components.LOCAL_AWS, command=command, environment={"PATH": os.environ["PATH"]})

    monkeypatch.setattr(stack, "local_aws", dying)
    monkeypatch.setattr(stack, "local_sql_servers", lambda *_, **__: ())
    monkeypatch.setattr(stack, "airflow_components", lambda *_, **__: ())
    monkeypatch.setattr(stack, "migrate_if_needed", lambda *_, **__: False)
    settings = UserStack.in_folder(tmp_path, root=tmp_path).settings
    with pytest.raises(RefusalError, match="The local-aws ended with code 4 while starting") as refusal:
        stack.up(settings, announce=lambda _done, _text: None)
    assert refusal.value.details == ("no such table: tags",)
    assert not settings.run_file.exists()


def test_log_over_the_limit_is_set_aside_once(tmp_path: Path) -> None:
    log = tmp_path / "scheduler.log"
    log.write_bytes(b"x" * ROTATE_BYTES)
    rotate(log)
    assert not log.exists()
    log.write_text("short")
    rotate(log)
    assert log.read_text() == "short"
    assert (tmp_path / "scheduler.log.1").stat().st_size == ROTATE_BYTES


def test_last_lines_survive_a_missing_file_and_bad_bytes(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == ()
    (tmp_path / "log").write_bytes(b"one\n\n\xff two\nthree\n")
    assert last_lines(tmp_path / "log", count=2) == ("\ufffd two", "three")


@pytest.fixture
def two_line_module(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A benchmark module that yields two lines and counts its runs."""
    ran: list[str] = []

    def run() -> Iterator[dict[str, object]]:
        ran.append("run")
        for name in ("refresh_bytes", "refresh_seconds"):
            yield {"name": name, "ours": 1.0, "peer": 4.0, "ratio": 0.25, "unit": "s", "note": ""}

    monkeypatch.setitem(sys.modules, "benchmarks.refresh", SimpleNamespace(run=run))
    return ran


def test_module_runs_once_for_all_its_lines(two_line_module: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bench.run_benchmarks(["refresh_seconds", "refresh_bytes"], as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["name"] for line in lines] == ["refresh_bytes", "refresh_seconds"]
    assert two_line_module == ["run"]


def test_line_that_was_not_asked_for_is_not_printed(
    two_line_module: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    bench.run_benchmarks(["refresh_seconds"], as_json=True)
    assert "refresh_bytes" not in capsys.readouterr().out


def test_line_that_its_module_owes_is_missed(two_line_module: list[str]) -> None:
    with pytest.raises(RefusalError, match="refresh_writes"):
        bench.run_benchmarks(["refresh_writes"], as_json=True)


def test_unknown_line_is_refused_with_the_choice() -> None:
    with pytest.raises(RefusalError, match="choose from refresh_bytes"):
        bench.wanted_lines(["speed"])


def test_registered_names_are_the_promised_ones() -> None:
    assert list(bench.REGISTRY) == [
        "refresh_bytes",
        "refresh_seconds",
        "refresh_differences",
        "refresh_writes",
        "lookup_p99",
        "lookup_keys_p99",
        "lookup_requests_mean",
        "gate_seconds",
        "dag_parsing_seconds",
        "ioc_recall_24h",
        "ioc_items_24h",
        "ioc_recall_1h",
        "ioc_items_1h",
        "lost_with_tail",
        "lost_without_tail_unstated",
        "ship_50_seconds",
        "fail_over_1_seconds",
        "fail_over_50_seconds",
        "sql_commit_rate",
        "sql_commit_rate_8",
        "sql_fetch_rate",
        "sql_log_backup_ms",
        "partition_seconds",
        "partition_balance",
        "partition_memory",
        "reconcile_seconds",
        "reconcile_memory",
        "watch_memory_growth",
        "eta_coverage",
        "scan_rate",
        "assess_seconds",
        "assess_memory",
        "read_rate",
        "join_and_group_seconds",
        "group_f1_easy",
        "group_f1_noisy",
        "tier_ari",
        "waves_over_capacity",
        "wave_cut",
        "wave_count",
        "sizing_breaches",
        "cost_difference_cents",
        "parse_rate",
        "parse_memory",
        "bytes_per_run",
    ]


def test_group_stands_for_the_lines_of_its_modules() -> None:
    assert bench.wanted_lines(["log_shipping", "gate_seconds"]) == {
        *("lost_with_tail", "lost_without_tail_unstated"),
        *("ship_50_seconds", "fail_over_1_seconds", "fail_over_50_seconds"),
        "gate_seconds",
    }


def test_lines_that_nobody_asked_for_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> Iterator[dict[str, object]]:
        yield {"name": "group_f1_easy"}
        raise AssertionError("it went on")

    monkeypatch.setitem(sys.modules, "benchmarks.discovery_groups", SimpleNamespace(run=run))
    assert list(bench._lines("discovery_groups", {"group_f1_easy", "scan_rate"})) == [{"name": "group_f1_easy"}]
