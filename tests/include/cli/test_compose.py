"""docker-compose.yaml, env.template and the pre-commit file, read as data: what must hold without a Docker daemon."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
TEMPLATE = {
    name: value
    for name, _, value in (
        line.partition("=") for line in (ROOT / "env.template").read_text().splitlines() if re.match(r"\w+=", line)
    )
}
EVERY_SERVICE = pytest.mark.parametrize("name", SERVICES)


def test_every_part_of_a_distributed_airflow_is_there() -> None:
    assert {"api-server", "scheduler", "dag-processor", "triggerer", "worker"} <= SERVICES.keys()
    assert {"postgres", "redis", "local-aws"} <= SERVICES.keys()
    assert SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"


@EVERY_SERVICE
def test_port_is_published_on_the_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port


@EVERY_SERVICE
def test_no_service_runs_as_root_or_gains_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")


@EVERY_SERVICE
def test_project_folder_is_mounted_read_only(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source, *_, last = mount.split(":")
        assert last == "ro" if source.startswith(".") else source in COMPOSE["volumes"], mount


@EVERY_SERVICE
def test_long_running_service_says_whether_it_is_healthy(name: str) -> None:
    exempt = {"airflow-init": "ends by itself", "aws-gate": "a pipe without a state of its own"}
    assert ("healthcheck" in SERVICES[name]) != (name in exempt)


def test_both_sql_servers_start_only_when_their_profile_is_asked_for() -> None:
    servers = {name for name, service in SERVICES.items() if service.get("profiles") == ["sqlserver"]}
    assert servers == {"sql-primary", "sql-secondary"}
    assert {SERVICES[name]["hostname"] for name in servers} == {"SQLFCI01", "EC2SQL02"}
    assert not [name for name, service in SERVICES.items() if servers & set(service.get("depends_on") or {})]


@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_worker_and_server_see_a_share_under_the_same_path(side: str) -> None:
    mount = f"{side}-share:/shipping/{side}"
    assert mount in SERVICES["worker"]["volumes"]
    assert mount in SERVICES[f"sql-{side}"]["volumes"]
    assert f"/shipping/{side}/backups /shipping/{side}/copies" in (ROOT / "Dockerfile").read_text()


def test_worker_sees_both_sides_of_a_migration_and_the_local_aws_keeps_its_file_systems_there() -> None:
    assert {"migration-source:/migration/source", "migration-target:/migration/target"} <= set(
        SERVICES["worker"]["volumes"]
    )
    local = SERVICES["local-aws"]
    state = next(word.partition("=")[2] for word in local["command"] if word.startswith("--state-dir="))
    assert f"migration-target:{state}/fsx" in local["volumes"]
    assert f"mkdir -p {state}/fsx" in (ROOT / "Dockerfile").read_text()


def test_no_command_line_shows_a_password() -> None:
    for name, service in SERVICES.items():
        words = [*service.get("command", []), *service.get("healthcheck", {}).get("test", [])]
        assert not [word for word in words if re.search(r"(-P|--password)\b", word)], name


def test_secret_without_a_value_stops_the_start_with_a_sentence() -> None:
    for name, default in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT):
        assert name in TEMPLATE, f"{name} is missing in env.template"
        if name.endswith("_PORT"):
            assert default.startswith(":-")
        else:
            assert default.startswith(f":?set {name} in .env"), name


def test_template_holds_no_password() -> None:
    for name, value in TEMPLATE.items():
        assert value == "" or name.endswith("_PORT") or name.startswith("AIRFLOW_CONN_"), name


def test_base_image_is_the_pinned_airflow() -> None:
    pinned = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements.in").read_text(), re.MULTILINE)
    assert pinned
    assert f"FROM apache/airflow:{pinned[1]}-python3.11" in (ROOT / "Dockerfile").read_text()


@EVERY_SERVICE
def test_image_is_never_the_latest(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert tag
    assert tag != "latest"


def test_hooks_need_no_network() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repos[0]["hooks"])


def test_makefile_has_at_most_twelve_targets_and_explains_each() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert phony
    targets = phony[1].split()
    assert len(targets) <= 12
    assert set(targets) == set(re.findall(r"^([a-z]+):.*## ", text, re.MULTILINE))
