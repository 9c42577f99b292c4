"""The environment of the stack's processes."""

import json
from pathlib import Path

import pytest

from include.cli.components import NAMES, airflow_components, local_aws, local_sql_servers
from include.cli.credentials import USER_ROLES, Credentials
from include.cli.environment import airflow_environment
from include.cli.settings import StackSettings

SETTINGS = StackSettings(
    project_root=Path("/project"),
    home=Path("/state"),
    ui_port=18181,
    aws_port=14567,
    primary_port=14431,
    secondary_port=14432,
)
CREDENTIALS = Credentials(
    fernet_key="fernet",
    jwt_secret="jwt" * 30,
    api_secret_key="api" * 30,
    passwords=dict.fromkeys(USER_ROLES, "word"),
    sqlserver_password="sa-word",
)


def environment(**inherited: str) -> dict[str, str]:
    return airflow_environment(SETTINGS, CREDENTIALS, inherited=inherited)


def test_port_stands_in_all_three_addresses_that_tasks_and_people_use() -> None:
    made = environment()
    assert made["AIRFLOW__API__PORT"] == "18181"
    assert made["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18181"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18181/execution/"


def test_nothing_is_bound_or_called_beyond_the_loopback() -> None:
    made = environment()
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK"] == "False"
    assert json.loads(made["AIRFLOW_CONN_AWS_DEFAULT"])["extra"]["endpoint_url"] == "http://127.0.0.1:14567"


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONDONTWRITEBYTECODE",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS_CMD",
        "AIRFLOW_CONN_MSSQL_DEFAULT",
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "PYTHONHOME",
        "LANDFALL_SQLSERVER_PASSWORD",
    ],
)
def test_variables_of_the_callers_shell_do_not_steer_the_stack(name: str) -> None:
    assert name not in environment(**{name: "1"})


def test_home_and_language_of_the_callers_shell_are_kept() -> None:
    made = environment(HOME="/home/ada", LANG="C.UTF-8")
    assert (made["HOME"], made["LANG"]) == ("/home/ada", "C.UTF-8")


def test_proxies_do_not_catch_loopback_calls() -> None:
    made = environment(HTTP_PROXY="http://proxy:3128", NO_PROXY="example.org")
    assert "127.0.0.1" in made["NO_PROXY"]
    assert "127.0.0.1" in made["no_proxy"]


def test_project_and_plugins_are_importable_in_every_process() -> None:
    assert environment(PYTHONPATH="/elsewhere")["PYTHONPATH"] == "/project:/project/plugins"


def test_named_users_have_roles_and_nobody_is_made_admin_by_default() -> None:
    made = environment()
    assert made["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert made["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,oncall:op,analyst:user,viewer:viewer"


def test_secrets_travel_in_the_environment_and_never_on_a_command_line() -> None:
    every = [
        local_aws(SETTINGS, inherited={}),
        *local_sql_servers(SETTINGS, CREDENTIALS, inherited={}),
        *airflow_components(SETTINGS, CREDENTIALS, inherited={}),
    ]
    assert tuple(component.name for component in every) == NAMES
    words = [word for component in every for word in component.command]
    for secret in (CREDENTIALS.fernet_key, CREDENTIALS.jwt_secret, CREDENTIALS.api_secret_key, "word", "sa-word"):
        assert secret not in words
    for stand_in in every[:3]:
        assert CREDENTIALS.jwt_secret not in stand_in.environment.values()


def test_airflow_reaches_both_sql_servers_by_its_connections() -> None:
    made = environment(AIRFLOW_CONN_MSSQL_PRIMARY="mssql://sa@production")
    primary, secondary = (json.loads(made[f"AIRFLOW_CONN_MSSQL_{side}"]) for side in ("PRIMARY", "SECONDARY"))
    assert (primary["host"], primary["port"]) == ("127.0.0.1", 14431)
    assert (secondary["host"], secondary["port"]) == ("127.0.0.1", 14432)
    assert {each["password"] for each in (primary, secondary)} == {"sa-word"}
    assert {each["login"] for each in (primary, secondary)} == {"sa"}


def test_sql_servers_take_their_password_from_the_environment_and_differ_in_name_port_and_folder() -> None:
    primary, secondary = local_sql_servers(SETTINGS, CREDENTIALS, inherited={"LANDFALL_SQLSERVER_PASSWORD": "mine"})
    assert primary.environment["LANDFALL_SQLSERVER_PASSWORD"] == "sa-word"
    assert {"SQLFCI01", "14431", "/state/sqlserver/primary"} <= set(primary.command)
    assert {"EC2SQL02", "14432", "/state/sqlserver/secondary"} <= set(secondary.command)


def test_processes_that_would_open_a_log_server_are_told_not_to() -> None:
    commands = {each.name: each.command for each in airflow_components(SETTINGS, CREDENTIALS, inherited={})}
    assert "--skip-serve-logs" in commands["scheduler"]
    assert "--skip-serve-logs" in commands["triggerer"]


def test_repr_of_credentials_shows_no_secret() -> None:
    assert "jwt" not in repr(CREDENTIALS)
    assert "word" not in repr(CREDENTIALS)  # nor the one of the SQL Servers, which ends so
